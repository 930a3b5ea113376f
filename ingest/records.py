"""What has been understood of a request, before it becomes rows: the words intake and the dialects share.

All text in these records is already sanitised (no NUL, no lone surrogate, attributes within limits) and
every `sha256` is over the record's canonical content, so that two deliveries of one thing are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

JsonDict = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SpanRecord:
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    started_at: datetime
    ended_at: datetime | None
    status: str  # models.Status
    error: str
    scope: str
    response_id: str
    attributes: JsonDict
    events: list[JsonDict]  # {"name", "time" (ISO 8601), "attributes"}
    resource: JsonDict
    sha256: bytes


@dataclass(frozen=True, slots=True)
class LogEntry:
    trace_id: str
    span_id: str
    name: str
    occurred_at: datetime
    attributes: JsonDict
    body: Any
    sha256: bytes


@dataclass(frozen=True, slots=True)
class TraceBody:
    """A body posted to the native API; `body` holds the contract's fields, without spans, scores, feedback."""

    trace_id: str
    started_at: datetime
    ended_at: datetime | None
    occurred_at: datetime
    body: JsonDict
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """What a score or feedback speaks of. `kind` is a models.TargetKind; `span_id` narrows a trace."""

    kind: str
    key: str
    span_id: str = ""


@dataclass(frozen=True, slots=True)
class ScoreRecord:
    key: str
    target: Target
    name: str
    value: float | None
    label: str
    confidence: float | None
    explanation: str
    source: str  # models.Source
    evaluator: JsonDict
    error_type: str
    timestamp: datetime
    metadata: JsonDict
    sha256: bytes


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    key: str
    target: Target
    kind: str  # models.FeedbackKind
    dimension: str
    value: str
    number: float | None
    comment: str
    user: str
    session: str
    occurred_at: datetime
    payload: JsonDict
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything one request brought; stored whole or not at all."""

    spans: Sequence[SpanRecord] = ()
    logs: Sequence[LogEntry] = ()
    bodies: Sequence[TraceBody] = ()
    scores: Sequence[ScoreRecord] = ()
    feedback: Sequence[FeedbackRecord] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """Which statements wait for their target, by position in the batch."""

    pending_scores: frozenset[int] = field(default_factory=frozenset)
    pending_feedback: frozenset[int] = field(default_factory=frozenset)
