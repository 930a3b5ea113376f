"""What do the bodies of the native JSON API look like? One struct for each, checked by msgspec.

The OpenAPI document is made from these structs, so it cannot promise what is not checked. Fields that a
struct does not name are kept: with the trace's body, a score's metadata, or feedback's payload.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from ingest import limits, sanitising, times
from ingest.json_objects import Json

S = TypeVar("S", bound=Struct)
Identifier = Annotated[
    str,
    Meta(min_length=1, max_length=128, description="Any text of 1 to 128 characters", examples=["trace-1"]),
]
Key = Annotated[
    str, Meta(min_length=1, max_length=200, description="Idempotency key; without it, equal content is one")
]
_SINCE_1990 = Meta(extra_json_schema={"minimum": limits.EARLIEST_NS // 10**9})
Time = (
    Annotated[
        str,
        Meta(description="ISO 8601, UTC unless it names a zone", extra_json_schema={"format": "date-time"}),
    ]
    | Annotated[int, Meta(description="Or a number of s, ms, us or ns since 1970"), _SINCE_1990]
    | Annotated[float, _SINCE_1990]
)
Content = str | Json | list[Any]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Tokens(Struct):
    input: Count | None = None
    output: Count | None = None


class Document(Struct):
    """A retrieved text that the model was given."""

    id: str | int | None = None
    text: str = ""
    score: float | None = None
    title: str | None = None


class Event(Struct):
    name: str
    time: Time | None = None
    attributes: Json | None = None


class SpanBody(Struct):
    """A step of a trace. `op` (chat, execute_tool, retrieval, ...) and the fields after it are a short way
    to the OpenTelemetry GenAI attributes of the same meaning. `kind` is OpenTelemetry's (internal, client,
    ...), or says what the step is, as others do (llm, tool, retriever, ...): then it stands for `op`."""

    span_id: Identifier | None = None
    id: Identifier | None = None
    parent_id: Annotated[str, Meta(max_length=128)] | None = None
    parent_span_id: Annotated[str, Meta(max_length=128)] | None = None
    name: str = ""
    kind: Annotated[str, Meta(max_length=100)] = ""
    started_at: Time | None = None
    ended_at: Time | None = None
    status: Literal["unset", "ok", "error"] | None = None
    error: str | None = None
    attributes: Json | None = None
    events: list[Event] | None = None
    op: str | None = None
    model: str | None = None
    provider: str | None = None
    tokens: Tokens | None = None
    input: Content | None = None
    output: Content | None = None


class External(Struct):
    """An id that another system gave."""

    system: Annotated[str, Meta(min_length=1, max_length=100)]
    id: Annotated[str, Meta(min_length=1, max_length=199)]


class TargetBody(Struct):
    """Name a trace (and one of its spans), or a span, a model response, or a foreign id alone."""

    trace_id: Identifier | None = None
    span_id: Identifier | None = None
    response_id: Annotated[str, Meta(min_length=1, max_length=300)] | None = None
    external: External | None = None


class Evaluator(Struct):
    name: str | None = None
    version: str | None = None
    model: str | None = None


class NestedScore(Struct, kw_only=True):
    """`name` and one of value, label, error_type are required. Of several bodies with one id the one with
    the greatest (timestamp, sha256) is current; one without a timestamp counts as older than any other."""

    id: Key | None = None
    target: TargetBody | None = None
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    value: bool | float | None = None
    label: str | None = None
    confidence: Share | None = None
    explanation: str | None = None
    source: Literal["llm", "code", "human", "user"] | None = None
    evaluator: Evaluator | str | None = None
    error_type: str | None = None
    timestamp: Time | None = None
    metadata: Json | None = None


class ScoreBody(NestedScore, kw_only=True):
    target: TargetBody


class NestedFeedback(Struct, kw_only=True):
    """Of thumbs, ratings and task results the latest of a user (or session) counts: by `occurred_at`, or
    where it is absent they count as older than any dated one; ties by id. All other kinds add up."""

    id: Key | None = None
    target: TargetBody | None = None
    kind: Literal[
        "thumbs", "rating", "regenerate", "copy", "edit", "rephrase", "abandon", "accept",
        "task_completed", "follow_up", "escalate", "report", "comment",
    ]  # fmt: skip
    dimension: Annotated[str, Meta(max_length=100)] | None = None
    value: Annotated[
        bool | float | str | None,
        Meta(description="thumbs: up or down; rating: 0 to payload.max (5); task_completed: true or false"),
    ] = None
    comment: str | None = None
    user: Annotated[str, Meta(max_length=200)] | None = None
    session: Annotated[str, Meta(max_length=200)] | None = None
    occurred_at: Time | None = None
    payload: Json | None = None


class FeedbackBody(NestedFeedback, kw_only=True):
    target: TargetBody
    signature: (
        Annotated[str, Meta(max_length=200, description="From a browser: the backend's word for the trace")]
        | None
    ) = None


class TraceShape(Struct):
    """Posting an id again adds what was absent; where fields differ, the body with the greatest (ended_at
    or started_at, sha256) decides, whatever the order of arrival."""

    id: Identifier | None = None
    name: str | None = None
    started_at: Time | None = None
    ended_at: Time | None = None
    input: Content | None = None
    output: Content | None = None
    context: list[Document | str] | None = None
    model: str | None = None
    provider: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    route: str | None = None
    environment: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    tokens: Tokens | None = None
    cost_usd: Annotated[float, Meta(ge=0)] | None = None
    latency_ms: Annotated[float, Meta(ge=0)] | None = None
    status: Literal["unset", "ok", "error"] | None = None
    error: str | None = None
    tags: Json | None = None
    spans: list[SpanBody] | None = None
    scores: list[NestedScore] | None = None
    feedback: list[NestedFeedback] | None = None


class Invalid(ValueError):
    """An item that says something its field cannot hold; `field` is its path, empty for the item itself."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


_AT = re.compile(r"(?P<reason>.*?)(?: - at `(?:key in )?\$\.?(?P<field>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.+)`")


def checked(item: Any, shape: type[S]) -> S:
    """The item in its shape. Raises Invalid with the path of the first field that does not fit."""
    try:
        return msgspec.convert(item, shape)
    except msgspec.ValidationError as error:
        match = _AT.fullmatch(str(error))
    field, reason = (match["field"] or "", match["reason"]) if match else ("", "cannot be read")
    if missing := _MISSING.fullmatch(reason):
        field, reason = f"{field}.{missing['name']}".lstrip("."), "is required"
    raise Invalid(field, reason)


def time_ns(field: str, value: str | float | None) -> int | None:
    if value is None:
        return None
    try:
        return times.nanoseconds(value)
    except ValueError as error:
        raise Invalid(field, str(error)) from None


def identifier(field: str, value: str) -> str:
    """An id, sanitised like all text, must not have needed it: else two ids could become one."""
    if sanitising.NUL_MARK in value or (value and not value.strip()):
        raise Invalid(field, "must be visible text without U+0000 or U+FFFD")
    return value
