"""How is the API of golden datasets and runs described? Operations for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from evaluation.golden.content.formats import FORMATS
from evaluation.operations import OBJECT, operation, path_text, query_text
from ingest import openapi
from ingest.documents import JSON, NDJSON
from ingest.json_objects import Json

_NAME = path_text("name", maxLength=60)
_NUMBER = path_text("number") | {"description": "A version's number, or latest"}
_RUN = path_text("run_id", format="uuid")
_PART = [query_text(name, f"Cases of this {name}; repeated for any of several") for name in ("split", "tag")]


def _operation(
    summary: str,
    parameters: list[Json],
    status: int,
    media: dict[str, Json],
    refusals: tuple[int, ...],
    **more: Any,
) -> Json:
    return operation(("golden", "Golden dataset"), summary, parameters, status, media, refusals, **more)


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
_FORMAT = path_text("format", enum=[*FORMATS, "manifest.json"])
_FILE = query_text(
    "format",
    "Whose result file is sent; by default our own JSON",
    enum=["native", "junit", "promptfoo", "inspect", "deepeval"],
)

PATHS: dict[str, Json] = {
    "/golden": {"get": _operation("List datasets", [], 200, OBJECT, ())},
    "/golden/{name}": {"get": _operation("Read a dataset", [_NAME], 200, OBJECT, ())},
    "/golden/{name}/cases": {
        "post": _operation("Send cases", [_NAME], 200, OBJECT, (413, 415, 422), **_LINES)
    },
    "/golden/{name}/versions": {
        "get": _operation("List versions", [_NAME], 200, OBJECT, ()),
        "post": _operation("Publish the draft", [_NAME], 201, OBJECT, (409, 413, 422)),
    },
    "/golden/{name}/versions/{number}": {
        "get": _operation(
            "Download a version", [_NAME, _NUMBER, *_PART], 200, _BYTES, (409, 410, 416),
            description="The canonical native lines. A...B in the place of the number gives the difference.",
        )
    },
    "/golden/{name}/versions/{number}/{format}": {
        "get": _operation(
            "Download a format", [_NAME, _NUMBER, _FORMAT, *_PART], 200, _BYTES | OBJECT, (409, 410, 416)
        )
    },
    "/golden/{name}/versions/{number}/runs": {
        "post": _operation(
            "Report a run", [_NAME, _NUMBER, _FILE], 201, OBJECT, (409, 410, 413, 422), **_RESULTS
        )
    },
    "/runs/{run_id}": {"get": _operation("Read a run", [_RUN], 200, OBJECT, ())},
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
