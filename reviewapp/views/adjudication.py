"""Where leads decide what reviewers could not: the list, one item with all answers, the decision."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ingest import sanitising
from reviewapp import numerals
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import adjudication as reading
from reviewapp.review import blindness, flags, items, resolutions, snapshots, weighing
from reviewapp.review.models import Cause, Preference, ReviewItem
from reviewapp.review.refusals import Refusal
from reviewapp.screen import evidence, revealing, sides, sittings
from reviewapp.views.queues import way_back

ITEMS_A_PAGE = 50
DECISIONS = {"pass": "Pass", "fail": "Fail"}
# The digits decide, so a cause has a letter.
CAUSE_KEYS = {
    Cause.JUDGE_WRONG: "w",
    Cause.HUMAN_WRONG: "h",
    Cause.RUBRIC_AMBIGUOUS: "a",
    Cause.MISSING_CONTEXT: "m",
}


@session(Role.LEAD)
@never_cache
@require_safe
def adjudication(request: MemberRequest) -> HttpResponse:
    show = request.GET.get("show", "decide")
    show = show if show in reading.SHOWS else "decide"
    page = Paginator(reading.waiting(request.project, show), ITEMS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "show": show,
        "tabs": reading.tabs(request.project),
        "page": page,
        "query": f"show={show}&",
        "just_decided": just_decided(request),
    }
    return render(request, "adjudication/adjudication.html", context)


@session(Role.LEAD)
@never_cache
def decide(request: MemberRequest, pk: int) -> HttpResponse:
    item = item_or_404(request, pk)
    if blindness.hides(request.membership, [trace for trace in (item.trace, item.other_trace) if trace]):
        messages.info(request, "You are judging this yourself just now: hand it in or release it first.")
        return redirect("adjudication", request.project.slug)
    if request.method == "POST":
        return decided(request, item)
    return shown(request, item)


def shown(request: MemberRequest, item: ReviewItem, refusal: Refusal | None = None) -> HttpResponse:
    blindness.note_opened(item, request.user)
    # Of an item that nobody has held yet, the trace as it is.
    snapshots.of_item(item)
    context = {
        "story": reading.tell(item),
        "judged": evidence.of_item(item),
        "sides": sides.of_item(item, "ab"),
        "weighed": weighing.weigh(item),
        "item": item,
        "reasons": sittings.reasons(item.reasons),
        "terms": revealing.terms(item.terms, item.priority),
        "causes": [(CAUSE_KEYS[cause], cause.value, cause.label) for cause in Cause],
        "preferences": Preference.choices,
        "decisions": DECISIONS,
        "refusal": refusal,
        "posted": request.POST,
        "posted_modes": request.POST.getlist("failure_modes"),
        "just_decided": just_decided(request),
    }
    return render(request, "adjudication/item.html", context, status=refusal.status if refusal else 200)


def decided(request: MemberRequest, item: ReviewItem) -> HttpResponse:
    posted = request.POST
    if posted.get("stands", known := str(item.resolution_id or "")) != known:
        if _is_repeated(request, item):
            return redirect("adjudication", request.project.slug)
        return shown(request, item, Refusal(f"{_stands(item)} Decide again to overrule it."))
    try:
        resolution = resolutions.adjudicate(
            item,
            request.user,
            verdict=posted.get("verdict", ""),
            preference=posted.get("preference", ""),
            cause=posted.get("cause", ""),
            note=text(posted, "note"),
            failure_modes=known_modes(item, posted),
            corrected_output=text(posted, "corrected_output"),
            flag_rubric="flag_rubric" in posted,
        )
    except Refusal as refusal:
        return shown(request, item, refusal)
    confirmed = ", a confirmed failure" if resolution.confirmed else ""
    messages.success(request, f"Decided: {resolution.verdict or resolution.preference}{confirmed}.")
    following = reading.next_after(request.project, item)
    response = (
        redirect("decide", request.project.slug, following.pk)
        if following
        else redirect("adjudication", request.project.slug)
    )
    response["Location"] += f"?{urlencode({'decided': item.pk})}" if resolution.confirmed else ""
    return response


def _is_repeated(request: MemberRequest, item: ReviewItem) -> bool:
    """Whether this decision stands already, as after a doubled click."""
    stands, posted = item.resolution, request.POST
    if stands is None or stands.by_id != request.user.pk:
        return False
    said = (posted.get("verdict", ""), posted.get("preference", ""), text(posted, "note"))
    return (stands.verdict, stands.preference, stands.note) == said


def _stands(item: ReviewItem) -> str:
    """What somebody else has made of it since the page was opened."""
    if item.resolution is None:
        return "The decision that you saw stands no more."
    who = item.resolution.by or "The labels"
    said = item.resolution.get_verdict_display() or item.resolution.get_preference_display()
    return f"{who} decided it while you were reading: {said}."


def just_decided(request: MemberRequest) -> int | None:
    """The item of the decision that led here: what follows from it is offered beside the next one."""
    return numerals.whole(request.GET.get("decided", ""), 18)


def known_modes(item: ReviewItem, posted: QueryDict) -> list[str]:
    chosen = set(posted.getlist("failure_modes"))
    return [mode["key"] for mode in item.rubric_version.failure_modes if mode["key"] in chosen]


def text(posted: QueryDict, name: str) -> str:
    return sanitising.text(posted.get(name, "").replace("\r\n", "\n").strip(), set())


@session(Role.LEAD)
@require_POST
def ask_for_decision(request: MemberRequest, pk: int) -> HttpResponse:
    """Put a resolved item before the leads once more."""
    item = item_or_404(request, pk)
    try:
        resolutions.ask_for_decision(item)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    return redirect("decide", request.project.slug, item.pk)


@session(Role.LEAD)
@require_POST
def close_flags(request: MemberRequest, pk: int) -> HttpResponse:
    item = item_or_404(request, pk)
    flags.close(item, request.user)
    messages.success(request, "The flag is closed.")
    return redirect("decide", request.project.slug, item.pk)


@session(Role.LEAD)
@require_POST
def open_round(request: MemberRequest, pk: int) -> HttpResponse:
    """The same subject again, for fresh eyes."""
    item = item_or_404(request, pk)
    try:
        items.open_round(item, request.user.username)
        messages.success(request, "The next round is open: the item waits in its queue again.")
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    return redirect("decide", request.project.slug, item.pk)


@session(Role.LEAD)
@require_POST
def remove_item(request: MemberRequest, pk: int) -> HttpResponse:
    item = item_or_404(request, pk)
    items.remove(item, request.user.username)
    messages.success(request, "The item is removed from its queue for good. Its labels are kept.")
    return redirect(way_back(request, reverse("decide", args=[request.project.slug, item.pk])))


def item_or_404(request: MemberRequest, pk: int) -> ReviewItem:
    item = items.find(request.project, pk)
    if item is None:
        raise Http404
    return item
