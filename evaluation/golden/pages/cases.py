"""The cases of a dataset: list and bulk edit, the editor with its preview, and import from a file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from evaluation.golden.addressed import dataset_or_404, leads
from evaluation.golden.content import files, lines
from evaluation.golden.content.lines import BadCase
from evaluation.golden.curating import bulk, case_lists, differences, editing, meanwhile, preview, staleness
from evaluation.golden.draft import candidates, cases, withheld
from evaluation.golden.models import CaseState, GoldenCase, GoldenDataset, Origin
from ingest.json_objects import Json
from reviewapp.access import MemberRequest, session
from reviewapp.models import Membership, Role
from reviewapp.review import blindness

CASES_A_PAGE = 50
RESULTS_SHOWN = 20
MOST_PASTED = 1024 * 1024


@session(Role.REVIEWER)
def golden_cases(request: MemberRequest, name: str) -> HttpResponse:
    dataset = dataset_or_404(request, name)
    kept_back = withheld.to_judge(request.membership)
    found = case_lists.found(dataset, request.GET).exclude(kept_back)
    page = Paginator(found, CASES_A_PAGE).get_page(request.GET.get("page"))
    kept = {
        key: case_lists.clean(request.GET, key)
        for key in ("q", "state", "split", "source", "tag", "owner", "kind", "stale", "critical")
    }
    query = urlencode({key: value for key, value in kept.items() if value})
    context = {
        "dataset": dataset,
        "page": page,
        "caught": case_lists.last_results(list(page.object_list)),
        "asked": kept,
        "query": f"{query}&" if query else "",
        "filtered": bool(query),
        "withheld": dataset.cases.filter(kept_back).count(),
        "choices": case_lists.choices(dataset),
        "states": CaseState.choices,
        "owners": people(request),
        "leads": leads(request),
    }
    return render(request, "golden/cases.html", context)


def people(request: MemberRequest) -> list[str]:
    members = Membership.objects.filter(project=request.project).order_by("user__username")
    return list(members.values_list("user__username", flat=True))


@session(Role.LEAD)
@require_POST
def change_cases(request: MemberRequest, name: str) -> HttpResponse:
    """One change to all chosen cases."""
    dataset = dataset_or_404(request, name)
    try:
        words = bulk.change(dataset, request.POST, people(request), request.user.username)
        messages.success(request, words)
    except bulk.Refused as refusal:
        messages.error(request, str(refusal))
    alone = request.POST.get("back", "").replace("\0", "")
    if alone and dataset.cases.filter(case_id=alone).exists():
        return redirect("golden_case", request.project.slug, dataset.name, alone)
    query = request.POST.get("query", "")[:500]
    response = redirect("golden_cases", request.project.slug, dataset.name)
    response["Location"] += f"?{query}" if query.isprintable() and query else ""
    return response


@session(Role.LEAD)
def new_case(request: MemberRequest, name: str) -> HttpResponse:
    dataset = dataset_or_404(request, name)
    return edited(request, dataset, None, None)


@session(Role.REVIEWER)
def golden_case(request: MemberRequest, name: str, case_id: str) -> HttpResponse:
    dataset = dataset_or_404(request, name)
    case = (
        dataset.cases.filter(case_id=case_id).select_related("owner", "trace").first()
        if "\0" not in case_id
        else None
    )
    if case is None:
        raise Http404
    if case.trace is not None and not blindness.opens(request.membership, case.trace):
        messages.info(request, withheld.WORDS)
        return redirect("golden_cases", request.project.slug, name)
    shown = meanwhile.opened(case, request.POST)
    return edited(request, dataset, case, lines.parse(shown.line) if shown.line else None)


def edited(
    request: MemberRequest, dataset: GoldenDataset, case: GoldenCase | None, line: Json | None
) -> HttpResponse:
    """Show the form, or take what was typed; a refusal keeps it."""
    error: BadCase | None = None
    conflict: meanwhile.Conflict | None = None
    if request.method == "POST" and leads(request):
        try:
            return saved(request, dataset, case, line)
        except BadCase as refusal:
            error = refusal
        except cases.Meanwhile:
            assert case is not None
            conflict = meanwhile.conflict(case, request.POST, editing.read(request.POST, line))
    editor = editing.typed(request.POST, line) if error or conflict else shown(case, line)
    context = {
        "dataset": dataset,
        "case": case,
        "editor": editor,
        "error": error,
        "conflict": conflict,
        "opened": meanwhile.number(request.POST, "revision") or (case.revision if case else 0),
        "titled": request.POST.get("titled", editor.title) if error or conflict else editor.title,
        "erased": case is not None and line is None,
        "leads": leads(request),
        **(about(request, case) if case else {}),
    }
    status = 422 if error else 409 if conflict else 200
    return render(request, "golden/case.html", context, status=status)


def shown(case: GoldenCase | None, line: Json | None) -> editing.Editor:
    if case is None or line is None:
        return editing.blank()
    current = case.revisions.get(number=case.revision)
    return editing.of_line(line, meanwhile.written_title(case, current.line), case.case_id)


def saved(
    request: MemberRequest, dataset: GoldenDataset, case: GoldenCase | None, line: Json | None
) -> HttpResponse:
    read = editing.read(request.POST, line)
    taken = BadCase("id", "a case with this id exists already; open it, or choose another id")
    if case is None and read.case_id and dataset.cases.filter(case_id=read.case_id).exists():
        raise taken
    if case and meanwhile.retired(case, request.POST):
        raise BadCase("", "it was retired since you opened it; nothing is saved yet, and saving restores it")
    if case and not request.POST.get("over") and meanwhile.retitled(case, request.POST):
        raise cases.Meanwhile(case.case_id)
    over = meanwhile.allowed(request.POST) if case else 0
    entering = cases.Entering(read, title=meanwhile.title(request.POST), over=over)
    try:
        outcome = cases.put(dataset, [(0, entering)], request.user.username)[0]
    except cases.Meanwhile:
        if case is None:
            raise taken from None
        raise
    staleness.confirm(dataset, [outcome.case_id], request.user.username)
    words = {
        "created": "is in the draft",
        "revised": "has a new revision in the draft",
        "renamed": "has another title; its content is as it was",
        "unchanged": "is as it was",
    }
    messages.success(request, f"{outcome.case_id} {words[outcome.status]}.")
    return redirect("golden_case", request.project.slug, dataset.name, outcome.case_id)


def about(request: MemberRequest, case: GoldenCase) -> dict[str, Any]:
    results = case.results.select_related("run__version").order_by("-run__created_at", "-trial")
    return {
        "revisions": differences.history(case),
        "published": case_lists.published_in(case),
        "caught": case_lists.last_results([case]).get(case.pk),
        "stale": staleness.why(case, case.revisions.get(number=case.revision)),
        "results": results[:RESULTS_SHOWN],
        "owners": people(request),
    }


@session(Role.LEAD)
@require_POST
def preview_case(request: MemberRequest, name: str) -> HttpResponse:
    """What each assertion says of an output typed beside, the native line, and the nearest other case."""
    dataset = dataset_or_404(request, name)
    context: dict[str, Any] = {"dataset": dataset}
    try:
        case, revision = preview.whole(dataset, request.POST)
        context |= {"outcomes": preview.preview(case, request.POST.get("output", "").replace("\r\n", "\n"))}
        context |= {"line": case.line(revision), "sample": bool(request.POST.get("output"))}
        if request.POST.get("near"):
            besides = f"{dataset.name}/{case.case_id}"
            context["nearest"] = candidates.nearest_case(request.project, case, besides)
    except BadCase as refusal:
        context["error"] = refusal
    return render(request, "golden/_preview.html", context)


@session(Role.LEAD)
def import_cases(request: MemberRequest, name: str) -> HttpResponse:
    """A file of cases; looked at first, with a report for each line, then taken."""
    dataset = dataset_or_404(request, name)
    context: dict[str, Any] = {"dataset": dataset, "origins": Origin.choices}
    status = 200
    if request.method == "POST":
        sent = request.FILES.get("file")
        text = sent.read() if sent else request.POST.get("text", "").replace("\r\n", "\n").encode()
        named = sent.name if sent and sent.name else request.POST.get("kind", "cases.jsonl")
        try:
            found = files.read(text, named)
            checked = cases.check_values(found.values, found.lines)
            context["dry"] = bool(request.POST.get("dry"))
            if context["dry"]:
                context["checked"] = checked
            else:
                context["report"] = cases.put_checked(dataset, checked, request.user.username)
        except files.Unreadable as refusal:
            context["error"], status = str(refusal), 422
        # A file that was looked at need not be chosen again.
        context |= {"typed": pasted(text), "kind": f"x.{kind_of_file(named)}"}
    return render(request, "golden/import.html", context, status=status)


def pasted(content: bytes) -> str:
    """As it can be sent again in a field; empty for what one would change: long, no text, with CR in it."""
    try:
        return "" if len(content) > MOST_PASTED or b"\r" in content else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""


def kind_of_file(name: str) -> str:
    kind = name.rpartition(".")[2].lower()
    return "yaml" if kind == "yml" else kind if kind in ("csv", "json", "yaml") else "jsonl"
