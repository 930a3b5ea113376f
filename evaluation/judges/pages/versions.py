"""Making versions of judges, letting them judge, and letting them go live; for leads."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluation.judges.calls import wording
from evaluation.judges.judgments import asking, running
from evaluation.judges.making import drafts, versions
from evaluation.judges.models import PREFERENCE, JudgeRun, JudgeVersion, Kind, Origin, RunKind, Stage
from evaluation.judges.pages.forms import RunForm, VersionForm, begun_with
from evaluation.judges.stability import anchors
from evaluation.judges.trust import stages
from ingest.models import Trace
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role

RUNS_SHOWN = 5
TRACES_OFFERED = 12
# The number asked for by one press of the button; a second press asks for more.
MOST_AT_ONCE = 20_000


@session(Role.LEAD)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_version(request: MemberRequest) -> HttpResponse:
    form = VersionForm(request.project, request.POST or None, initial=_begun_with(request))
    if form.is_valid():
        try:
            made = _create(request, form)
        except drafts.Refused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(
                request,
                f"{made.judge.name} {made.label} is a candidate: let it judge, then look at its figures.",
            )
            return back_to(request, made, "running")
    status = 422 if form.is_bound else 200
    return render(request, "judges/new_version.html", {"form": form, **editor(request)}, status=status)


def _begun_with(request: MemberRequest) -> dict[str, Any]:
    """What the form holds at first: the version of that name and number, as the next one is seldom far."""
    name, number = (request.GET.get(key, "").replace("\0", "") for key in ("name", "version"))
    judge = versions.find(request.project, name)
    begun = versions.choose(judge, number) if judge and number else None
    return begun_with(begun) if begun and begun.kind != Kind.IMPORTED else {"name": name}


def editor(request: MemberRequest) -> dict[str, Any]:
    """What is shown beside the form: variables to insert, and traces to try it on."""
    newest = Trace.objects.filter(project=request.project).order_by("-started_at", "-pk")
    return {
        "of_trace": [("{{" + name + "}}", words) for name, words in wording.OF_TRACE.items()],
        "of_rubric": [("{{" + name + "}}", words) for name, words in wording.OF_RUBRIC.items()],
        "newest": newest.only("trace_id", "input", "started_at")[:TRACES_OFFERED],
        "chosen_trace": request.POST.get("trace", request.GET.get("trace", "")),
    }


def _create(request: MemberRequest, form: VersionForm) -> JudgeVersion:
    name, by = form.cleaned_data["name"], request.user.username
    return versions.create(request.project, name, by=by, **form.pinned())


@session(Role.LEAD)
@require_POST
def go_live(request: MemberRequest, pk: int) -> HttpResponse:
    version = version_of(request, pk)
    told = "is validated again" if version.stage == Stage.LIVE else "is live; the one before it is retired"
    try:
        stages.promote(version, request.user.username)
    except stages.NotValidated as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{version.judge.name} {version.label} {told}.")
    return back_to(request, version, "going-live")


@session(Role.LEAD)
@require_POST
def retire(request: MemberRequest, pk: int) -> HttpResponse:
    version = version_of(request, pk)
    stopped = stages.retire(version)
    waited = f"; {stopped} that waited will not be judged" if stopped else ""
    messages.success(
        request, f"{version.judge.name} {version.label} is retired and no longer judges{waited}."
    )
    return back_to(request, version, "versions")


@session(Role.LEAD)
@require_POST
def freeze_anchors(request: MemberRequest, pk: int) -> HttpResponse:
    version = version_of(request, pk)
    try:
        made = anchors.freeze(version, request.user.username)
    except anchors.TooFew as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{made.anchors.count()} traces are frozen as {made.name}.")
    return back_to(request, version, "anchors")


@session(Role.LEAD)
@require_POST
def run_version(request: MemberRequest, pk: int) -> HttpResponse:
    version = version_of(request, pk)
    form = RunForm(version, request.POST)
    if version.kind == Kind.IMPORTED or not form.is_valid():
        why = next((error for errors in form.errors.values() for error in errors), "")
        messages.error(request, str(why) or "This version cannot judge here.")
        return back_to(request, version, "running")
    count = _ask(version, form.cleaned_data, request.user.username)
    if count:
        messages.success(request, f"{count} to judge; the worker has begun.")
    else:
        messages.warning(request, "Nothing was found that it has not judged yet.")
    return back_to(request, version, "running")


def _ask(version: JudgeVersion, given: dict[str, Any], by: str) -> int:
    what, trace = given["what"], given["trace"]
    if what == "queue" or version.criterion == PREFERENCE:
        return running.on_queue(
            version, given["queue"], by, standing=given["standing"], both_orders=given["both_orders"]
        )
    if what == "anchors":
        return asking.ask_anchors(version, asking.start(version, RunKind.ANCHORS, by))
    if what == "trace":
        found = Trace.objects.filter(project=version.judge.project_id, trace_id=trace.replace("\0", ""))
        chosen = [(pk, str(Origin.GIVEN)) for pk in found.values_list("pk", flat=True)]
        return asking.ask_traces(version, chosen, asking.start(version, RunKind.GIVEN, by))
    run = asking.start(version, RunKind.SAMPLE, by)
    return asking.ask_sample(version, run, MOST_AT_ONCE)


@session(Role.LEAD)
@require_POST
def stop_run(request: MemberRequest, pk: int) -> HttpResponse:
    run = JudgeRun.objects.filter(pk=pk, version__judge__project=request.project).first()
    if run is None:
        raise Http404
    asking.stop(run)
    return back_to(request, run.version, "running")


@session(Role.LEAD)
@never_cache
@require_safe
def version_runs(request: MemberRequest, pk: int) -> HttpResponse:
    """The newest runs with their progress; it asks again while something is open."""
    version = version_of(request, pk)
    newest = list(version.runs.select_related("queue").order_by("-pk")[:RUNS_SHOWN])
    reasons, fails = asking.why_unanswered(newest), asking.failing(newest)
    runs: list[Any] = [(run, asking.progress(run), reasons.get(run.pk, "")) for run in newest]
    spent = asking.spent(newest) if version.kind == Kind.LITELLM else {}
    for run, progress, _ in runs:
        progress |= {"ended": progress["total"] - progress["open"], "fails": fails.get(run.pk, 0)}
        progress["spent"] = spent.get(run.pk)
    is_open = any(progress["open"] for _, progress, _ in runs)
    context = {
        "runs": runs,
        "has_cost": bool(spent),
        "version": version,
        "is_open": is_open,
        "judge": version.judge,
    }
    context["has_ended"] = bool(request.GET.get("watched")) and not is_open
    return render(request, "judges/_runs.html" if request.htmx else "judges/runs.html", context)


def version_of(request: MemberRequest, pk: int) -> JudgeVersion:
    found = JudgeVersion.objects.filter(pk=pk, judge__project=request.project)
    version = found.select_related("judge__project", "rubric_version__rubric").first()
    if version is None:
        raise Http404
    return version


def back_to(request: MemberRequest, version: JudgeVersion, part: str) -> HttpResponse:
    """To the judge's page, at the part where the next step stands, so that a keyboard goes on from there."""
    page = reverse("judge", args=[request.project.slug, version.judge.name])
    return redirect(f"{page}?version={version.number}#{part}")
