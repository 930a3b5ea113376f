"""A claim or a label by one whom this process remembers, answered before Django is asked.

To find out which operation an address means, to call it and to make its response is about a third of what
such a request costs the web process. Nothing is refused here: whatever differs or is in the way goes on to
the operation itself (review.api.items), as if nothing were remembered.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from ingest.documents import JSON
from ingest.problems import Problem
from reviewapp.review import labels, leases, shapes, telling
from reviewapp.review.api import door, items, memory
from reviewapp.review.api.memory import Recollection
from reviewapp.review.refusals import Refusal
from reviewapp.review.standing import Outdated

Answer = tuple[HTTPStatus, bytes]
ADDRESS = re.compile(r"/api/v1/(?:queues/([-\w]+)/claim|items/([0-9]{1,18})/label)", re.ASCII)


def answer(environ: Mapping[str, Any]) -> Answer | None:
    """The status and the JSON; None when nothing was done. What is in the way of the request is for the
    operation to tell; anything else is raised as there."""
    address = ADDRESS.fullmatch(environ["PATH_INFO"])
    if address is None or environ["REQUEST_METHOD"] != "POST" or environ.get("QUERY_STRING"):
        return None
    slug, pk = address.groups()
    known = memory.recall(environ.get("HTTP_AUTHORIZATION", ""), slug or int(pk))
    if known is None or (body := _plain_body(environ)) is None:
        return None
    try:
        return _claimed(known, body) if known.item is None else _labelled(known, body)
    except (Outdated, Refusal, Problem):
        memory.take(known)
        return None


def _plain_body(environ: Mapping[str, Any]) -> bytes | None:
    """It stays where it is, for who reads it after all."""
    sent = environ["wsgi.input"]
    if "HTTP_CONTENT_ENCODING" in environ:
        return None
    if isinstance(sent, io.BytesIO) and environ.get("CONTENT_TYPE", "").partition(";")[0] == JSON:
        return sent.getvalue().strip()
    return None if environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ else b""


def _claimed(known: Recollection, body: bytes) -> Answer:
    sent = door.parsed(body, shapes.ClaimBody) if body else shapes.ClaimBody()
    if sent.item is not None:
        raise Outdated
    reviewer = door.actor(known, sent.as_reviewer).reviewer
    lease = leases.claim_at_once(known.queue, reviewer, known.standing)
    return HTTPStatus.OK, msgspec.json.encode(items.claimed(known, lease))


def _labelled(known: Recollection, body: bytes) -> Answer:
    sent, item = door.parsed(body, shapes.LabelBody), known.item
    actor = door.actor(known, sent.as_reviewer)
    # It is about to change.
    if item is None or not memory.take(known):
        raise Outdated
    given = items.given_for(item, sent)
    done = labels.submit_at_once(item, actor, *given, known.standing)
    told = telling.labelled(done.label, done.values)
    if sent.next:
        told.next = items.next_of(known, item.queue, actor.reviewer, is_repeat=False)
    return HTTPStatus.CREATED, msgspec.json.encode(told)
