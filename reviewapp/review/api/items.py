"""What a reviewer does with an item over the API: claim, label, skip, release, heartbeat, undo."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.http import HttpResponse

from ingest import openapi, sanitising
from ingest.api import api
from ingest.json_objects import json_response
from ingest.problems import Problem
from ingest.tokens import Caller, TokenRequest
from reviewapp.models import User
from reviewapp.review import labels, leases, shapes, telling
from reviewapp.review.api import door, memory, named
from reviewapp.review.labels import Answer
from reviewapp.review.leases import Lease
from reviewapp.review.models import Queue, ReviewItem, SkipReason
from reviewapp.review.refusals import LeaseLost, Refusal


@api.post(
    "/queues/{slug:slug}/claim", auth=named.of_queue(*door.WRITERS), tags=door.TAG,
    summary="Claim the next item",
    openapi_extra=openapi.exchange(
        shapes.ClaimBody, {200: shapes.Claimed, 204: None}, door.REFUSED, optional=True
    ),
)  # fmt: skip
def claim(request: TokenRequest, slug: str) -> HttpResponse:
    """204 when there is nothing for this reviewer now."""
    queue, sent = named.queue(request.caller), door.read(request, shapes.ClaimBody, optional=True)
    reviewer = door.actor_of(request, sent.as_reviewer).reviewer
    if sent.item is None:
        lease = leases.claim(queue, reviewer)
    else:
        lease = leases.reclaim(named.item_of(queue, sent.item), reviewer)
    return json_response(claimed(request.caller, lease)) if lease else HttpResponse(status=204)


@api.post(
    "/items/{int:pk}/label", auth=named.of_item(*door.WRITERS), tags=door.TAG, summary="Submit a label",
    openapi_extra=openapi.exchange(
        shapes.LabelBody, {200: shapes.Labelled, 201: shapes.Labelled}, door.REFUSED
    ),
)  # fmt: skip
def label(request: TokenRequest, pk: int) -> HttpResponse:
    """201; 200 with the first answer for a repeat of the same key; 409 when the lease is lost: nothing was
    written, so claim the item again and send the same answer with the new token."""
    sent = door.read(request, shapes.LabelBody)
    item, actor = named.item(request.caller), door.actor_of(request, sent.as_reviewer)
    given = given_for(item, sent)
    done = labels.submit(item, actor, *given)
    told = telling.labelled(done.label, done.values) if done.is_new else telling.labelled_again(done.label)
    if sent.next:
        told.next = next_of(request.caller, item.queue, actor.reviewer, is_repeat=not done.is_new)
    return json_response(told, 201 if done.is_new else 200)


@api.post(
    "/items/{int:pk}/skip", auth=named.of_item(*door.WRITERS), tags=door.TAG, summary="Skip an item",
    openapi_extra=openapi.exchange(shapes.SkipBody, {200: shapes.Item}, door.REFUSED),
)  # fmt: skip
def skip(request: TokenRequest, pk: int) -> HttpResponse:
    """Back to the others; last in one's own order."""
    sent = door.read(request, shapes.SkipBody)
    item, actor = named.item(request.caller), door.actor_of(request, sent.as_reviewer)
    leases.skip(item, actor.reviewer, _token(sent.lease_token), SkipReason(sent.reason or SkipReason.CONTEXT))
    return json_response(shapes.Item(telling.item_state(item)))


@api.post(
    "/items/{int:pk}/release", auth=named.of_item(*door.WRITERS), tags=door.TAG, summary="Give an item back",
    openapi_extra=openapi.exchange(shapes.LeaseBody, {200: shapes.Item}, door.REFUSED),
)  # fmt: skip
def release(request: TokenRequest, pk: int) -> HttpResponse:
    sent = door.read(request, shapes.LeaseBody)
    item, actor = named.item(request.caller), door.actor_of(request, sent.as_reviewer)
    leases.release(item, actor.reviewer, _token(sent.lease_token))
    return json_response(shapes.Item(telling.item_state(item)))


@api.post(
    "/items/{int:pk}/heartbeat", auth=named.of_item(*door.WRITERS), tags=door.TAG, summary="Renew a lease",
    openapi_extra=openapi.exchange(shapes.LeaseBody, {200: shapes.Held}, door.REFUSED),
)  # fmt: skip
def heartbeat(request: TokenRequest, pk: int) -> HttpResponse:
    sent = door.read(request, shapes.LeaseBody)
    item, actor = named.item(request.caller), door.actor_of(request, sent.as_reviewer)
    token = _token(sent.lease_token)
    until = leases.heartbeat(item, actor.reviewer, token)
    return json_response(shapes.Held(shapes.LeaseTold(str(token), until)))


@api.post(
    "/items/{int:pk}/undo", auth=named.of_item(*door.WRITERS), tags=door.TAG, summary="Take a label back",
    openapi_extra=openapi.exchange(shapes.UndoBody, {200: shapes.Claimed}, door.REFUSED, optional=True),
)  # fmt: skip
def undo(request: TokenRequest, pk: int) -> HttpResponse:
    """The item is held again, with what was said as its draft; 409 once it is part of a golden version."""
    sent = door.read(request, shapes.UndoBody, optional=True)
    item, actor = named.item(request.caller), door.actor_of(request, sent.as_reviewer)
    lease = labels.undo(item, actor)
    return json_response(telling.claimed(leases.of_item(lease, item)))


def claimed(caller: Caller, lease: Lease) -> shapes.Claimed:
    told = telling.claimed(lease)
    memory.keep(caller, lease, told)
    return told


def next_of(caller: Caller, queue: Queue, reviewer: User, *, is_repeat: bool) -> shapes.Claimed | None:
    """The label is in, so what keeps from claiming is no error. A repeat gives the item that the answer which
    was lost had claimed."""
    with suppress(Refusal):
        held = leases.held(queue, reviewer) if is_repeat else []
        lease = held[0] if held else leases.claim(queue, reviewer)
        return claimed(caller, lease) if lease else None
    return None


def given_for(item: ReviewItem, sent: shapes.LabelBody) -> tuple[UUID, Answer, str]:
    """Lease token, answer and key. Raises LeaseLost, and Problem 422 for another rubric version, or for a key
    that no database keeps."""
    if sent.rubric_version is not None and str(sent.rubric_version) != str(item.rubric_version.number):
        now = item.rubric_version.number
        error = {"field": "rubric_version", "error": f"the item is asked under version {now}"}
        raise Problem(422, "The item now belongs to another rubric version: claim it again.", errors=[error])
    key = sent.idempotency_key or ""
    if sanitising.text(key, set()) != key:
        error = {"field": "idempotency_key", "error": "holds a NUL or half of a surrogate pair"}
        raise Problem(422, "The idempotency key cannot be kept.", errors=[error])
    return _token(sent.lease_token), _answer(sent), key


def _token(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise LeaseLost("This is not a lease token. Claim the item first.") from None


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
