"""Candidates: proposed from a confirmed failure, edited and decided by a lead; a key on review screens."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from evaluation.golden.addressed import leads
from evaluation.golden.content.lines import BadCase
from evaluation.golden.curating import editing
from evaluation.golden.draft import candidates
from evaluation.golden.draft.candidates import AlreadyDecided, NotConfirmed, Refused
from evaluation.golden.models import Candidate, GoldenCase
from evaluation.revealing import opening
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role

CANDIDATES_A_PAGE = 50


@session(Role.REVIEWER)
def golden_candidates(request: MemberRequest) -> HttpResponse:
    """Open ones first, then what was decided; none whose trace this member still has to judge blind."""
    found = candidates.told_to(request.membership).select_related("case__dataset", "trace")
    decided = request.GET.get("state") == "decided"
    found = found.exclude(state="open").order_by("-decided_at") if decided else found.filter(state="open")
    if not decided:
        found = found.order_by("-proposed_at", "pk")
    page = Paginator(found, CANDIDATES_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "decided": decided, "query": "state=decided&" if decided else ""}
    return render(request, "golden/candidates.html", context)


@session(Role.LEAD)
def golden_candidate(request: MemberRequest, pk: int) -> HttpResponse:
    candidate = get_object_or_404(
        Candidate.objects.select_related("trace", "project", "case__dataset"), pk=pk, project=request.project
    )
    if request.method == "POST":
        return decided(request, candidate)
    return shown(request, candidate)


def shown(request: MemberRequest, candidate: Candidate, error: Exception | None = None) -> HttpResponse:
    datasets = request.project.golden_datasets.order_by("name")
    nearest = candidate.provenance.get("nearest") or {}
    alike = GoldenCase.objects.filter(dataset__project=request.project, case_id=nearest.get("case_id", ""))
    if "dataset" in nearest:
        alike = alike.filter(dataset__name=nearest["dataset"])
    editor = (
        editing.typed(request.POST, candidate.content)
        if error and request.POST.get("action") == "accept"
        else editing.of_line(candidate.content, candidate.title)
    )
    context = {
        "candidate": candidate,
        "datasets": datasets,
        "editor": editor,
        "nearest": nearest,
        "into": request.POST.get("into") or nearest.get("case_id", ""),
        "alike": alike.select_related("dataset").first(),
        "error": error,
        "leads": True,
    }
    return render(request, "golden/candidate.html", context, status=422 if error else 200)


def decided(request: MemberRequest, candidate: Candidate) -> HttpResponse:
    try:
        words = _decide(request, candidate)
    except AlreadyDecided as refusal:
        messages.error(request, str(refusal))
        return redirect("golden_candidate", request.project.slug, candidate.pk)
    except (BadCase, Refused) as refusal:
        return shown(request, candidate, refusal)
    messages.success(request, words)
    return redirect("golden_candidates", request.project.slug)


def _decide(request: MemberRequest, candidate: Candidate) -> str:
    by, action = request.user.username, request.POST.get("action", "")
    if action == "reject":
        candidates.reject(candidate, request.POST.get("reason", "")[:2000], by)
        return "Not golden. The reason is kept with it."
    if action == "merge":
        into = _case(request)
        candidates.merge(candidate, into, by)
        return f"Merged into {into.case_id}."
    if action != "accept":
        raise Refused("Choose what to do with it.")
    case = editing.read(request.POST, {**candidate.content, "id": "-"})
    dataset = request.project.golden_datasets.filter(name=request.POST.get("dataset", "")).first()
    if dataset is None:
        raise Refused("Choose the dataset it goes to.")
    made = candidates.accept(candidate, dataset, editing.sent(case), by)
    return f"{made.case_id} is in the draft of {dataset.name}."


def _case(request: MemberRequest) -> GoldenCase:
    """Two datasets may hold cases of one id; only where a single one does need it not be named."""
    found = GoldenCase.objects.filter(
        dataset__project=request.project, case_id=request.POST.get("into", "").replace("\0", "").strip()
    )
    if name := request.POST.get("of", "").replace("\0", ""):
        found = found.filter(dataset__name=name)
    cases = list(found.select_related("dataset")[:2])
    if not cases:
        raise Refused(f"{name or 'No dataset'} holds {'no' if name else 'a'} case of this id.")
    if len(cases) > 1:
        raise Refused("Several datasets hold a case of this id: name the dataset.")
    return cases[0]


@session(Role.REVIEWER)
@require_POST
def propose_candidate(request: MemberRequest, pk: int) -> HttpResponse:
    """From a review screen: the item's confirmed failure becomes a candidate."""
    if not opening.opens(request, opening.item_or_404(request, pk)):
        raise Http404
    refused = ""
    try:
        candidates.propose(request.project, pk, request.user.username)
    except NotConfirmed as refusal:
        refused = str(refusal)
    except BadCase as refusal:
        refused = f"No golden case can be made of this trace: {refusal}."
    if request.htmx:
        return label_effects_of(request, pk, refused)
    if refused:
        messages.error(request, refused)
    else:
        messages.success(request, "Proposed as a golden case; a lead decides.")
    return redirect("golden_candidates", request.project.slug)


@session(Role.REVIEWER)
def label_effects(request: MemberRequest, pk: int) -> HttpResponse:
    """What may follow from an item's resolution, for a slot of the review screens; after the own submit."""
    if not opening.opens(request, opening.item_or_404(request, pk)):
        return HttpResponse()
    return label_effects_of(request, pk)


def label_effects_of(request: MemberRequest, pk: int, refused: str = "") -> HttpResponse:
    resolution = candidates.confirmed(request.project, pk)
    found = (
        Candidate.objects.filter(project=request.project, resolution_id=resolution.pk).first()
        if resolution
        else None
    )
    context: dict[str, Any] = {
        "item_pk": pk,
        "confirmed": resolution,
        "candidate": found,
        # Beside the next item to decide it has to say which one it speaks of.
        "asked": resolution.item.trace.input if resolution and _is_elsewhere(request, pk) else "",
        "leads": leads(request),
        "refused": refused,
    }
    return render(request, "golden/_effects.html", context)


def _is_elsewhere(request: MemberRequest, pk: int) -> bool:
    path = (request.htmx.current_url_abs_path if request.htmx else "") or ""
    return path != "" and path.partition("?")[0].rpartition("/")[2] != str(pk)
