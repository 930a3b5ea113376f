"""How is the native API described? The OpenAPI document, from the structs and tables that decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from ingest import answers, filters, shapes
from ingest.documents import JSON, NDJSON
from ingest.filters import FILTERS, Order
from ingest.json_objects import Json

PROBLEM = "application/problem+json"
REFERENCE = "#/components/schemas/{name}"
STRUCTS: list[type[Struct]] = [
    shapes.TraceShape,
    shapes.ScoreBody,
    shapes.FeedbackBody,
    answers.Receipt,
    answers.ImportReport,
    answers.TraceDetail,
    answers.TraceList,
    answers.ProblemDetails,
]


def _says(*names: str) -> Json:
    """Any one of the fields, with a value."""
    return {
        "anyOf": [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in names]
    }


# What a struct's types cannot say.
FURTHER = {
    "TargetBody": _says("trace_id", "span_id", "response_id", "external"),
    "ScoreBody": _says("value", "label", "error_type"),
    "NestedScore": _says("value", "label", "error_type"),
}
REFUSALS = {
    400: "The request cannot be read; errors says where",
    401: "No valid token",
    403: "The token lacks the scope",
    404: "The token's project has no such thing",
    409: "Something changed in the meantime; detail says what",
    413: "Larger than the limits",
    415: "A content type or encoding that is not supported",
    422: "A field holds a value that it cannot take; errors names it",
    503: "The database does not answer; retry after Retry-After",
}
DONE = {200: "Done, or already so", 201: "Created", 204: "Nothing there now"}
INGEST_REFUSALS = (400, 401, 403, 413, 415, 422, 503)
READ_REFUSALS = (400, 401, 403, 503)


# Operations of views beside this API, described by the rooms that serve them.
FURTHER_PATHS: dict[str, Json] = {}


def add_paths(paths: Mapping[str, Json]) -> None:
    FURTHER_PATHS.update(paths)


class Api(NinjaAPI):
    """The API whose document also holds the schemas that the operations below refer to."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        _, schemas = msgspec.json.schema_components(STRUCTS, ref_template=REFERENCE)
        for name, further in FURTHER.items():
            schemas[name] |= further
        document["components"]["schemas"].update(schemas)
        document["paths"].update(FURTHER_PATHS)
        for operations in document["paths"].values():
            # HEAD answers like GET; a second operation of the same name would not be valid.
            operations.pop("head", None)
        return document

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Of the room's API, whichever module of it serves: moving code renames nothing for clients."""
        room, _, _ = operation.view_func.__module__.partition(".api")
        return f"{room}.api.{operation.view_func.__name__}".replace(".", "_")


def intake(shape: type[Struct], envelope: str | None) -> Json:
    """An operation that takes one `shape`, a list, `{envelope: [...]}` or NDJSON."""
    one = {"$ref": REFERENCE.format(name=shape.__name__)}
    many = {"type": "array", "items": one, "minItems": 1}
    forms: list[Any] = [one, many]
    if envelope:
        forms.append({"type": "object", "properties": {envelope: many}, "required": [envelope]})
    receipt = _content(answers.Receipt)
    return {
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"anyOf": forms}}, NDJSON: {"schema": {"type": "string"}}},
        },
        "responses": {
            200: {"description": "Committed", "content": receipt},
            202: {"description": "Committed; all items wait for their targets", "content": receipt},
            207: {"description": "Committed, except for the rejected items", "content": receipt},
            **refused_with(INGEST_REFUSALS),
        },
    }


def importing(formats: Iterable[str]) -> Json:
    """The operation that takes what other systems wrote: any JSON, and a report for each item of it."""
    report = _content(answers.ImportReport)
    anything: Json = {"schema": {"anyOf": [{"type": "object"}, {"type": "array", "items": {}}]}}
    names = {"type": "string", "enum": list(formats)}
    return {
        "parameters": [
            _query("format", "Who wrote it", names) | {"required": True},
            _query("dry_run", "1: report, and write nothing", {"type": "string", "enum": ["0", "1"]}),
        ],
        "requestBody": {
            "required": True,
            "content": {JSON: anything, NDJSON: {"schema": {"type": "string"}}},
        },
        "responses": {
            200: {"description": "Committed", "content": report},
            202: {"description": "Committed; all items wait for their targets", "content": report},
            207: {"description": "Committed, except for the rejected items", "content": report},
            **refused_with((400, 401, 403, 413, 415, 503)),
        },
    }


def answer(struct: type[Struct], *, refusals: Iterable[int], parameters: list[Json] | None = None) -> Json:
    """An operation that answers with one `struct`."""
    _describe(struct)
    responses = {200: {"description": "Found", "content": _content(struct)}, **refused_with(refusals)}
    return {"responses": responses, "parameters": parameters or []}


def exchange(
    taken: type[Struct],
    given: Mapping[int, type[Struct] | None],
    refusals: Iterable[int],
    *,
    optional: bool = False,
) -> Json:
    """An operation that takes one `taken` and answers by status with one of `given`. Floors above use it."""
    _describe(taken, *(struct for struct in given.values() if struct))
    responses = {
        status: {"description": DONE[status], "content": _content(struct)}
        if struct
        else {"description": DONE[status]}
        for status, struct in given.items()
    }
    return {
        "requestBody": {"required": not optional, "content": _content(taken)},
        "responses": {**responses, **refused_with(refusals)},
    }


def lines(line: type[Struct] | None, parameters: Mapping[str, str]) -> Json:
    """A read that answers with one JSON object a line."""
    if line:
        _describe(line)
    found = {"description": "One object a line", "content": {NDJSON: {"schema": {"type": "string"}}}}
    named = [_query(name, words, {"type": "string"}) for name, words in parameters.items()]
    return {"responses": {200: found, **refused_with(READ_REFUSALS)}, "parameters": named}


def _describe(*structs: type[Struct]) -> None:
    """Put these among the document's schemas."""
    STRUCTS.extend(struct for struct in structs if struct not in STRUCTS)


def filter_parameters() -> list[Json]:
    """The closed table as query parameters, and the ones of paging."""
    paging: Mapping[str, tuple[str, Json]] = {
        "order": ("Order by start", {"enum": Order.values, "default": Order.NEWEST.value}),
        "limit": ("Traces a page", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
        "cursor": ("`next` of the page before", {"type": "string"}),
    }
    named = [
        _query(name, each.description, {"type": "array", "items": _value_schema(each)})
        for name, each in FILTERS.items()
    ]
    return named + [_query(name, words, schema) for name, (words, schema) in paging.items()]


def _value_schema(each: filters.Filter) -> Json:
    if each.choices:
        return {"type": "string", "enum": list(each.choices)}
    return {"type": "string", "maxLength": filters.LONGEST_VALUE}


def _query(name: str, description: str, schema: Json) -> Json:
    return {"in": "query", "name": name, "required": False, "description": description, "schema": schema}


def _content(struct: type[Struct], media_type: str = JSON) -> Json:
    return {media_type: {"schema": {"$ref": REFERENCE.format(name=struct.__name__)}}}


def refused_with(statuses: Iterable[int]) -> dict[int, Json]:
    content = _content(answers.ProblemDetails, PROBLEM)
    return {status: {"description": REFUSALS[status], "content": content} for status in statuses}
