"""Put pairs into a queue of pairs: of one question under two versions, or from a list of ids. For leads."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import items, pairs
from reviewapp.review.forms import PairsForm, QueueForm, initial_of
from reviewapp.review.items import Enqueued
from reviewapp.review.models import Queue
from reviewapp.review.refusals import Refusal
from reviewapp.views.queue_settings import edited, queue_or_404

MOST_NAMED = 5


@session(Role.LEAD)
def add_pairs(request: MemberRequest, queue: str) -> HttpResponse:
    """What could not be added stays in its form, at an address that leads back to the settings."""
    found = queue_or_404(request, queue)
    form = PairsForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        form = put(request, found, form)
    if form is None:
        return redirect("queue_settings", request.project.slug, found.slug)
    settings = QueueForm(request.project, found, initial=initial_of(found))
    return edited(request, settings, found, form)


def put(request: MemberRequest, queue: Queue, form: PairsForm) -> PairsForm | None:
    """The form again with what is left to do, if anything is, and with all of it when it is refused."""
    try:
        if form.cleaned_data["lines"]:
            return put_listed(request, queue, form.cleaned_data["lines"])
        done = compared(queue, form.cleaned_data, request.user.username)
    except Refusal as refusal:
        form.add_error(None, refusal.detail)
        return form
    if not (done.added or done.known):
        form.add_error(None, "No question was answered by both, so there is no pair.")
        return form
    tell(request, done)
    return None


def compared(queue: Queue, cleaned: dict[str, str], by: str) -> Enqueued:
    """Raises Archived, Invalid."""
    column = cleaned["column"] or pairs.COLUMNS[0]
    return pairs.enqueue(queue, column, cleaned["first"], cleaned["second"], by)


def put_listed(request: MemberRequest, queue: Queue, lines: str) -> PairsForm | None:
    """Raises Archived, Invalid."""
    listed, odd = pairs.read(lines)
    now, later = listed[: pairs.MOST], listed[pairs.MOST :]
    done = items.enqueue_pairs(queue, now, request.user.username)
    tell(request, done)
    if later:
        number = f"{len(later)} {'is' if len(later) == 1 else 'are'} left"
        words = f"Of the list the first {pairs.MOST} pairs were read; {number}, and still in the field."
        messages.warning(request, words)
    refused = [" ".join(pair) for pair in dict.fromkeys(now) if " + ".join(pair) in done.unknown]
    return left(request, [*refused, *odd], [" ".join(pair) for pair in later])


def left(request: MemberRequest, refused: Sequence[str], unread: Sequence[str]) -> PairsForm | None:
    """The form with these lines in its field; none without any."""
    if not (refused or unread):
        return None
    form = PairsForm({**request.POST.dict(), "lines": "\n".join([*refused, *unread])})
    if form.is_valid() and refused:
        number = "1 line does" if len(refused) == 1 else f"{len(refused)} lines do"
        few = "; ".join(refused[:MOST_NAMED])
        form.add_error("lines", f"{number} not name two traces of this project: {few}")
    return form


def tell(request: MemberRequest, done: Enqueued) -> None:
    """What was added is a success; that nothing was, since it is there already, is none."""
    known = f"{len(done.known)} {'was' if len(done.known) == 1 else 'were'} already in it."
    if done.added:
        added = f"{len(done.added)} pair{'s were' if len(done.added) != 1 else ' was'} added."
        messages.success(request, f"{added} {known}" if done.known else added)
    elif done.known:
        messages.warning(request, f"No pair was added: {known}")
