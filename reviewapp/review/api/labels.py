"""What was said, over the API: every label as a line, and the examples for training that come of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ingest import openapi, times
from ingest.api import READ, api
from ingest.models import Scope
from ingest.problems import Problem
from ingest.tokens import TokenAuth, TokenRequest
from reviewapp.review import blindness, shapes, telling, training
from reviewapp.review.api import door


@api.api_operation(
    READ, "/labels", auth=TokenAuth(Scope.LABELS_READ), tags=door.TAG, summary="All labels, one a line",
    openapi_extra=openapi.lines(
        shapes.LabelTold, {"since": "Labels made at or after this time (ISO 8601), or after this label id"}
    ),
)  # fmt: skip
def list_labels(request: TokenRequest) -> HttpResponseBase:
    """Every revision with its provenance, in the order of ids: take them up by id, undone ones included.

    While the token's own reviewer judges a trace blind, the lines end before the first label on it."""
    door.check_query(request, "since")
    since, after = _since(request)
    hidden = blindness.held_by_token(request.caller)
    return door.lines(telling.label_lines(request.caller.project, since, after, hidden))


@api.api_operation(
    READ, "/labels/export", auth=TokenAuth(Scope.LABELS_READ), tags=door.TAG, summary="Training data",
    openapi_extra=openapi.lines(
        None,
        {"verdict": "pass: answers that passed; fail: the corrected ones of answers that failed",
         "format": "openai (fine-tuning messages) or preference (pairs)"},
    ),
)  # fmt: skip
def export_labels(request: TokenRequest) -> HttpResponseBase:
    door.check_query(request, "format", "verdict")
    form = _one_of(request, "format", training.FORMATS) or "openai"
    verdict = _one_of(request, "verdict", training.VERDICTS)
    hidden = blindness.held_by_token(request.caller)
    return door.lines(training.examples(request.caller.project, form, verdict, hidden))


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
