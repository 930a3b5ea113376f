"""How is the API of golden datasets and runs described? Operations for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from evaluation.golden.content.formats import FORMATS
from ingest import openapi
from ingest.documents import JSON, NDJSON
from ingest.json_objects import Json

_NAME: Json = {"in": "path", "name": "name", "required": True, "schema": {"type": "string", "maxLength": 60}}
_NUMBER: Json = {
    "in": "path",
    "name": "number",
    "required": True,
    "description": "A version's number, or latest",
    "schema": {"type": "string"},
}
_RUN: Json = {
    "in": "path",
    "name": "run_id",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
_PART: list[Json] = [
    {
        "in": "query",
        "name": name,
        "required": False,
        "description": f"Cases of this {name}; repeated for any of several",
        "schema": {"type": "string"},
    }
    for name in ("split", "tag")
]
_GONE = {409: "A draft: publish it first", 410: "Withdrawn, with the reason", 416: "Beyond the end"}


def _operation(
    summary: str,
    parameters: list[Json],
    status: int,
    media: dict[str, Json],
    refusals: tuple[int, ...],
    **more: Any,
) -> Json:
    described = openapi.refused_with(sorted({400, 401, 403, 404, 503, *refusals} - _GONE.keys()))
    problem = described[400]["content"]
    described |= {
        each: {"description": _GONE[each], "content": problem} for each in refusals if each in _GONE
    }
    return {
        "summary": summary,
        "operationId": f"golden_{summary.lower().replace(' ', '_')}",
        "tags": ["Golden dataset"],
        "security": [{"TokenAuth": []}],
        "parameters": parameters,
        "responses": {status: {"description": "Done", "content": media}, **described},
        **more,
    }


_OBJECT: dict[str, Json] = {JSON: {"schema": {"type": "object"}}}
_BYTES: dict[str, Json] = {
    each.media_type.partition(";")[0]: {"schema": {"type": "string"}} for each in FORMATS.values()
}
_LINES: Json = {"requestBody": {"required": True, "content": {NDJSON: {"schema": {"type": "string"}}}}}
_RESULTS: Json = {
    "requestBody": {
        "required": True,
        "content": {JSON: {"schema": {"type": "object"}}, "application/xml": {"schema": {"type": "string"}}},
    }
}
_FORMAT: Json = {
    "in": "path",
    "name": "format",
    "required": True,
    "schema": {"type": "string", "enum": [*FORMATS, "manifest.json"]},
}
_FILE: Json = {
    "in": "query",
    "name": "format",
    "required": False,
    "description": "Whose result file is sent; by default our own JSON",
    "schema": {"type": "string", "enum": ["native", "junit", "promptfoo", "inspect", "deepeval"]},
}

PATHS: dict[str, Json] = {
    "/golden": {"get": _operation("List datasets", [], 200, _OBJECT, ())},
    "/golden/{name}": {"get": _operation("Read a dataset", [_NAME], 200, _OBJECT, ())},
    "/golden/{name}/cases": {
        "post": _operation("Send cases", [_NAME], 200, _OBJECT, (413, 415, 422), **_LINES)
    },
    "/golden/{name}/versions": {
        "get": _operation("List versions", [_NAME], 200, _OBJECT, ()),
        "post": _operation("Publish the draft", [_NAME], 201, _OBJECT, (409, 413, 422)),
    },
    "/golden/{name}/versions/{number}": {
        "get": _operation(
            "Download a version", [_NAME, _NUMBER, *_PART], 200, _BYTES, (409, 410, 416),
            description="The canonical native lines. A...B in the place of the number gives the difference.",
        )
    },
    "/golden/{name}/versions/{number}/{format}": {
        "get": _operation(
            "Download a format", [_NAME, _NUMBER, _FORMAT, *_PART], 200, _BYTES | _OBJECT, (409, 410, 416)
        )
    },
    "/golden/{name}/versions/{number}/runs": {
        "post": _operation(
            "Report a run", [_NAME, _NUMBER, _FILE], 201, _OBJECT, (409, 410, 413, 422), **_RESULTS
        )
    },
    "/runs/{run_id}": {"get": _operation("Read a run", [_RUN], 200, _OBJECT, ())},
    "/runs/{run_id}/report.md": {
        "get": _operation("Read a report", [_RUN], 200, {"text/markdown": {"schema": {"type": "string"}}}, ())
    },
    "/runs/{run_id}/junit.xml": {
        "get": _operation("Read JUnit", [_RUN], 200, {"application/xml": {"schema": {"type": "string"}}}, ())
    },
    "/ci/touchstone.py": {
        "get": _operation("Fetch the client", [], 200, {"text/x-python": {"schema": {"type": "string"}}}, ())
    },
}  # fmt: skip
openapi.add_paths({f"/api/v1{path}": operations for path, operations in PATHS.items()})
