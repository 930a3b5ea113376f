"""Turns what either wire form carries into a batch, refusing single records and never a whole request."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ingest import limits, sanitising
from ingest.json_objects import Json
from ingest.models import Status
from ingest.otlp.evaluations import EVALUATION_EVENT, score_of_event
from ingest.problems import Problem
from ingest.records import (
    Batch,
    LogEntry,
    ScoreRecord,
    SpanHead,
    SpanRow,
    canonical_json,
    content_hash,
    span_row,
)
from ingest.redaction.masking import Redactor

STATUS_OF_CODE = {1: Status.OK.value, 2: Status.ERROR.value}
UNSET = Status.UNSET.value
NO_SCORE = "an evaluation result needs a name and a score value, a label or an error type"


class WireEvent(NamedTuple):
    name: str
    time_ns: int
    attributes: Json


class WireSpan(NamedTuple):
    """A span as either form carries it: ids in lower-case hexadecimal, times in ns, 0 for absent."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start_ns: int
    end_ns: int
    status_code: int
    status_message: str
    scope: str
    attributes: Json
    events: list[WireEvent]


class WireLog(NamedTuple):
    trace_id: str
    span_id: str
    name: str
    time_ns: int
    attributes: Json
    body: Any


def _is_id(value: str, length: int) -> bool:
    return len(value) == length and value.strip("0") != ""


class Decoder:
    """Collects the records of one request; `rejected` and `reason` become the partial success.

    What the redactor knows is masked before anything is hashed, so that no hash tells of it either.
    """

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.masked: Counter[str] = Counter()
        self.spans: list[SpanRow] = []
        self.logs: list[LogEntry] = []
        self.scores: list[ScoreRecord] = []
        self.rejected = 0
        self.reason = ""
        # Filled by the walkers with what they had to change in the record that is handed in next.
        self.flags: set[str] = set()
        self._flags_of_trace: dict[str, frozenset[str]] = {}
        self._resource = b"{}"

    def expect(self, records: int) -> None:
        if records > limits.SPANS:
            raise Problem(
                413, f"The request has {records} records, at most {limits.SPANS} are taken at once."
            )

    def enter_resource(self, attributes: Json) -> None:
        self._resource = canonical_json(self.redactor.attributes(attributes, self.masked))

    def add_span(self, span: WireSpan) -> None:
        flags = self.flags
        start_ns = sanitising.nanoseconds(span.start_ns, flags)
        if not _is_id(span.trace_id, 32) or not _is_id(span.span_id, 16):
            self._reject("a span needs a trace id of 16 bytes and a span id of 8, neither all zero")
            return
        if start_ns is None:
            self._reject(f"span {span.span_id} needs a start time between 1990 and 2200")
            return
        head = SpanHead(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_id=span.parent_id if _is_id(span.parent_id, 16) else "",
            name=sanitising.text(span.name, flags, limits.NAME_CHARACTERS),
            kind=span.kind if 0 <= span.kind <= 5 else 0,
            start_ns=start_ns,
            end_ns=sanitising.nanoseconds(span.end_ns, flags),
            status=STATUS_OF_CODE.get(span.status_code, UNSET),
            error=sanitising.text(span.status_message, flags) if span.status_message else "",
            scope=sanitising.text(span.scope, flags, limits.NAME_CHARACTERS),
        )
        events = [self._event(span, event) for event in span.events] if span.events else []
        row = span_row(head, span.attributes, events, self._resource)
        self.spans.append(self.redactor.row(row, self.masked))
        if flags:
            self._note_flags(span.trace_id)

    def _event(self, span: WireSpan, event: WireEvent) -> Json:
        time_ns = sanitising.nanoseconds(event.time_ns, self.flags) or span.start_ns
        if event.name == EVALUATION_EVENT:
            # It becomes a score too, with a hash of its own.
            event = event._replace(attributes=self.redactor.attributes(event.attributes, self.masked))
        if event.name == EVALUATION_EVENT and not self._add_score(
            event.name, event.attributes, span.trace_id, span.span_id, time_ns
        ):
            # The span itself is kept, so it is not among the rejected.
            self.reason = self.reason or NO_SCORE
        return {
            "name": sanitising.text(event.name, self.flags, limits.NAME_CHARACTERS),
            "time": moment(time_ns).isoformat(),
            "attributes": event.attributes,
        }

    def add_log(self, log: WireLog) -> None:
        """Keep an evaluation as a score, and an event of a trace as a log entry; other logs are dropped."""
        flags = self.flags
        name = log.name or str(log.attributes.get("event.name", ""))
        time_ns = sanitising.nanoseconds(log.time_ns, flags)
        if not name:
            flags.clear()
            return
        if time_ns is None:
            self._reject(f"log event {name[:100]!r} needs a time between 1990 and 2200")
            return
        log = self._masked_log(log, name)
        name = log.name
        trace_id = log.trace_id if _is_id(log.trace_id, 32) else ""
        span_id = log.span_id if _is_id(log.span_id, 16) else ""
        if name == EVALUATION_EVENT:
            if not self._add_score(name, log.attributes, trace_id, span_id, time_ns):
                self._reject(NO_SCORE)
                return
        elif trace_id:
            name = sanitising.text(name, flags, limits.NAME_CHARACTERS)
            occurred_at = moment(time_ns)
            body = sanitising.bounded(log.body, flags)
            digest = content_hash(span_id, name, time_ns, log.attributes, body)
            self.logs.append(LogEntry(trace_id, span_id, name, occurred_at, log.attributes, body, digest))
        if flags:
            self._note_flags(trace_id)

    def _masked_log(self, log: WireLog, name: str) -> WireLog:
        whole = {"name": name, "attributes": log.attributes, "body": log.body}
        return log._replace(**self.redactor.attributes(whole, self.masked))

    def _add_score(self, name: str, attributes: Json, trace_id: str, span_id: str, time_ns: int) -> bool:
        score = score_of_event(
            name, attributes, trace_id=trace_id, span_id=span_id, occurred_at=moment(time_ns)
        )
        if score is not None:
            self.scores.append(score)
        return score is not None

    def _reject(self, reason: str) -> None:
        self.rejected += 1
        self.reason = self.reason or reason
        self.flags.clear()

    def _note_flags(self, trace_id: str) -> None:
        self._flags_of_trace[trace_id] = self._flags_of_trace.get(trace_id, frozenset()) | self.flags
        self.flags.clear()

    def batch(self) -> Batch:
        return Batch(
            spans=self.spans,
            logs=self.logs,
            scores=self.scores,
            flags=self._flags_of_trace,
            masked=self.masked,
        )


def moment(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // 1000 / 1e6, UTC)
