"""What do the answers of the native JSON API look like? Structs from which the OpenAPI document is made.

GET answers are composed as dicts (see `traces`); a test holds them against these structs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from ingest.json_objects import Json
from ingest.problems import Problem
from ingest.shapes import Invalid


class FieldError(Struct):
    """What is wrong, and where: a field's path, and in a bulk body the position of the item."""

    error: str
    field: str | None = None
    index: int | None = None


class ProblemDetails(Struct):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None


class Rejection(Struct):
    index: int
    error: str


class Warned(Struct):
    index: int
    warning: str


class Receipt(Struct, omit_defaults=True):
    """`accepted` items are committed; `pending` ones of them wait for what they speak of. `ids` are the
    ids of the accepted items, given or made from their content. `warnings` is there only when a field was
    given that nothing reads, perhaps a misspelt one."""

    accepted: int
    pending: int
    rejected: list[Rejection]
    ids: list[str]
    warnings: list[Warned] = []


def none_taken(detail: str, refused: Iterable[tuple[int, Invalid]]) -> Problem:
    """The refusal of a body of which nothing was taken: a problem, with the members of a receipt too."""
    items = list(refused)
    return Problem(
        400,
        detail,
        errors=[{"index": index, "field": each.field, "error": each.reason} for index, each in items],
        members={
            "accepted": 0,
            "pending": 0,
            "rejected": [{"index": index, "error": str(each)} for index, each in items],
        },
    )


class ImportReport(Struct, omit_defaults=True):
    """Of an import, by item: as a receipt, and what the accepted items became. With `dry_run` the same, and
    nothing is written."""

    accepted: int
    pending: int
    rejected: list[Rejection]
    dry_run: bool
    traces: int
    spans: int
    scores: int
    feedback: int


class TokenCounts(Struct):
    input: int | None
    output: int | None


class Audit(Struct):
    """Whether the trace is in the audit sample, and the probability with which it was drawn; null until it
    has settled."""

    drawn: bool | None
    pi: float | None


class ContextDocument(Struct):
    id: str
    text: str
    score: float | None


class ToolCall(Struct):
    name: str
    arguments: Any


class Message(Struct):
    """`other` holds parts without a text, such as images, as they came."""

    role: str
    text: str
    tool_calls: list[ToolCall]
    other: list[Any] | None = None


class ModelCall(Struct):
    """A leaf model call, in whatever dialect it was sent."""

    span_id: str
    name: str
    op: str
    provider: str | None
    model: str | None
    response_model: str | None
    input_tokens: int | None
    output_tokens: int | None
    finish: list[str]
    system: str | None
    input: list[Message]
    output: list[Message]
    response_id: str | None
    error: str | None


class StoredSpan(Struct):
    span_id: str
    parent_id: str | None
    name: str
    kind: Literal["unspecified", "internal", "server", "client", "producer", "consumer"]
    started_at: datetime
    ended_at: datetime | None
    status: Literal["unset", "ok", "error"]
    error: str | None
    scope: str
    attributes: Json
    events: list[Json]
    resource: Json


class StoredScore(Struct):
    """`revisions` are earlier or later bodies of the same id, kept but not current."""

    id: str
    span_id: str | None
    name: str
    value: float | None
    label: str | None
    confidence: float | None
    explanation: str | None
    source: Literal["llm", "code", "human", "user"]
    evaluator: Json
    error_type: str | None
    timestamp: datetime | None
    received_at: datetime
    metadata: Json
    revisions: list[Json]


class StoredFeedback(Struct):
    """`effective` is false for what the same person has replaced since. `number` is 1 or 0 for thumbs and
    tasks, and value / max for ratings. `signed` says of feedback from a browser whether a signature vouches
    for it, and is null for what the application sent itself."""

    id: str
    span_id: str | None
    kind: str
    dimension: str | None
    value: str | None
    number: float | None
    comment: str | None
    user: str | None
    session: str | None
    occurred_at: datetime | None
    received_at: datetime
    payload: Json
    signed: bool | None
    effective: bool
    revisions: list[Json]


class Columns(Struct, kw_only=True):
    trace_id: str
    name: str | None
    started_at: datetime
    ended_at: datetime | None
    input: str
    output: str
    model: str | None
    provider: str | None
    prompt_name: str | None
    prompt_version: str | None
    route: str | None
    environment: str | None
    session_id: str | None
    user_id: str | None
    tokens: TokenCounts
    cost_usd: float | None
    latency_ms: float | None
    status: Literal["unset", "ok", "error"]
    error: str | None
    audit: Audit


class Reason(Struct):
    """Why a settled trace waits in a queue."""

    queue: str
    code: str
    detail: str


class TraceDetail(Columns, kw_only=True):
    """`input` is the last question and `output` the answer to it; `messages` are the whole conversation."""

    messages: list[Message]
    context: list[ContextDocument]
    tags: Json
    flags: list[str]
    calls: list[ModelCall]
    spans: list[StoredSpan]
    scores: list[StoredScore]
    feedback: list[StoredFeedback]
    reasons: list[Reason]
    priority: float | None


class ScoreSummary(Struct):
    name: str
    value: float | None
    label: str | None


class FeedbackSummary(Struct):
    kind: str
    value: str | None


class TraceSummary(Columns, kw_only=True):
    """Of input and output the beginnings; of feedback what counts now."""

    span_count: int
    error_count: int
    scores: list[ScoreSummary]
    feedback: list[FeedbackSummary]


class TraceList(Struct):
    """`next` is the cursor of the following page, null on the last."""

    traces: list[TraceSummary]
    next: str | None
