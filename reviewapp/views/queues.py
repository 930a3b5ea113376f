"""The queues of a project: what is waiting, how old it is, who works on it. For every member."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import blindness, items
from reviewapp.review.items import Enqueued
from reviewapp.review.models import ItemKind, Queue
from reviewapp.review.refusals import Archived
from reviewapp.screen import queue_items as standing
from reviewapp.screen import queue_list
from reviewapp.traces import asked as asking
from reviewapp.traces import explorer

MOST_AT_ONCE = 500


@session(Role.REVIEWER)
@never_cache
@require_safe
def queues(request: MemberRequest) -> HttpResponse:
    told = queue_list.tell(request.membership, request.GET.get("show", "open"))
    return render(request, "queues/queues.html", {"told": told, "days": queue_list.DAYS})


@session(Role.LEAD)
@never_cache
@require_safe
def queue_items(request: MemberRequest, queue: str) -> HttpResponse:
    found = get_object_or_404(Queue, project=request.project, slug=queue)
    asked = {name: request.GET.get(name, "").replace("\0", "") for name in ("show", "after", "before")}
    searched = request.GET.get("trace", "").replace("\0", "").strip()
    served = request.GET.get("order") == "served"
    told = standing.tell(request.membership, found, searched=searched, served=served, **asked)
    return render(request, "queue_items/queue_items.html", {"told": told})


@session(Role.LEAD)
@require_POST
def enqueue(request: MemberRequest) -> HttpResponse:
    """Put the traces chosen in the explorer into a queue, or all that its list holds."""
    of_traces = Queue.objects.filter(project=request.project, kind=ItemKind.TRACE)
    queue = get_object_or_404(of_traces, slug=request.POST.get("queue", "").replace("\0", ""))
    list_address = way_back(request, reverse("traces", args=[request.project.slug]))
    chosen, are_more = listed(request, list_address) if "all" in request.POST else (ticked(request), False)
    if not chosen:
        messages.warning(request, "No trace was chosen: press x to choose the row in focus.")
    else:
        add(request, queue, chosen)
    if are_more:
        words = f"The list holds more: only the newest {explorer.MOST_TO_ADD} were taken. Narrow it."
        messages.warning(request, words)
    return redirect(list_address)


def add(request: MemberRequest, queue: Queue, chosen: list[str]) -> None:
    """The list may be older than what has become of the queue."""
    try:
        done = items.enqueue(queue, chosen, request.user.username)
    except Archived as refusal:
        messages.error(request, f"{queue.name}: {refusal.detail}")
    else:
        messages.success(request, added_words(done, queue))


def ticked(request: MemberRequest) -> list[str]:
    """Escaped like an address, since an id may hold any character."""
    return [unquote(name) for name in request.POST.getlist("trace")[:MOST_AT_ONCE]]


def listed(request: MemberRequest, list_address: str) -> tuple[list[str], bool]:
    """The ids of the list at this address, of all its pages, and whether it holds more than are added."""
    asked = asking.ask(QueryDict(urlsplit(list_address).query))
    asked = asking.unseen(asked, blindness.hidden_traces(request.membership))
    return ([], False) if asked.errors else explorer.to_add(request.project, asked)


def added_words(done: Enqueued, queue: Queue) -> str:
    added = f"{len(done.added)} trace{'s' * (len(done.added) != 1)} added to {queue.name}."
    known = f" {len(done.known)} were already there or had been removed." if done.known else ""
    return added + known


def way_back(request: MemberRequest, otherwise: str) -> str:
    """The list as it was, if the form says so and it is of this site."""
    wanted = request.POST.get("next", "")
    # A name alone would be taken for that of a route.
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return otherwise
