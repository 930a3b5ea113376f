"""The reviewer's screen: one item at a time, held by a lease, blind until one's own submit."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect, replace_url

from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import blindness, leases, seats
from reviewapp.review.leases import Lease
from reviewapp.review.models import Assignment, Queue, ReviewItem, State
from reviewapp.review.refusals import LeaseLost, Refusal
from reviewapp.screen import ahead, finishing, page, resuming, sittings, skipped
from reviewapp.screen.page import Screen
from reviewapp.screen.sittings import Sitting

ARCHIVED = "This queue is archived: it hands out nothing more. What you labelled in it is kept."


@session(Role.REVIEWER)
@never_cache
@require_safe
def review(request: MemberRequest, queue: str) -> HttpResponse:
    """The item that this person holds in the queue, or the next one."""
    found = queue_or_404(request, queue)
    if found.archived_at:
        return render(request, "review/stopped.html", {"queue": found, "words": ARCHIVED}, status=404)
    if skipped.asks_for_one(request):
        return redirect(skipped.onward(request.path, skipped.begin()))
    return next_item(request, found)


@session(Role.REVIEWER)
@never_cache
@require_safe
def item(request: MemberRequest, pk: int) -> HttpResponse:
    """One item at its own address: the form while one holds it, the reveal after one's submit."""
    found = item_or_404(request, pk)
    own = Assignment.objects.filter(item=found, reviewer=request.user)
    mine = own.select_related("current", "counted").first()
    raw_text = request.GET.get("text") == "raw"
    if mine is not None and mine.state == State.SUBMITTED:
        return show_reveal(request, found, mine, raw_text=raw_text)
    if lease := lease_on(request, found):
        return show(request, page.held(lease, request.user, raw_text=raw_text))
    return show(request, page.closed(found, request.user, **closing(request, found, mine), raw_text=raw_text))


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
            # One that has run out or ended meanwhile is back already.
            with suppress(LeaseLost):
                leases.release(lease.item, request.user, lease.token)
        return redirect("finish", request.project.slug, queue)
    return render(
        request, "review/finish.html", {"told": finishing.tell(found, request.user), "queue": found}
    )


def next_item(request: MemberRequest, queue: Queue, *, after: ReviewItem | None = None) -> HttpResponse:
    """The next item, claimed in the answer to the submit or skip of `after`; or the end of the sitting."""
    finish_line = reverse("finish", args=[request.project.slug, queue.slug])
    sitting = sittings.count(queue, request.user)
    if after and sittings.is_end(sitting.handled):
        return go(request, finish_line)
    address = reverse("review", args=[request.project.slug, queue.slug])
    address = skipped.onward(address, skipped.turn_of(request))
    try:
        lease = hold(request, queue, sitting)
    except Refusal as refusal:
        if request.htmx:
            return go(request, address)
        return render(request, "review/stopped.html", {"queue": queue, "words": refusal.detail}, status=403)
    if lease is None:
        return go(request, finish_line)
    if after and sitting.is_holding:
        leases.begin(lease, request.user, after)
    if request.htmx or not after:
        # What was counted as skipped is at hand again.
        sitting = sittings.count(queue, request.user) if lease.skipped_before else sitting
        # The address of the item just labelled would open its reveal on the next reload.
        return replace_url(show(request, page.held(lease, request.user, sitting=sitting)), address)
    return redirect(address)


def hold(request: MemberRequest, queue: Queue, sitting: Sitting) -> Lease | None:
    """What one holds already, else a claim. Skipped ones come again only when asked for."""
    # One that was held a moment ago may have ended since.
    if sitting.is_holding and (held := resuming.first(leases.held(queue, request.user))):
        return held
    lease = leases.claim(queue, request.user)
    if lease is None or not lease.skipped_before or skipped.is_to_come(lease, skipped.turn_of(request)):
        return lease
    leases.put_back(lease.item, request.user, lease.token)
    return None


def queue_or_404(request: MemberRequest, slug: str) -> Queue:
    """An archived one too: whoever was at work in it is told so, and sees what came of it."""
    return get_object_or_404(Queue.objects.select_related("project"), project=request.project, slug=slug)


def item_or_404(request: MemberRequest, pk: int) -> ReviewItem:
    related = ("queue__project", "rubric_version__rubric", "snapshot", "trace", "other_trace", "resolution")
    found = ReviewItem.objects.of_project(request.project).select_related(*related)
    return get_object_or_404(found.defer("trace__search", "other_trace__search"), pk=pk)


def lease_on(request: MemberRequest, found: ReviewItem) -> Lease | None:
    mine = (lease for lease in leases.held(found.queue, request.user) if lease.item.pk == found.pk)
    return next(mine, None)


def closing(request: MemberRequest, found: ReviewItem, mine: Assignment | None) -> dict[str, Any]:
    """Why this item is only to be read."""
    free = found.open_slots > 0 and leases_admit(request, found)
    if mine is not None and mine.state != State.SUBMITTED and free:
        return {
            "words": "You no longer hold this item. What you typed is kept with it.",
            "can_take": True,
        }
    if found.queue.paused:
        return {"words": "The queue is paused: it hands out nothing new."}
    words = "You do not hold this item." if free else "This item takes no more labels at the moment."
    return {"words": words, "can_take": free}


def leases_admit(request: MemberRequest, found: ReviewItem) -> bool:
    return seats.admits(found.queue, request.user) and not found.queue.archived_at


def show_reveal(
    request: MemberRequest, found: ReviewItem, mine: Assignment, *, raw_text: bool
) -> HttpResponse:
    """From here on the reviewer knows, so it is noted before anything is shown.

    While the same trace waits for them elsewhere they are shown their own label alone, and know nothing.
    """
    if page.waits_elsewhere(found, request.user):
        return show(request, page.revealed(found, request.user, mine, raw_text=raw_text, is_hidden=True))
    blindness.note_opened(found, request.user)
    if "change" in request.GET:
        return show(request, page.revision(found, request.user, mine))
    return show(request, page.revealed(found, request.user, mine, raw_text=raw_text))


def show(request: MemberRequest, screen: Screen, status: int = 200) -> HttpResponse:
    template = "review/_screen.html" if request.htmx.target == "review" else "review/review.html"
    context = {"screen": screen, "skipped_turn": skipped.turn_of(request)}
    return render(request, template, context, status=status)


def go(request: MemberRequest, address: str) -> HttpResponse:
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)
