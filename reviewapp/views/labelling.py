"""What a reviewer does with an item: save, submit, skip, flag, undo, change. The text is always kept."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from django_htmx.http import replace_url, reswap, retarget

from reviewapp import numerals, rendering
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import drafts, flags, items, labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, ReviewItem, SkipReason, State
from reviewapp.review.refusals import DraftConflict, HandedIn, Invalid, LeaseLost, NothingToUndo, Refusal
from reviewapp.screen import conflicts, criteria, differences, page, sittings, skipped
from reviewapp.screen.page import Trouble
from reviewapp.views.review import go, item_or_404, lease_on, next_item, show

NO_TOKEN = UUID(int=0)
ALREADY = Trouble(
    lost="You submitted this item already, from another tab, with another answer. That one stands; "
    "what is typed here was not taken. Undo brings the item back."
)


@session(Role.REVIEWER, keeps_history=False)
@require_POST
def submit_label(request: MemberRequest, pk: int) -> HttpResponse:
    found = bare_item_or_404(request, pk)
    body = body_of(request, found)
    try:
        given = labels.submit(found, Actor(request.user), token_of(request), labels.Answer(**body))
    except Refusal as refusal:
        return refused(request, found, body, refusal)
    if not given.is_new and conflicts.is_another(found, given.label, body):
        return show_trouble(request, found, body, ALREADY, 409)
    if request.POST.get("then") == "show":
        return go(request, address_of(request, pk))
    return next_item(request, found.queue, after=found)


@session(Role.REVIEWER, keeps_history=False)
@require_POST
def save_draft(request: MemberRequest, pk: int) -> HttpResponse:
    """What was typed so far. 409 with both texts where another tab has saved since; 204 where the answer has
    been handed in meanwhile, as happens to a save that the submit overtakes: nothing is stored."""
    found = bare_item_or_404(request, pk)
    body = body_of(request, found)
    try:
        kept = drafts.save(found, request.user, version_of(request), body, shown_of(request))
    except DraftConflict as conflict:
        parts = conflicts.parts(found, request.user, body, conflict.body)
        context = {"item": found, "parts": parts, "version": conflict.version}
        return render(request, "review/_conflict.html", context, status=409)
    except HandedIn:
        return HttpResponse(status=204)
    except Refusal as refusal:
        return JsonResponse({"detail": refusal.detail}, status=refusal.status)
    at = f"{timezone.localtime(kept.updated_at):%H:%M:%S}"
    return JsonResponse({"version": kept.version, "at": at})


@session(Role.REVIEWER, keeps_history=False)
@require_POST
def heartbeat(request: MemberRequest, pk: int) -> HttpResponse:
    try:
        found = bare_item_or_404(request, pk)
        leases.heartbeat(found, request.user, token_of(request))
    except Refusal as refusal:
        return JsonResponse({"detail": refusal.detail}, status=refusal.status)
    return JsonResponse({"left": found.queue.lease_seconds})


@session(Role.REVIEWER, keeps_history=False)
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
    return next_item(request, found.queue, after=found)


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
    """Take one's label back, and hold the item again. Who is refused stays with what is at hand."""
    found = bare_item_or_404(request, pk)
    try:
        labels.undo(found, Actor(request.user))
    except Refusal as refusal:
        return not_undone(request, found, refusal)
    lease = lease_on(request, found)
    if lease is None or not request.htmx:
        return redirect(address_of(request, pk))
    return replace_url(show(request, page.held(lease, request.user)), address_of(request, pk))


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
        show(request, page.held(lease, request.user)) if request.htmx else redirect(address_of(request, pk))
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
        mine = Assignment.objects.filter(item=found, reviewer=request.user, current__isnull=False)
        if (assignment := mine.select_related("current").first()) is None:
            return sorry(request, found, NothingToUndo("You have no label here that can be changed."))
        return show(request, page.revision(found, request.user, assignment, body, trouble_of(refusal)), 422)
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
    is_open = is_open and not page.waits_elsewhere(found, request.user)
    told = differences.tell(found, corrected, request.GET.get("with", ""), is_open=is_open)
    template = "review/_diff.html" if request.htmx else "review/diff.html"
    return render(request, template, {"item": found, "told": told, "here": request.path})


def bare_item_or_404(request: MemberRequest, pk: int) -> ReviewItem:
    found = items.bare(request.project, pk)
    if found is None:
        raise Http404
    return found


def body_of(request: MemberRequest, found: ReviewItem) -> dict[str, Any]:
    return criteria.body_of(request.POST, found)


def token_of(request: MemberRequest) -> UUID:
    """A token that is none is one that nobody holds."""
    try:
        return UUID(request.POST.get("lease_token", ""))
    except ValueError:
        return NO_TOKEN


def version_of(request: MemberRequest) -> int:
    return numerals.whole(request.POST.get("draft_version", "")) or 0


def shown_of(request: MemberRequest) -> int | None:
    """The snapshot that was on the screen of whoever sends this."""
    return numerals.whole(request.POST.get("shown", ""), digits=18)


def keep(request: MemberRequest, found: ReviewItem, body: dict[str, Any]) -> None:
    """Save the text of a form that could not be taken; another tab's newer text stays."""
    try:
        drafts.save(found, request.user, version_of(request), body, shown_of(request))
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
    shown = shown_of(request)
    return show(request, page.refused(found, request.user, body, trouble, lease, token, shown), status)


def address_of(request: MemberRequest, pk: int) -> str:
    return skipped.onward(reverse("item", args=[request.project.slug, pk]), skipped.turn_of(request))


def not_undone(request: MemberRequest, found: ReviewItem, refusal: Refusal) -> HttpResponse:
    """The reason alone, beside what is on the screen; a form that was sent as a page says where that was
    (`at`: another item, or the end of the sitting)."""
    title = sittings.title_of(found.pk, found.trace.input)
    if request.htmx:
        context = {"item": found, "title": title, "words": refusal.detail}
        answer = render(request, "review/_not_undone.html", context, status=refusal.status)
        return reswap(retarget(answer, "#toast"), "innerHTML")
    at = request.POST.get("at", "")
    shown = numerals.whole(at) or found.pk
    is_elsewhere = at == "finish" or shown != found.pk
    which = f"The label on “{rendering.visible(title)}” was not taken back. " if is_elsewhere else ""
    messages.error(request, which + refusal.detail)
    if at == "finish":
        return redirect("finish", request.project.slug, found.queue.slug)
    return redirect(address_of(request, shown))


def sorry(request: MemberRequest, found: ReviewItem, refusal: Refusal) -> HttpResponse:
    """In the place of the form, whose address stays; a form that was sent as a page leads to the item's."""
    if not request.htmx:
        messages.error(request, refusal.detail)
        return redirect(address_of(request, found.pk))
    screen = page.closed(found, request.user, refusal.detail)
    return show(request, screen, refusal.status)
