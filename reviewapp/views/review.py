"""The reviewer's screen: one item at a time, held by a lease, blind until one's own submit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, replace_url

from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import drafts, flags, labels, leases, seats
from reviewapp.review.actors import Actor
from reviewapp.review.leases import Lease
from reviewapp.review.models import Assignment, Queue, ReviewItem, SkipReason, State
from reviewapp.review.refusals import DraftConflict, Invalid, LeaseLost, Refusal
from reviewapp.screen import ahead, conflicts, criteria, differences, finishing, page, sittings
from reviewapp.screen.page import Screen, Trouble

NO_TOKEN = UUID(int=0)


@session(Role.REVIEWER)
@never_cache
@require_safe
def review(request: MemberRequest, queue: str) -> HttpResponse:
    """The item that this person holds in the queue, or the next one."""
    return next_item(request, queue_or_404(request, queue))


@session(Role.REVIEWER)
@never_cache
@require_safe
def item(request: MemberRequest, pk: int) -> HttpResponse:
    """One item at its own address: the form while one holds it, the reveal after one's submit."""
    found = item_or_404(request, pk)
    mine = Assignment.objects.filter(item=found, reviewer=request.user).select_related("current").first()
    raw_text = request.GET.get("text") == "raw"
    if mine is not None and mine.state == State.SUBMITTED:
        return show_reveal(request, found, mine, raw_text=raw_text)
    if lease := lease_on(request, found):
        return show(request, page.held(lease, request.user, raw_text=raw_text))
    return show(request, page.closed(found, request.user, **closing(request, found, mine), raw_text=raw_text))


@session(Role.REVIEWER)
@require_POST
def submit_label(request: MemberRequest, pk: int) -> HttpResponse:
    found = bare_item_or_404(request, pk)
    body = body_of(request, found)
    try:
        labels.submit(found, Actor(request.user), token_of(request), labels.Answer(**body))
    except Refusal as refusal:
        return refused(request, found, body, refusal)
    if request.POST.get("then") == "show":
        return go(request, reverse("item", args=[request.project.slug, pk]))
    return next_item(request, found.queue, after_submit=True)


@session(Role.REVIEWER)
@require_POST
def save_draft(request: MemberRequest, pk: int) -> HttpResponse:
    """What was typed so far. 409 with both texts where another tab has saved since."""
    found = bare_item_or_404(request, pk)
    body = body_of(request, found)
    try:
        kept = drafts.save(found, request.user, version_of(request), body)
    except DraftConflict as conflict:
        parts = conflicts.parts(found, body, conflict.body)
        context = {"item": found, "parts": parts, "version": conflict.version}
        return render(request, "review/_conflict.html", context, status=409)
    except Refusal as refusal:
        return JsonResponse({"detail": refusal.detail}, status=refusal.status)
    at = f"{timezone.localtime(kept.updated_at):%H:%M:%S}"
    return JsonResponse({"version": kept.version, "at": at})


@session(Role.REVIEWER)
@require_POST
def heartbeat(request: MemberRequest, pk: int) -> HttpResponse:
    try:
        until = leases.heartbeat(bare_item_or_404(request, pk), request.user, token_of(request))
    except Refusal as refusal:
        return JsonResponse({"detail": refusal.detail}, status=refusal.status)
    return JsonResponse({"left": page.seconds_until(until)})


@session(Role.REVIEWER)
@require_POST
def skip(request: MemberRequest, pk: int) -> HttpResponse:
    found = bare_item_or_404(request, pk)
    body = body_of(request, found)
    if request.POST.get("reason") not in SkipReason.values:
        return show_trouble(request, found, body, Trouble(problem="Choose one of the four reasons."), 422)
    try:
        leases.skip(found, request.user, token_of(request), SkipReason(request.POST["reason"]))
    except Refusal as refusal:
        return refused(request, found, body, refusal)
    keep(request, found, body)
    return next_item(request, found.queue, after_submit=True)


@session(Role.REVIEWER)
@require_POST
def flag(request: MemberRequest, pk: int) -> HttpResponse:
    found = bare_item_or_404(request, pk)
    flags.flag(found, request.user, request.POST.get("flag_note", ""), on_rubric="on_rubric" in request.POST)
    if request.htmx:
        return HttpResponse("Flagged: a lead will look at it. Your review goes on.")
    return redirect("item", request.project.slug, pk)


@session(Role.REVIEWER)
@require_POST
def undo(request: MemberRequest, pk: int) -> HttpResponse:
    """Take one's label back, and hold the item again."""
    found = bare_item_or_404(request, pk)
    try:
        labels.undo(found, Actor(request.user))
    except Refusal as refusal:
        return sorry(request, found, refusal)
    lease = lease_on(request, found)
    if lease is None or not request.htmx:
        return redirect("item", request.project.slug, pk)
    shown = show(request, page.held(lease, request.user))
    return replace_url(shown, reverse("item", args=[request.project.slug, pk]))


@session(Role.REVIEWER)
@require_POST
def retake(request: MemberRequest, pk: int) -> HttpResponse:
    """Hold an item (again), with the text that was in the form."""
    found = item_or_404(request, pk)
    try:
        lease = leases.reclaim(found, request.user)
    except Refusal as refusal:
        return sorry(request, found, refusal)
    if "draft_version" in request.POST:
        keep(request, found, body_of(request, found))
    return (
        show(request, page.held(lease, request.user))
        if request.htmx
        else redirect("item", request.project.slug, pk)
    )


@session(Role.REVIEWER)
@require_POST
def change_mind(request: MemberRequest, pk: int) -> HttpResponse:
    """Another answer after the reveal: a revision that no figure counts."""
    found = item_or_404(request, pk)
    body = body_of(request, found)
    try:
        labels.change_mind(found, Actor(request.user), labels.Answer(**body))
    except Invalid as refusal:
        mine = Assignment.objects.select_related("current").get(item=found, reviewer=request.user)
        return show(request, page.revision(found, request.user, mine, body, trouble_of(refusal)), 422)
    except Refusal as refusal:
        return sorry(request, found, refusal)
    return go(request, reverse("item", args=[request.project.slug, pk]))


@session(Role.REVIEWER)
@require_POST
def diff(request: MemberRequest, pk: int) -> HttpResponse:
    """The answer beside the corrected one as it stands in the form, or beside what came later."""
    found = item_or_404(request, pk)
    mine = (
        Assignment.objects.filter(item=found, reviewer=request.user, state=State.SUBMITTED)
        .select_related("current")
        .first()
    )
    corrected = request.POST.get(
        "corrected_output", mine.current.corrected_output if mine and mine.current else ""
    )
    is_open = not found.queue.blind or (mine is not None and mine.revealed_at is not None)
    told = differences.tell(found, corrected, request.GET.get("with", ""), is_open=is_open)
    template = "review/_diff.html" if request.htmx else "review/diff.html"
    return render(request, template, {"item": found, "told": told, "here": request.path})


@session(Role.REVIEWER)
@never_cache
@require_safe
def queue_standing(request: MemberRequest, queue: str) -> HttpResponse:
    """How much waits in a queue, and how many work it: a line that comes after the item is shown.

    The reviewer reads now, so the next item is made ready.
    """
    found = queue_or_404(request, queue)
    ahead.prepare(found, request.user)
    context = {"waiting": found.items.servable().count(), "at_work": finishing.at_work(found)}
    return render(request, "review/_standing.html", context)


@session(Role.REVIEWER)
@never_cache
def finish(request: MemberRequest, queue: str) -> HttpResponse:
    """The end of a sitting; by POST the items still held go back first."""
    found = queue_or_404(request, queue)
    if request.method == "POST":
        for lease in leases.held(found, request.user):
            leases.release(lease.item, request.user, lease.token)
        return redirect("finish", request.project.slug, queue)
    return render(
        request, "review/finish.html", {"told": finishing.tell(found, request.user), "queue": found}
    )


def next_item(request: MemberRequest, queue: Queue, *, after_submit: bool = False) -> HttpResponse:
    """The next item, claimed in the answer to the submit of the last; or the end of the sitting."""
    finish_line = reverse("finish", args=[request.project.slug, queue.slug])
    if after_submit and sittings.is_end(len(sittings.steps(queue, request.user))):
        return go(request, finish_line)
    try:
        lease = hold(request, queue)
    except Refusal as refusal:
        return render(request, "review/stopped.html", {"queue": queue, "words": refusal.detail}, status=403)
    if lease is None:
        return go(request, finish_line)
    address = reverse("review", args=[request.project.slug, queue.slug])
    if request.htmx or not after_submit:
        # The address of the item just labelled would open its reveal on the next reload.
        return replace_url(show(request, page.held(lease, request.user)), address)
    return redirect(address)


def hold(request: MemberRequest, queue: Queue) -> Lease | None:
    """What one holds already, else a claim. Skipped ones come again only when asked for."""
    # Asked in two steps, since mostly nothing is held and whole items are costly to ask for.
    if Assignment.objects.held().filter(reviewer=request.user, item__queue=queue).exists():
        return next(iter(leases.held(queue, request.user)), None)
    lease = leases.claim(queue, request.user)
    if lease is None or not lease.skipped_before or "skipped" in request.GET:
        return lease
    reason = Assignment.objects.values_list("skip_reason", flat=True).get(pk=lease.assignment_id)
    leases.skip(lease.item, request.user, lease.token, SkipReason(reason))
    return None


def queue_or_404(request: MemberRequest, slug: str) -> Queue:
    return get_object_or_404(
        Queue.objects.live().select_related("project"), project=request.project, slug=slug
    )


def item_or_404(request: MemberRequest, pk: int) -> ReviewItem:
    related = ("queue__project", "rubric_version__rubric", "snapshot", "trace", "other_trace", "resolution")
    found = ReviewItem.objects.of_project(request.project).select_related(*related)
    return get_object_or_404(found.defer("trace__search", "other_trace__search"), pk=pk)


def bare_item_or_404(request: MemberRequest, pk: int) -> ReviewItem:
    """Without its texts, which a write does not need."""
    found = ReviewItem.objects.of_project(request.project).select_related("queue__project", "rubric_version")
    return get_object_or_404(found, pk=pk)


def lease_on(request: MemberRequest, found: ReviewItem) -> Lease | None:
    mine = (lease for lease in leases.held(found.queue, request.user) if lease.item.pk == found.pk)
    return next(mine, None)


def body_of(request: MemberRequest, found: ReviewItem) -> dict[str, Any]:
    return criteria.body_of(request.POST, found)


def token_of(request: MemberRequest) -> UUID:
    """A token that is none is one that nobody holds."""
    try:
        return UUID(request.POST.get("lease_token", ""))
    except ValueError:
        return NO_TOKEN


def version_of(request: MemberRequest) -> int:
    text = request.POST.get("draft_version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def keep(request: MemberRequest, found: ReviewItem, body: dict[str, Any]) -> None:
    """Save the text of a form that could not be taken; another tab's newer text stays."""
    try:
        drafts.save(found, request.user, version_of(request), body)
    except Refusal:
        return


def refused(
    request: MemberRequest, found: ReviewItem, body: dict[str, Any], refusal: Refusal
) -> HttpResponse:
    """The form again, with everything that was typed."""
    if isinstance(refusal, LeaseLost):
        keep(request, found, body)
    return show_trouble(request, found, body, trouble_of(refusal), refusal.status)


def trouble_of(refusal: Refusal) -> Trouble:
    if isinstance(refusal, LeaseLost):
        return Trouble(lost=refusal.detail, can_retake=refusal.can_reclaim)
    if isinstance(refusal, Invalid):
        return Trouble(problem=criteria.problem_of(refusal.errors), errors=criteria.errors_of(refusal.errors))
    return Trouble(problem=refusal.detail)


def show_trouble(
    request: MemberRequest, found: ReviewItem, body: dict[str, Any], trouble: Trouble, status: int
) -> HttpResponse:
    lease = lease_on(request, found)
    token = request.POST.get("lease_token", "")
    return show(request, page.refused(found, request.user, body, trouble, lease, token), status)


def closing(request: MemberRequest, found: ReviewItem, mine: Assignment | None) -> dict[str, Any]:
    """Why this item is only to be read."""
    free = found.open_slots > 0 and leases_admit(request, found)
    if mine is not None and mine.state != State.SUBMITTED and free:
        return {
            "words": "You do not hold this item any more. What you typed is kept with it.",
            "can_take": True,
        }
    words = "Nobody holds this item for you." if free else "This item takes no more labels just now."
    return {"words": words, "can_take": free}


def leases_admit(request: MemberRequest, found: ReviewItem) -> bool:
    return seats.admits(found.queue, request.user) and not found.queue.archived_at


def sorry(request: MemberRequest, found: ReviewItem, refusal: Refusal) -> HttpResponse:
    screen = page.closed(found, request.user, refusal.detail)
    return show(request, screen, refusal.status)


def show_reveal(
    request: MemberRequest, found: ReviewItem, mine: Assignment, *, raw_text: bool
) -> HttpResponse:
    """From here on the reviewer knows, so it is noted before anything is shown."""
    labels.reveal(found, Actor(request.user))
    if "change" in request.GET:
        return show(request, page.revision(found, request.user, mine))
    return show(request, page.revealed(found, request.user, mine, raw_text=raw_text))


def show(request: MemberRequest, screen: Screen, status: int = 200) -> HttpResponse:
    template = "review/_screen.html" if request.htmx.target == "review" else "review/review.html"
    return render(request, template, {"screen": screen}, status=status)


def go(request: MemberRequest, address: str) -> HttpResponse:
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)
