"""The review API: one function for each operation; access, parse, one call, answer.

It calls the same functions as the page. `reviewapp.urls` imports it, which adds it to the native API.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from msgspec import UNSET, Struct

from ingest import body, documents, openapi, times
from ingest.api import READ, api
from ingest.documents import JSON, NDJSON, Malformed
from ingest.models import Scope
from ingest.problems import Problem
from ingest.routing import conditions
from ingest.routing import rules as routing_rules
from ingest.shapes import Invalid as BadShape
from ingest.shapes import checked
from ingest.tokens import Caller, TokenAuth, TokenRequest
from reviewapp.review import (
    actors,
    blindness,
    counters,
    items,
    labels,
    leases,
    presets,
    queues,
    rubrics,
    shapes,
    telling,
    training,
)
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import Queue, ReviewItem, Rubric, RubricVersion, SkipReason
from reviewapp.review.refusals import Invalid, LeaseLost, Refusal
from reviewapp.review.rubrics import Content

S = TypeVar("S", bound=Struct)
READERS = (Scope.LABELS_READ, Scope.LABELS_WRITE, Scope.IMPERSONATE)
WRITERS = (Scope.LABELS_WRITE, Scope.IMPERSONATE)
TAG = ["Review"]
REFUSED = (400, 401, 403, 404, 409, 413, 415, 422, 503)


@api.api_operation(
    READ, "/queues", auth=TokenAuth(*READERS), tags=TAG, summary="List queues",
    openapi_extra=openapi.answer(shapes.QueueList, refusals=openapi.READ_REFUSALS),
)  # fmt: skip
def list_queues(request: TokenRequest) -> HttpResponse:
    """Counts by state, and since when the oldest item waits."""
    return _json(telling.queue_list(request.caller.project))


@api.post(
    "/queues", auth=TokenAuth(Scope.ADMIN), tags=TAG, summary="Create a queue",
    openapi_extra=openapi.exchange(shapes.QueueBody, {201: shapes.QueueTold}, REFUSED),
)  # fmt: skip
def post_queue(request: TokenRequest) -> HttpResponse:
    sent = _read(request, shapes.QueueBody)
    project = request.caller.project
    version = _version(request.caller, sent) or rubrics.create_starter(project)
    with transaction.atomic(), _recorded(request):
        queue = queues.create(project, sent.slug, kind=sent.kind, rubric_version=version, **_settings(sent))
        _set_rules(queue, sent)
    return _json(telling.queue_told(queue), 201)


@api.patch(
    "/queues/{slug:slug}", auth=TokenAuth(Scope.ADMIN), tags=TAG, summary="Change a queue",
    openapi_extra=openapi.exchange(shapes.QueueChange, {200: shapes.QueueTold}, REFUSED),
)  # fmt: skip
def patch_queue(request: TokenRequest, slug: str) -> HttpResponse:
    queue, sent = _queue(request.caller, slug), _read(request, shapes.QueueChange)
    version = _version(request.caller, sent, queue)
    # All of it or nothing: what is refused has changed nothing.
    with transaction.atomic(), _recorded(request):
        queue = queues.change(queue, **_settings(sent))
        _set_rules(queue, sent)
        if version is not None:
            queues.move(queue, version, open_items=sent.open_items == "move")
        if sent.archived is not UNSET:
            (queues.archive if sent.archived else queues.restore)(queue)
    return _json(telling.queue_told(queue))


@api.post(
    "/queues/{slug:slug}/items", auth=TokenAuth(Scope.LABELS_WRITE), tags=TAG, summary="Enqueue by hand",
    openapi_extra=openapi.exchange(
        shapes.EnqueueBody, {200: shapes.EnqueuedTold, 201: shapes.EnqueuedTold}, REFUSED
    ),
)  # fmt: skip
def post_items(request: TokenRequest, slug: str) -> HttpResponse:
    queue, sent = _queue(request.caller, slug), _read(request, shapes.EnqueueBody)
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
    return _json(told, 201 if done.added else 200)


@api.post(
    "/queues/{slug:slug}/claim", auth=TokenAuth(*WRITERS), tags=TAG, summary="Claim the next item",
    openapi_extra=openapi.exchange(
        shapes.ClaimBody, {200: shapes.Claimed, 204: None}, REFUSED, optional=True
    ),
)  # fmt: skip
def claim(request: TokenRequest, slug: str) -> HttpResponse:
    """204 when there is nothing for this reviewer now."""
    queue, sent = _queue(request.caller, slug), _read(request, shapes.ClaimBody, optional=True)
    reviewer = _actor(request, sent.as_reviewer).reviewer
    if sent.item is None:
        lease = leases.claim(queue, reviewer)
    else:
        lease = leases.reclaim(_item(request.caller, sent.item, queue), reviewer)
    return _json(telling.claimed(lease)) if lease else HttpResponse(status=204)


@api.post(
    "/items/{int:pk}/label", auth=TokenAuth(*WRITERS), tags=TAG, summary="Submit a label",
    openapi_extra=openapi.exchange(shapes.LabelBody, {200: shapes.Labelled, 201: shapes.Labelled}, REFUSED),
)  # fmt: skip
def label(request: TokenRequest, pk: int) -> HttpResponse:
    """201; 200 with the first answer for a repeat of the same key; 409 when the lease is lost: nothing was
    written, so claim the item again and send the same answer with the new token."""
    sent = _read(request, shapes.LabelBody)
    item, actor = _item(request.caller, pk), _actor(request, sent.as_reviewer)
    _check_version(item, sent.rubric_version)
    done = labels.submit(item, actor, _token(sent.lease_token), _answer(sent), sent.idempotency_key or "")
    told = telling.labelled(done.label, done.values) if done.is_new else telling.labelled_again(done.label)
    return _json(told, 201 if done.is_new else 200)


@api.post(
    "/items/{int:pk}/skip", auth=TokenAuth(*WRITERS), tags=TAG, summary="Skip an item",
    openapi_extra=openapi.exchange(shapes.SkipBody, {200: shapes.Item}, REFUSED),
)  # fmt: skip
def skip(request: TokenRequest, pk: int) -> HttpResponse:
    """Back to the others; last in one's own order."""
    sent = _read(request, shapes.SkipBody)
    item, actor = _item(request.caller, pk), _actor(request, sent.as_reviewer)
    leases.skip(item, actor.reviewer, _token(sent.lease_token), SkipReason(sent.reason or SkipReason.CONTEXT))
    return _json(shapes.Item(telling.item_state(item)))


@api.post(
    "/items/{int:pk}/release", auth=TokenAuth(*WRITERS), tags=TAG, summary="Give an item back",
    openapi_extra=openapi.exchange(shapes.LeaseBody, {200: shapes.Item}, REFUSED),
)  # fmt: skip
def release(request: TokenRequest, pk: int) -> HttpResponse:
    sent = _read(request, shapes.LeaseBody)
    item, actor = _item(request.caller, pk), _actor(request, sent.as_reviewer)
    leases.release(item, actor.reviewer, _token(sent.lease_token))
    return _json(shapes.Item(telling.item_state(item)))


@api.post(
    "/items/{int:pk}/heartbeat", auth=TokenAuth(*WRITERS), tags=TAG, summary="Renew a lease",
    openapi_extra=openapi.exchange(shapes.LeaseBody, {200: shapes.Held}, REFUSED),
)  # fmt: skip
def heartbeat(request: TokenRequest, pk: int) -> HttpResponse:
    sent = _read(request, shapes.LeaseBody)
    item, actor = _item(request.caller, pk), _actor(request, sent.as_reviewer)
    token = _token(sent.lease_token)
    until = leases.heartbeat(item, actor.reviewer, token)
    return _json(shapes.Held(shapes.LeaseTold(str(token), until)))


@api.post(
    "/items/{int:pk}/undo", auth=TokenAuth(*WRITERS), tags=TAG, summary="Take a label back",
    openapi_extra=openapi.exchange(shapes.UndoBody, {200: shapes.Claimed}, REFUSED, optional=True),
)  # fmt: skip
def undo(request: TokenRequest, pk: int) -> HttpResponse:
    """The item is held again, with what was said as its draft; 409 once it is part of a golden version."""
    sent = _read(request, shapes.UndoBody, optional=True)
    item, actor = _item(request.caller, pk), _actor(request, sent.as_reviewer)
    lease = labels.undo(item, actor)
    return _json(telling.claimed(leases.of_item(lease, item)))


@api.api_operation(
    READ, "/labels", auth=TokenAuth(Scope.LABELS_READ), tags=TAG, summary="All labels, one a line",
    openapi_extra=openapi.lines(
        shapes.LabelTold, {"since": "Labels made at or after this time (ISO 8601), or after this label id"}
    ),
)  # fmt: skip
def list_labels(request: TokenRequest) -> HttpResponseBase:
    """Every revision with its provenance, in the order of ids: take them up by id, undone ones included.

    While the token's own reviewer judges a trace blind, the lines end before the first label on it."""
    since, after = _since(request)
    hidden = blindness.held_by_token(request.caller)
    return _lines(telling.label_lines(request.caller.project, since, after, hidden))


@api.api_operation(
    READ, "/labels/export", auth=TokenAuth(Scope.LABELS_READ), tags=TAG, summary="Training data",
    openapi_extra=openapi.lines(
        None,
        {"verdict": "pass: answers that passed; fail: the corrected ones of answers that failed",
         "format": "openai (fine-tuning messages) or preference (pairs)"},
    ),
)  # fmt: skip
def export_labels(request: TokenRequest) -> HttpResponseBase:
    form = _one_of(request, "format", training.FORMATS) or "openai"
    verdict = _one_of(request, "verdict", training.VERDICTS)
    hidden = blindness.held_by_token(request.caller)
    return _lines(training.examples(request.caller.project, form, verdict, hidden))


@api.post(
    "/rubrics/{slug:slug}/versions", auth=TokenAuth(Scope.ADMIN), tags=TAG, summary="Create a rubric version",
    openapi_extra=openapi.exchange(shapes.RubricVersionBody, {201: shapes.RubricTold}, REFUSED),
)  # fmt: skip
def post_rubric_version(request: TokenRequest, slug: str) -> HttpResponse:
    """Frozen at once. Queues go on asking from theirs until PATCH /queues/{slug} moves them."""
    sent = _read(request, shapes.RubricVersionBody)
    with transaction.atomic(), _recorded(request):
        rubric = rubrics.find(request.caller.project, slug) or _new_rubric(request.caller, slug, sent.name)
        version = rubrics.publish(rubric, _content(rubric, sent), f"token {request.caller.token.name}")
    return _json(telling.rubric_told(version), 201)


@api.api_operation(
    READ, "/audit/counters", auth=TokenAuth(Scope.ADMIN), tags=TAG, summary="Counters and recounts",
    openapi_extra=openapi.answer(shapes.CountersTold, refusals=openapi.READ_REFUSALS),
)  # fmt: skip
def audit_counters(request: TokenRequest) -> HttpResponse:
    """Each counter that is shown of the queues beside its recount from labels and leases, at one moment."""
    found = counters.audit(request.caller.project)
    told = [shapes.CounterTold(each.name, each.shown, each.recount) for each in found]
    return _json(shapes.CountersTold(all(each.shown == each.recount for each in found), told))


def _new_rubric(caller: Caller, slug: str, name: str | None) -> Rubric:
    if len(slug) > 60:
        raise Problem(
            422, "The slug is too long.", errors=[{"field": "slug", "error": "has over 60 characters"}]
        )
    return rubrics.create_empty(caller.project, slug, name or slug.replace("-", " ").capitalize())


def _content(rubric: Rubric, sent: shapes.RubricVersionBody) -> Content:
    base = rubrics.content_of(rubrics.latest(rubric))
    return Content(
        guidelines=base.guidelines if sent.guidelines is None else sent.guidelines,
        failure_modes=base.failure_modes if sent.failure_modes is None else sent.failure_modes,
        criteria=base.criteria if sent.criteria is None else sent.criteria,
        changelog=sent.changelog or "",
        new_meaning=frozenset(sent.new_meaning or ()),
    )


def _queue(caller: Caller, slug: str) -> Queue:
    queue = queues.find(caller.project, slug)
    if queue is None:
        raise Problem(404, "This project has no such queue.")
    return queue


def _item(caller: Caller, pk: int, queue: Queue | None = None) -> ReviewItem:
    item = items.find_bare(caller.project, pk)
    if item is None or (queue is not None and item.queue_id != queue.pk):
        raise Problem(404, "This project has no such item.")
    return item


def _actor(request: TokenRequest, as_reviewer: str | None) -> Actor:
    """Whose review it is. Raises Problem 403 for a scope that is missing, 422 for who is no reviewer."""
    name = as_reviewer or request.GET.get("as_reviewer")
    try:
        return actors.behind(request.caller, name)
    except actors.NoSuchReviewer as refusal:
        errors = [{"field": "as_reviewer", "error": str(refusal)}]
        raise Problem(422, "as_reviewer cannot be used.", errors=errors) from None


def _token(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise LeaseLost("This is no lease token. Claim the item first.") from None


def _check_version(item: ReviewItem, sent: int | str | None) -> None:
    if sent is not None and str(sent) != str(item.rubric_version.number):
        now = item.rubric_version.number
        error = {"field": "rubric_version", "error": f"the item is asked under version {now}"}
        raise Problem(422, "The item belongs to another rubric version: claim it again.", errors=[error])


def _answer(sent: shapes.LabelBody) -> Answer:
    return Answer(
        verdict=sent.verdict or "",
        preference=sent.preference or "",
        confidence=sent.confidence or "",
        answers=sent.answers or {},
        failure_modes=sent.failure_modes or [],
        note=sent.note or "",
        corrected_output=sent.corrected_output or "",
    )


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
        errors = [{"field": "rubric_version", "error": "is no frozen version of a rubric of this project"}]
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
        raise Problem(422, "The rules cannot be kept.", errors=[error]) from None


def _recorded(request: TokenRequest) -> Any:
    return actors.recorded(request.caller, request.path)


def _read(request: HttpRequest, shape: type[S], *, optional: bool = False) -> S:
    """The body in its shape. Raises Problem: 400 for what is not JSON, 415, 422 with the field."""
    sent = body.read(request).removeprefix(b"\xef\xbb\xbf").strip()
    # A form without fields, as some clients send for an empty body, says nothing either.
    if optional and (not sent or request.content_type == "multipart/form-data"):
        return shape()
    if request.content_type and request.content_type != JSON and not optional:
        raise Problem(415, f"Content-Type {request.content_type!r} is not supported; send {JSON}.")
    try:
        return checked(documents.parse(sent), shape)
    except Malformed as error:
        raise Problem(400, f"The body is not JSON: {error}") from None
    except BadShape as invalid:
        errors = [{"field": invalid.field, "error": invalid.reason}]
        raise Problem(422, "The body cannot be read.", errors=errors) from None


def _since(request: HttpRequest) -> tuple[datetime | None, int]:
    text = request.GET.get("since", "").strip()
    if not text:
        return None, 0
    if re.fullmatch(r"[0-9]{1,18}", text):
        return None, int(text)
    try:
        return times.moment(times.nanoseconds(text.replace(" ", "+"))).astimezone(UTC), 0
    except ValueError as error:
        errors = [{"field": "since", "error": f"{error}, or a label id"}]
        raise Problem(400, "since cannot be read.", errors=errors) from None


def _one_of(request: HttpRequest, name: str, allowed: tuple[str, ...]) -> str:
    value = request.GET.get(name, "")
    if value and value not in allowed:
        errors = [{"field": name, "error": f"must be one of {', '.join(allowed)}"}]
        raise Problem(400, f"{name} cannot be read.", errors=errors)
    return value


def _json(answer: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(answer), status=status, content_type=JSON)


def _lines(answers: Iterable[Any]) -> StreamingHttpResponse:
    encoder = msgspec.json.Encoder()
    return StreamingHttpResponse((encoder.encode(each) + b"\n" for each in answers), content_type=NDJSON)


@api.exception_handler(Refusal)
def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    errors = refusal.errors if isinstance(refusal, Invalid) else None
    return Problem(refusal.status, refusal.detail, errors=errors).response()
