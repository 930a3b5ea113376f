"""A request's content before it becomes rows: the records that intake and the dialects share.

All text in these records is already sanitised (no NUL, no lone surrogate, attributes within limits) and
every `sha256` is over the record's canonical content, so that two deliveries of one thing are equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from ingest.json_objects import Json

# Scores whose keys begin so are the project's own checks; nothing that is posted may take such a key.
CHECK_KEYS = "touchstone:check:"

_canonical = msgspec.json.Encoder(order="sorted")


def canonical_json(value: Any) -> bytes:
    """One spelling of a JSON value: keys sorted, no spaces. Equal values give equal bytes."""
    return _canonical.encode(value)


def content_hash(*parts: Any) -> bytes:
    """SHA-256 (32 bytes) over the canonical JSON of the parts."""
    return hashlib.sha256(_canonical.encode(parts)).digest()


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """A stored span as the dialects read it."""

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
    attributes: Json
    events: list[Json]  # {"name", "time" (ISO 8601), "attributes"}
    resource: Json
    sha256: bytes


class SpanHead(NamedTuple):
    """What a span says in columns of their own; times in ns since 1970."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start_ns: int
    end_ns: int | None
    status: str
    error: str
    scope: str


class SpanRow(NamedTuple):
    """A span on its way into the table: the fields of its SpanHead, then JSON columns already encoded.

    A tuple, since thousands a second are made; made by `span_row`, read back as `SpanRecord`.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start_ns: int
    end_ns: int | None
    status: str
    error: str
    scope: str
    response_id: str
    attributes: str
    events: str
    resource: str
    sha256: bytes


# Where the dialects keep the id that a provider gave its response.
RESPONSE_ID_ATTRIBUTES = ("gen_ai.response.id", "ai.response.id", "llm.response.id")
RESPONSE_ID_CHARACTERS = 300


def span_row(head: SpanHead, attributes: Json, events: list[Json], resource_json: bytes) -> SpanRow:
    """Encode a sanitised span; `resource_json` is the canonical JSON of its resource's attributes."""
    attributes_json = _canonical.encode(attributes)
    events_json = _canonical.encode(events) if events else b"[]"
    return SpanRow(
        *head,
        _response_id(attributes),
        attributes_json.decode(),
        events_json.decode(),
        resource_json.decode(),
        _hash_of_span(head[1:], attributes_json, events_json, resource_json),
    )


def _response_id(attributes: Json) -> str:
    for key in RESPONSE_ID_ATTRIBUTES:
        if key in attributes:
            return str(attributes[key])[:RESPONSE_ID_CHARACTERS]
    return ""


def _hash_of_span(said: tuple[Any, ...], *encoded: bytes) -> bytes:
    digest = hashlib.sha256(_canonical.encode(said))
    for part in encoded:
        digest.update(part)
    return digest.digest()


def hash_of_span(row: SpanRow) -> bytes:
    """The hash of a row whose texts have been replaced, as `span_row` would have made it."""
    return _hash_of_span(row[1:10], row.attributes.encode(), row.events.encode(), row.resource.encode())


@dataclass(frozen=True, slots=True)
class LogEntry:
    trace_id: str
    span_id: str
    name: str
    occurred_at: datetime
    attributes: Json
    body: Any
    sha256: bytes


@dataclass(frozen=True, slots=True)
class TraceBody:
    """A body posted to the native API: the contract's fields without spans, scores and feedback."""

    trace_id: str
    started_at: datetime
    ended_at: datetime | None
    occurred_at: datetime
    body: Json
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
    evaluator: Json
    error_type: str
    timestamp: datetime
    metadata: Json
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
    payload: Json
    sha256: bytes
    # From a browser: whether a signed link vouches for it. None: from the application itself.
    signed: bool | None = None
    # As it was sent; never stored.
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything one request brought; stored whole or not at all."""

    spans: Sequence[SpanRow] = ()
    logs: Sequence[LogEntry] = ()
    bodies: Sequence[TraceBody] = ()
    scores: Sequence[ScoreRecord] = ()
    feedback: Sequence[FeedbackRecord] = ()
    # trace id -> what had to be done to its content: "cut", "sanitised".
    flags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # Kind -> how many values were masked in what the batch holds.
    masked: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """Which statements wait for their target, by position in the batch."""

    pending_scores: frozenset[int] = field(default_factory=frozenset)
    pending_feedback: frozenset[int] = field(default_factory=frozenset)
