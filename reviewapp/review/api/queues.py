"""Queues over the API: list, create, change, and put traces or pairs into one."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from msgspec import UNSET

from ingest import openapi
from ingest.api import READ, api
from ingest.json_objects import json_response
from ingest.models import Scope
from ingest.problems import Problem
from ingest.routing import conditions
from ingest.routing import rules as routing_rules
from ingest.tokens import Caller, TokenAuth, TokenRequest
from reviewapp.review import items, presets, queues, rubrics, shapes, telling
from reviewapp.review.api import door, named
from reviewapp.review.models import Queue, RubricVersion


@api.api_operation(
    READ, "/queues", auth=TokenAuth(*door.READERS), tags=door.TAG, summary="List queues",
    openapi_extra=openapi.answer(shapes.QueueList, refusals=openapi.READ_REFUSALS),
)  # fmt: skip
def list_queues(request: TokenRequest) -> HttpResponse:
    """Counts by state, and since when the oldest item waits."""
    return json_response(telling.queue_list(request.caller.project))


@api.post(
    "/queues", auth=TokenAuth(Scope.ADMIN), tags=door.TAG, summary="Create a queue",
    openapi_extra=openapi.exchange(shapes.QueueBody, {201: shapes.QueueTold}, door.REFUSED),
)  # fmt: skip
def post_queue(request: TokenRequest) -> HttpResponse:
    sent = door.read(request, shapes.QueueBody)
    project = request.caller.project
    version = _version(request.caller, sent) or rubrics.create_starter(project)
    with transaction.atomic(), door.recorded(request):
        queue = queues.create(project, sent.slug, kind=sent.kind, rubric_version=version, **_settings(sent))
        _set_rules(queue, sent)
    return json_response(telling.queue_told(queue), 201)


@api.patch(
    "/queues/{slug:slug}", auth=named.of_queue(Scope.ADMIN), tags=door.TAG, summary="Change a queue",
    openapi_extra=openapi.exchange(shapes.QueuePatch, {200: shapes.QueueTold}, door.REFUSED),
)  # fmt: skip
def patch_queue(request: TokenRequest, slug: str) -> HttpResponse:
    queue, sent = named.queue(request.caller), door.read(request, shapes.QueuePatch)
    _check_kept(queue, sent)
    version = _version(request.caller, sent, queue)
    # All of it or nothing: what is refused has changed nothing.
    with transaction.atomic(), door.recorded(request):
        queue = queues.change(queue, **_settings(sent))
        _set_rules(queue, sent)
        if version is not None:
            queues.move(queue, version, open_items=sent.open_items == "move")
        if sent.archived is not UNSET:
            (queues.archive if sent.archived else queues.restore)(queue)
    return json_response(telling.queue_told(queue))


@api.post(
    "/queues/{slug:slug}/items", auth=named.of_queue(Scope.LABELS_WRITE), tags=door.TAG,
    summary="Enqueue by hand",
    openapi_extra=openapi.exchange(
        shapes.EnqueueBody, {200: shapes.EnqueuedTold, 201: shapes.EnqueuedTold}, door.REFUSED
    ),
)  # fmt: skip
def post_items(request: TokenRequest, slug: str) -> HttpResponse:
    queue, sent = named.queue(request.caller), door.read(request, shapes.EnqueueBody)
    if (sent.trace_ids is None) == (sent.pairs is None):
        raise Problem(
            422, "Send trace_ids or pairs.", errors=[{"field": "trace_ids", "error": "is required"}]
        )
    by = f"token {request.caller.token.name}"
    if sent.trace_ids is not None:
        done = items.enqueue(queue, sent.trace_ids, by)
    else:
        done = items.enqueue_pairs(queue, sent.pairs or [], by)
    told = shapes.EnqueuedTold(len(done.added), [item.pk for item in done.added], done.known, done.unknown)
    return json_response(told, 201 if done.added else 200)


def _check_kept(queue: Queue, sent: shapes.QueuePatch) -> None:
    """Rules and addresses name a queue by its slug, and its items are of its kind. Raises Problem 422."""
    others = [name for name in ("slug", "kind") if getattr(sent, name) not in (UNSET, getattr(queue, name))]
    if others:
        errors = [{"field": name, "error": "cannot be changed; create another queue"} for name in others]
        raise Problem(422, "A queue keeps the slug and the kind that it was created with.", errors=errors)


def _version(caller: Caller, sent: shapes.QueueChange, queue: Queue | None = None) -> RubricVersion | None:
    """The frozen version that the body names, if it names one. Raises Problem 422."""
    if sent.rubric is UNSET and sent.rubric_version is UNSET:
        return None
    default = queue.rubric_version.rubric.slug if queue else presets.STARTER
    slug = sent.rubric if isinstance(sent.rubric, str) else default
    found = RubricVersion.objects.frozen().filter(rubric__project=caller.project, rubric__slug=slug)
    if isinstance(sent.rubric_version, int):
        found = found.filter(number=sent.rubric_version)
    version = found.select_related("rubric").order_by("-number").first()
    if version is None:
        errors = [{"field": "rubric_version", "error": "is not a frozen version of a rubric of this project"}]
        raise Problem(422, "There is no such rubric version.", errors=errors)
    return version


SETTINGS = queues.SETTINGS | {"assignees"}


def _settings(sent: shapes.QueueChange) -> dict[str, Any]:
    return {name: value for name in SETTINGS if (value := getattr(sent, name)) is not UNSET}


def _set_rules(queue: Queue, sent: shapes.QueueChange) -> None:
    if not isinstance(sent.rules, list):
        return
    try:
        routing_rules.replace(queue.project, queue.slug, sent.rules)
    except conditions.Refused as refusal:
        error = {"field": "rules", "error": str(refusal)}
        raise Problem(422, "The rules cannot be saved.", errors=[error]) from None
