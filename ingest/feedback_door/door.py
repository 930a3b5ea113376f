"""Feedback sent with a key that anyone can read: its origin, rate, trace and signature are checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from ingest import native
from ingest.feedback_door import links, origins, pace, settings
from ingest.feedback_door.rows import FeedbackDoor
from ingest.limits import KIB
from ingest.native import Taken
from ingest.problems import Problem
from ingest.records import FeedbackRecord
from ingest.shapes import Invalid
from ingest.tokens import Caller, TokenRequest

# A browser sends one statement at a time; the application's own token may send more.
BODY_BYTES = 64 * KIB


def enter(request: TokenRequest) -> FeedbackDoor:
    """The project's door, for a request of an allowed origin and size; all else is refused unread."""
    door = settings.read(request.caller.project)
    origin = origins.of(request)
    if origin and origin not in door.origins:
        raise Problem(
            403,
            f"Pages of {origin} may not send feedback here. An admin can allow them on the Feedback page.",
        )
    if len(request.body) > BODY_BYTES:
        raise Problem(413, f"With this token a request may have at most {BODY_BYTES} bytes.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem(415, "With this token a body must not be compressed.")
    return door


def count(request: TokenRequest, door: FeedbackDoor, statements: int) -> None:
    """Against the pace of the key and the address, whether or not they can be accepted."""
    pace.take(request, request.caller.token, door, max(1, statements))


def vouch(taken: Taken, door: FeedbackDoor) -> None:
    """Keep statements on traces that are here, each with a note whether a signature vouches for it."""
    native.refuse_unknown_traces(taken, door.project)
    key = links.key_of(door)

    def vouched(statement: FeedbackRecord) -> FeedbackRecord:
        if statement.signature:
            if not links.is_valid(statement.signature, key, statement.target.key):
                raise Invalid("signature", "is not of this trace, or has expired")
        elif door.requires_signature:
            raise Invalid("signature", "is required by this project")
        return replace(statement, signed=bool(statement.signature))

    native.keep_feedback(taken, vouched)


def across_origins(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view, with the headers by which browsers let pages of allowed origins call it."""

    @csrf_exempt
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if origins.is_preflight(request):
            return origins.preflight(request)
        response = view(request, *args, **kwargs)
        patch_vary_headers(response, ["Origin"])
        origin = origins.of(request)
        if origin and _may_read(request, origin):
            origins.open_to(response, origin)
        return response

    return answered


def _may_read(request: HttpRequest, origin: str) -> bool:
    """Of a request without a valid token only the refusal can be read, by pages that some project knows."""
    caller: Caller | None = getattr(request, "caller", None)
    if caller is None:
        return origins.is_known(origin)
    return origin in settings.read(caller.project).origins
