"""Put pairs into a queue of pairs: of one question under two versions, or from a list of ids. For leads."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import items, pairs
from reviewapp.review.forms import PairsForm
from reviewapp.review.items import Enqueued
from reviewapp.review.models import Queue
from reviewapp.review.refusals import Invalid
from reviewapp.views.queue_settings import queue_or_404


@session(Role.LEAD)
@require_POST
def add_pairs(request: MemberRequest, queue: str) -> HttpResponse:
    found, form = queue_or_404(request, queue), PairsForm(request.POST)
    try:
        if form.is_valid():
            told(request, added(found, form.cleaned_data, request.user.username))
            tell_what_is_left(request, form.cleaned_data["lines"])
        else:
            for errors in form.errors.values():
                messages.error(request, " ".join(map(str, errors)))
    except Invalid as refusal:
        messages.error(request, refusal.detail)
    return redirect("queue_settings", request.project.slug, found.slug)


def tell_what_is_left(request: MemberRequest, lines: str) -> None:
    left = len(pairs.read(lines)[0]) - pairs.MOST
    if left > 0:
        words = f"Of the list the first {pairs.MOST} pairs were read; {left} are left. Send those again."
        messages.warning(request, words)


def added(queue: Queue, cleaned: dict[str, str], by: str) -> Enqueued:
    """Raises Invalid."""
    if not cleaned["lines"]:
        return pairs.enqueue(
            queue, cleaned["column"] or pairs.COLUMNS[0], cleaned["first"], cleaned["second"], by
        )
    listed, odd = pairs.read(cleaned["lines"])
    done = items.enqueue_pairs(queue, listed[: pairs.MOST], by)
    return Enqueued(done.added, done.known, [*done.unknown, *odd])


def told(request: MemberRequest, done: Enqueued) -> None:
    if not (done.added or done.known or done.unknown):
        messages.error(request, "No question was answered by both, so there is no pair.")
        return
    known = f" {len(done.known)} were already in it." if done.known else ""
    number = len(done.added)
    messages.success(request, f"{number} pair{'s were' if number != 1 else ' was'} added.{known}")
    if done.unknown:
        few = "; ".join(done.unknown[:5])
        messages.error(request, f"{len(done.unknown)} lines do not name two traces of this project: {few}")
