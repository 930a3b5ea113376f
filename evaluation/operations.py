"""How is an operation of this floor's views described in the OpenAPI document?"""

from __future__ import annotations

from typing import Any

from ingest import openapi
from ingest.documents import JSON
from ingest.json_objects import Json

_GONE = {409: "A draft: publish it first", 410: "Withdrawn, with the reason", 416: "Beyond the end"}
OBJECT: dict[str, Json] = {JSON: {"schema": {"type": "object"}}}


def operation(
    room: tuple[str, str],
    summary: str,
    parameters: list[Json],
    status: int,
    media: dict[str, Json],
    refusals: tuple[int, ...],
    **more: Any,
) -> Json:
    """`room` is the word that the operation's id begins with, and the heading it stands under."""
    described = openapi.refused_with(sorted({400, 401, 403, 404, 503, *refusals} - _GONE.keys()))
    problem = described[400]["content"]
    described |= {
        each: {"description": _GONE[each], "content": problem} for each in refusals if each in _GONE
    }
    return {
        "summary": summary,
        "operationId": f"{room[0]}_{summary.lower().replace(' ', '_')}",
        "tags": [room[1]],
        "security": [{"TokenAuth": []}],
        "parameters": parameters,
        "responses": {status: {"description": "Done", "content": media}, **described},
        **more,
    }


def path_text(name: str, **more: Any) -> Json:
    return {"in": "path", "name": name, "required": True, "schema": {"type": "string", **more}}


def query_text(name: str, description: str, **more: Any) -> Json:
    schema = {"type": "string", **more}
    return {"in": "query", "name": name, "required": False, "description": description, "schema": schema}
