"""Rubrics over the API: a new version, and the rubric with it if there is none of that name."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse

from ingest import openapi
from ingest.api import api
from ingest.json_objects import json_response
from ingest.models import Scope
from ingest.problems import Problem
from ingest.tokens import Caller, TokenAuth, TokenRequest
from reviewapp.review import rubrics, shapes, telling
from reviewapp.review.api import door
from reviewapp.review.models import Rubric
from reviewapp.review.rubrics import Content


@api.post(
    "/rubrics/{slug:slug}/versions", auth=TokenAuth(Scope.ADMIN), tags=door.TAG,
    summary="Create a rubric version",
    openapi_extra=openapi.exchange(shapes.RubricVersionBody, {201: shapes.RubricTold}, door.REFUSED),
)  # fmt: skip
def post_rubric_version(request: TokenRequest, slug: str) -> HttpResponse:
    """Frozen at once. Queues go on asking from theirs until PATCH /queues/{slug} moves them."""
    sent = door.read(request, shapes.RubricVersionBody)
    with transaction.atomic(), door.recorded(request):
        rubric = rubrics.find(request.caller.project, slug) or _new_rubric(request.caller, slug, sent.name)
        version = rubrics.publish(rubric, _content(rubric, sent), f"token {request.caller.token.name}")
    return json_response(telling.rubric_told(version), 201)


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
