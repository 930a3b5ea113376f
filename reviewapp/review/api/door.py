"""What do all operations of the review API share: who asks, of what, and in which form is it answered?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from msgspec import Struct

from ingest import body, documents
from ingest.api import api
from ingest.documents import JSON, NDJSON, Malformed
from ingest.models import Scope
from ingest.problems import Problem
from ingest.shapes import Invalid as BadShape
from ingest.shapes import checked
from ingest.tokens import Caller, TokenRequest
from reviewapp.review import actors
from reviewapp.review.actors import Actor
from reviewapp.review.refusals import Invalid, Refusal

S = TypeVar("S", bound=Struct)
READERS = (Scope.LABELS_READ, Scope.LABELS_WRITE, Scope.IMPERSONATE)
WRITERS = (Scope.LABELS_WRITE, Scope.IMPERSONATE)
TAG = ["Review"]
# So much is a name like a known one that it must be meant for that.
ALIKE, LONGEST_NAME = 0.8, 60
REFUSED = (400, 401, 403, 404, 409, 413, 415, 422, 503)


def actor_of(request: TokenRequest, as_reviewer: str | None) -> Actor:
    """Whose review it is. Raises Problem 403 for a scope that is missing, 422 for who is no reviewer."""
    check_query(request, "as_reviewer")
    name = as_reviewer or (request.GET.get("as_reviewer") if request.META.get("QUERY_STRING") else None)
    return actor(request.caller, name)


def actor(caller: Caller, as_reviewer: str | None) -> Actor:
    """The same of a request without parameters."""
    try:
        return actors.behind(caller, as_reviewer)
    except actors.NoSuchReviewer as refusal:
        errors = [{"field": "as_reviewer", "error": str(refusal)}]
        raise Problem(422, "as_reviewer cannot be used.", errors=errors) from None


def recorded(request: TokenRequest) -> Any:
    return actors.recorded(request.caller, request.path)


def read(request: HttpRequest, shape: type[S], *, optional: bool = False) -> S:
    """The body in its shape. Raises Problem: 400 for what is not JSON, 415, 422 with the field."""
    sent = body.read(request).removeprefix(b"\xef\xbb\xbf").strip()
    # A form without fields, as some clients send for an empty body, says nothing either.
    if optional and (not sent or request.content_type == "multipart/form-data"):
        return shape()
    if request.content_type and request.content_type != JSON and not optional:
        raise Problem(415, f"Content-Type {request.content_type!r} is not supported; send {JSON}.")
    return parsed(sent, shape)


def parsed(sent: bytes, shape: type[S]) -> S:
    """JSON in its shape. Raises Problem 400 and 422."""
    try:
        document = documents.parse(sent)
        if errors := _misspelt(document, shape.__struct_fields__):
            raise Problem(422, "The body has a field that is not known here.", errors=errors)
        return checked(document, shape)
    except Malformed as error:
        raise Problem(400, f"The body is not JSON: {error}") from None
    except BadShape as invalid:
        errors = [{"field": invalid.field, "error": invalid.reason}]
        raise Problem(422, "The body cannot be read.", errors=errors) from None


def check_query(request: HttpRequest, *known: str) -> None:
    """Raises Problem 400 for a parameter that nearly has the name of a known one: without it more, or someone
    else, would be answered for."""
    if request.META.get("QUERY_STRING") and (errors := _misspelt(request.GET, known, "parameter")):
        raise Problem(400, "The address has a parameter that is not known here.", errors=errors)


def _misspelt(document: Any, known: Sequence[str], kind: str = "field") -> list[dict[str, str]]:
    """The fields that nearly have the name of a known one: what they hold would be lost. What else a client
    sends of its own is passed over."""
    if not isinstance(document, dict):
        return []
    near = {name: _nearest(name, known) for name in document if name not in known}
    return [
        {"field": name, "error": f"is not a {kind} here; did you mean {meant}?"}
        for name, meant in near.items()
        if meant
    ]


def _nearest(name: str, known: Sequence[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name[:LONGEST_NAME], known, 1, ALIKE)), None)


def lines(answers: Iterable[Any]) -> StreamingHttpResponse:
    encoder = msgspec.json.Encoder()
    return StreamingHttpResponse((encoder.encode(each) + b"\n" for each in answers), content_type=NDJSON)


@api.exception_handler(Refusal)
def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    errors = refusal.errors if isinstance(refusal, Invalid) else None
    return Problem(refusal.status, refusal.detail, errors=errors).response()
