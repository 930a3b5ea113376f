"""How is the API of changes described? Operations for the OpenAPI document."""

from __future__ import annotations

from evaluation.changes.api import Told
from evaluation.operations import OBJECT, operation
from ingest import openapi
from ingest.json_objects import Json

_ROOM = ("changes", "Changes")
_TELL = operation(
    _ROOM, "Tell a change", [], 201, OBJECT, (413, 422),
    requestBody=openapi.exchange(Told, {201: None}, ())["requestBody"],
)  # fmt: skip
_TELL["responses"][200] = {"description": "Told before, and known", "content": OBJECT}

PATHS: dict[str, Json] = {
    "/changes": {"get": operation(_ROOM, "List changes", [], 200, OBJECT, ()), "post": _TELL}
}
openapi.add_paths({f"/api/v1{path}": operations for path, operations in PATHS.items()})
