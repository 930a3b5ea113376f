"""Langfuse's own addresses: its SDKs' scores and ingestion batches, and their check of a key.

Answers have Langfuse's shapes, since its SDKs read them.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import URLPattern, path

from ingest.access import Access, Door, declare
from ingest.importers import door
from ingest.models import Scope
from ingest.problems import Problem
from ingest.tokens import TokenRequest, token


@token(Scope.INGEST, basic=True)
def ingestion(request: TokenRequest) -> HttpResponse:
    """A batch of events. Each is answered for, and a bad one spoils no other."""
    _require(request, "POST")
    items = door.items_of(request, "langfuse")
    ids = [str(item.get("id", "")) if isinstance(item, dict) else "" for item in items]
    refused = _refused(request, items)
    errors = [
        {"id": ids[index], "status": 400, "message": reason, "error": reason}
        for index, reason in refused.items()
    ]
    done = [{"id": each, "status": 201} for index, each in enumerate(ids) if index not in refused]
    return JsonResponse({"successes": done, "errors": errors}, status=207)


@token(Scope.INGEST, basic=True)
def scores(request: TokenRequest) -> HttpResponse:
    """One score, or a list of them."""
    _require(request, "POST")
    items = door.items_of(request, "langfuse")
    door.run(request.caller.project, "langfuse", items)
    first: Any = items[0]
    return JsonResponse({"id": first.get("id", "") if isinstance(first, dict) else ""})


@token(Scope.INGEST, basic=True)
def projects(request: TokenRequest) -> HttpResponse:
    """The project of the key: what an SDK asks to check it."""
    _require(request, "GET")
    project = request.caller.project
    named = {"id": project.slug, "name": project.name}
    return JsonResponse({"data": [named | {"organization": named, "metadata": {}}]})


# Read, not sent: what the table of routes should say.
declare(projects, {"GET": Access(Door.TOKEN, scopes=(Scope.INGEST,))})


def _refused(request: TokenRequest, items: list[Any]) -> dict[int, str]:
    try:
        report = door.run(request.caller.project, "langfuse", items)
    except Problem as problem:
        if problem.status != 400:
            raise
        return {error["index"]: f"{error['field']}: {error['error']}" for error in problem.errors or ()}
    return {each.index: each.error for each in report.rejected}


def _require(request: TokenRequest, method: str) -> None:
    if request.method != method:
        raise Problem(405, f"Send this with {method}.", headers={"Allow": method})


def urls() -> list[URLPattern]:
    return [
        path("api/public/ingestion", ingestion),
        path("api/public/scores", scores),
        path("api/public/projects", projects),
    ]
