"""How is the API of judges described? Operations for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from evaluation.operations import OBJECT, operation, path_text, query_text
from ingest import openapi
from ingest.documents import JSON
from ingest.json_objects import Json

_NAME = path_text("name", maxLength=100)
_VERSION = query_text("version", "A version's label; by default the live one, else the latest")
_FIGURES: list[Json] = [
    _VERSION,
    query_text("criterion", "The criterion that the version judges"),
    query_text("window", "A number of days such as 28d, or all", pattern="^([1-9][0-9]{0,2}d|all)$"),
    query_text("slice", "route, model or prompt_version, then = and its value"),
]
_ASKED: Json = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "queue": {"type": "string"},
                        "version": {"type": "string"},
                        "standing": {"type": "boolean"},
                        "both_orders": {"type": "boolean"},
                    },
                    "required": ["queue"],
                    "additionalProperties": False,
                }
            }
        },
    }
}


def _operation(
    summary: str, parameters: list[Json], status: int = 200, refusals: tuple[int, ...] = (), **more: Any
) -> Json:
    return operation(("judges", "Judges"), summary, parameters, status, OBJECT, refusals, **more)


PATHS: dict[str, Json] = {
    "/judges": {"get": _operation("List judges", [])},
    "/judges/{name}/calibration": {"get": _operation("Read the figures of a judge", [_NAME, *_FIGURES])},
    "/judges/{name}/certificate": {"get": _operation("Read the certificate of a judge", [_NAME, _VERSION])},
    "/judges/{name}/runs": {
        "post": _operation("Ask a judge about a queue", [_NAME], 201, (409, 413, 422), **_ASKED)
    },
}
openapi.add_paths({f"/api/v1{path}": operations for path, operations in PATHS.items()})
