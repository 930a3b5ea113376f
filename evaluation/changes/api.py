"""Changes over the API: a pipeline reports a deploy, and readers of quality read what changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from django.http import HttpResponse
from django.utils import timezone
from msgspec import Meta, Struct

from evaluation.changes import finding, telling
from evaluation.changes.models import ChangeEvent
from ingest import body, documents, sanitising, shapes, times
from ingest.json_objects import Json, json_response
from ingest.models import Scope as TokenScope
from ingest.problems import Problem
from ingest.shapes import Invalid, Time
from ingest.tokens import TokenRequest, token

MOST = 500
# As far as clocks may be apart.
AHEAD = timedelta(minutes=5)
Text = Annotated[str, Meta(max_length=200)]


class Told(Struct):
    """`{"kind": "deploy", "value": "v41", "subject": "api", "at": "...Z", "words": "..."}`"""

    kind: Literal["model", "prompt", "judge", "rubric", "golden", "deploy", "other"]
    value: Annotated[str, Meta(min_length=1, max_length=200)]
    subject: Text = ""
    words: Annotated[str, Meta(max_length=300)] = ""
    at: Time | None = None


@token(TokenScope.QUALITY_READ)
def list_changes(request: TokenRequest) -> HttpResponse:
    found = telling.changes(request.caller.project)[:MOST]
    return json_response({"changes": [as_json(event) for event in found]})


@token(TokenScope.RUNS_WRITE)
def tell_change(request: TokenRequest) -> HttpResponse:
    """201, or 200 where the same was told before; `at` is now unless it is given."""
    told, at = _told(body.read(request))
    project = request.caller.project
    is_new = finding.note(
        project.pk, told.kind, told.value, at, subject=told.subject, words=told.words,
        told_by=request.caller.token.name or "token",
    )  # fmt: skip
    event = ChangeEvent.objects.get(
        project=project, kind=told.kind, subject=told.subject, value=told.value, at=at
    )
    return json_response(as_json(event), 201 if is_new else 200)


def _told(sent: bytes) -> tuple[Told, datetime]:
    """Raises Problem 400 or 422."""
    try:
        told = shapes.checked(sanitising.json_value(documents.parse(sent), set()), Told)
        at_ns = shapes.time_ns("at", told.at)
        at = times.moment(at_ns) if at_ns is not None else timezone.now()
        if at > timezone.now() + AHEAD:
            raise Invalid("at", "is in the future; report a change once it has happened")
        return told, at
    except documents.Malformed as error:
        raise Problem(400, str(error)) from None
    except Invalid as error:
        raise Problem(422, str(error), errors=[{"field": error.field, "error": error.reason}]) from None


def as_json(event: ChangeEvent) -> Json:
    return {
        "kind": event.kind,
        "subject": event.subject,
        "value": event.value,
        "words": event.words,
        "routes": event.routes,
        "at": event.at.isoformat(),
        "told_by": event.told_by or None,
        "follow_up": event.follow_up or None,
    }
