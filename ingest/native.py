"""Turns the bodies of the native JSON API into records, item by item: a bad one does not spoil the rest.

Keys and hashes are made from an item's own content, so that the same item sent again is the same record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct

from ingest import native_spans, sanitising, shapes, times
from ingest.documents import Documents, Malformed
from ingest.feedback import UNDATED
from ingest.json_objects import Json
from ingest.models import Project, TargetKind, Trace
from ingest.records import (
    Batch,
    FeedbackRecord,
    ScoreRecord,
    SpanRow,
    Target,
    TraceBody,
    content_hash,
)
from ingest.redaction.masking import Redactor
from ingest.shapes import Invalid
from ingest.statements import feedback_of, score_of, target_of

R = TypeVar("R")
PARTS = ("spans", "scores", "feedback")


@dataclass(slots=True)
class Taken:
    """What a request's items have become: parts of one batch, the names they got, and the refused ones."""

    spans: list[SpanRow] = field(default_factory=list)
    bodies: list[TraceBody] = field(default_factory=list)
    scores: list[ScoreRecord] = field(default_factory=list)
    feedback: list[FeedbackRecord] = field(default_factory=list)
    flags: dict[str, frozenset[str]] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    # Where in the request each accepted item stood.
    positions: list[int] = field(default_factory=list)
    refused: list[tuple[int, Invalid]] = field(default_factory=list)
    masked: Counter[str] = field(default_factory=Counter)
    # Where in the request the item stands that is being taken, and what may not have been meant so.
    at: int = 0
    warnings: list[tuple[int, str]] = field(default_factory=list)

    def add(self, part: Taken) -> None:
        """Take over another's records; its positions mean nothing here."""
        self.spans += part.spans
        self.bodies += part.bodies
        self.scores += part.scores
        self.feedback += part.feedback
        self.ids += part.ids
        self.masked += part.masked
        for trace_id, flags in part.flags.items():
            self.flags[trace_id] = self.flags.get(trace_id, frozenset()) | flags

    def batch(self) -> Batch:
        return Batch(
            spans=self.spans,
            bodies=self.bodies,
            scores=self.scores,
            feedback=self.feedback,
            flags=self.flags,
            masked=self.masked,
        )


# Reads one item, adds what it became, and returns the id it has got.
Take = Callable[[Any, Taken, set[str]], str]


def take_traces(documents: Documents, received_ns: int, redactor: Redactor) -> Taken:
    """`received_ns` stands in for the start of a trace that gives no time, in its row only."""
    return _take(documents, partial(take_trace, received_ns=received_ns), redactor)


def take_scores(documents: Documents, redactor: Redactor) -> Taken:
    return _take(documents, take_score, redactor)


def take_feedback(documents: Documents, redactor: Redactor) -> Taken:
    return _take(documents, take_statement, redactor)


def _take(documents: Documents, take: Take, redactor: Redactor) -> Taken:
    """Whatever the redactor knows is masked before an item is read: no record, key or hash is made of it."""
    taken = Taken()
    for index, item in enumerate(documents.items):
        taken.at = index
        try:
            take_one(taken, item, take, redactor)
            taken.positions.append(index)
        except Invalid as invalid:
            taken.refused.append((index, invalid))
    return taken


def take_one(taken: Taken, item: Any, take: Take, redactor: Redactor) -> None:
    """Add what one item becomes. Raises Invalid, with nothing of it taken."""
    flags: set[str] = set()
    masked: Counter[str] = Counter()
    if isinstance(item, Malformed):
        raise Invalid("", f"the line is not JSON: {item}")
    fit = redactor.item(sanitising.json_value(item, flags), masked)
    taken.ids.append(take(fit, taken, flags))
    taken.masked += masked


def _unknown_fields(item: Json) -> Iterator[str]:
    """Fields of a trace and its spans that have no meaning here, perhaps since they are misspelt."""
    kept, among = "is stored with the trace, but nothing here reads it", "is kept among the span's attributes"
    yield from _unknown(item, shapes.TraceShape, "", kept)
    for index, span in enumerate(item.get("spans") or ()):
        yield from _unknown(span, shapes.SpanBody, f"spans[{index}].", among)


def _unknown(item: Json, shape: type[Struct], path: str, fate: str) -> Iterator[str]:
    for name in sorted(item.keys() - set(shape.__struct_fields__)):
        near = get_close_matches(name, shape.__struct_fields__, 1)
        yield f"{path}{name}: {fate}" + (f"; did you mean {near[0]}?" if near else "")


def take_score(item: Any, taken: Taken, flags: set[str]) -> str:
    shape = shapes.checked(item, shapes.ScoreBody)
    score = score_of(shape, item, target_of(shape.target))
    taken.scores.append(score)
    return score.key


def take_statement(item: Any, taken: Taken, flags: set[str]) -> str:
    shape = shapes.checked(item, shapes.FeedbackBody)
    statement = feedback_of(shape, item, target_of(shape.target))
    if shape.signature:
        statement = replace(statement, signature=shape.signature)
    taken.feedback.append(statement)
    return statement.key


def take_trace(item: Any, taken: Taken, flags: set[str], received_ns: int) -> str:
    """The whole item is read before anything of it is taken."""
    shape = shapes.checked(item, shapes.TraceShape)
    if shape == shapes.TraceShape():
        raise Invalid("", "has none of the fields of a trace")
    body = trace_of(shape, item, received_ns)
    start = shapes.time_ns("started_at", shape.started_at)
    spans = _each(
        item, "spans", shape.spans, partial(native_spans.row_of, trace_id=body.trace_id, trace_start=start)
    )
    scores = _each(item, "scores", shape.scores, _within(body.trace_id, score_of))
    feedback = _each(item, "feedback", shape.feedback, _within(body.trace_id, feedback_of))
    if body.body or not spans:
        taken.bodies.append(body)
    taken.warnings += [(taken.at, warning) for warning in _unknown_fields(item)]
    taken.spans += spans
    taken.scores += scores
    taken.feedback += feedback
    if flags:
        taken.flags[body.trace_id] = taken.flags.get(body.trace_id, frozenset()) | flags
    return body.trace_id


def trace_of(shape: shapes.TraceShape, item: Json, received_ns: int) -> TraceBody:
    start = shapes.time_ns("started_at", shape.started_at)
    end = shapes.time_ns("ended_at", shape.ended_at)
    body = {key: value for key, value in item.items() if value is not None and key not in ("id", *PARTS)}
    body |= {name: times.iso(ns) for name, ns in (("started_at", start), ("ended_at", end)) if ns}
    digest = content_hash(body)
    decided_at = end or start
    return TraceBody(
        trace_id=shapes.identifier("id", shape.id or digest.hex()),
        started_at=times.moment(start or end or received_ns),
        ended_at=times.moment(end) if end else None,
        occurred_at=times.moment(decided_at) if decided_at else UNDATED,
        body=body,
        sha256=digest,
    )


def _within(trace_id: str, read: Callable[..., R]) -> Callable[[Any, Json], R]:
    """Read a statement nested in a trace: it speaks of that trace, or of a span in it."""

    def read_nested(shape: shapes.NestedScore | shapes.NestedFeedback, item: Json) -> R:
        target = target_of(shape.target) if shape.target else Target(TargetKind.TRACE.value, trace_id)
        if target.kind == TargetKind.SPAN:
            target = Target(TargetKind.TRACE.value, trace_id, target.key)
        if target.kind == TargetKind.TRACE and target.key != trace_id:
            raise Invalid("target.trace_id", "must be the trace around it")
        result: R = read(shape, item, target)
        return result

    return read_nested


def _each(item: Json, part: str, shaped: Sequence[Any] | None, read: Callable[..., R]) -> list[R]:
    rows = []
    for index, shape in enumerate(shaped or ()):
        try:
            rows.append(read(shape, item[part][index]))
        except Invalid as invalid:
            raise Invalid(f"{part}[{index}].{invalid.field}".rstrip("."), invalid.reason) from None
    return rows


def refuse_unknown_traces(taken: Taken, project: Project) -> None:
    """Keep only feedback on traces that exist: what a token of browsers may send, so that nobody can fill
    the store with statements about nothing."""
    named = {
        statement.target.key for statement in taken.feedback if statement.target.kind == TargetKind.TRACE
    }
    known = set(Trace.objects.filter(project=project, trace_id__in=named).values_list("trace_id", flat=True))

    def on_known(statement: FeedbackRecord) -> FeedbackRecord:
        if statement.target.kind != TargetKind.TRACE or statement.target.key not in known:
            raise Invalid("target", "is not a trace of this project")
        return statement

    keep_feedback(taken, on_known)


def keep_feedback(taken: Taken, kept: Callable[[FeedbackRecord], FeedbackRecord]) -> None:
    """Keep each statement as `kept` gives it back; where it raises Invalid, refuse it."""
    accepted = list(zip(taken.positions, taken.feedback, strict=True))
    taken.feedback, taken.positions = [], []
    for position, statement in accepted:
        try:
            taken.feedback.append(kept(statement))
            taken.positions.append(position)
        except Invalid as invalid:
            taken.refused.append((position, invalid))
    taken.refused.sort(key=lambda refused: refused[0])
    taken.ids = [statement.key for statement in taken.feedback]
