"""What does the API return for a trace, alone and in a list? Composed from rows and a reading."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Left

from ingest import feedback as statements
from ingest import filters, readings, withholding
from ingest.feedback import UNDATED
from ingest.filters import Order
from ingest.json_objects import Json
from ingest.models import AuditDraw, Feedback, Project, Score, Superseded, SupersededKind, Trace
from ingest.native_spans import KINDS
from ingest.reading import Call, Message
from ingest.records import SpanRecord
from ingest.routing.models import Route

HEXADECIMAL = re.compile("[0-9a-fA-F]{32}")
# How much of input and output a list shows.
EXCERPT = 300
# Columns of a trace that are told as they are; an empty text is told as null.
TOLD = (
    "name",
    "model",
    "provider",
    "prompt_name",
    "prompt_version",
    "route",
    "environment",
    "session_id",
    "user_id",
    "cost_usd",
    "latency_ms",
    "status",
    "error",
)


def find(project: Project, trace_id: str) -> Trace | None:
    """The project's trace with its columns up to date.

    An id of OpenTelemetry is found in capitals too: OTLP/JSON may use them, and it is kept in lower case.
    """
    named = Q(trace_id=trace_id)
    if HEXADECIMAL.fullmatch(trace_id):
        named |= Q(trace_id=trace_id.lower())
    found = Trace.objects.defer("search").filter(named, project=project)
    trace = min(found, key=lambda each: each.trace_id != trace_id, default=None)
    if trace is not None:
        readings.refresh([trace])
    return trace


def detail(trace: Trace) -> Json:
    """Everything known of a trace, in the contract's shape."""
    rows = readings.load(trace)
    reading = readings.read_trace(trace, rows)
    routes = list(Route.objects.standing().filter(trace=trace).order_by("queue"))
    told = _columns(trace, trace.input, trace.output)
    return told | {
        "messages": [_message(message) for message in reading.conversation],
        "context": [
            {"id": document.id, "text": document.text, "score": document.score}
            for document in reading.documents
        ],
        "audit": _audit(AuditDraw.objects.filter(trace=trace).first()),
        "tags": trace.tags,
        "flags": sorted({*trace.flags, *reading.flags}),
        "calls": [_call(call) for call in reading.calls],
        "spans": [
            _span(span) for span in sorted(rows.spans, key=lambda span: (span.started_at, span.span_id))
        ],
        "scores": _scores(trace),
        "feedback": _feedback(trace),
        "reasons": [
            {"queue": route.queue, "code": reason["code"], "detail": reason["detail"]}
            for route in routes
            for reason in route.reasons
        ],
        "priority": max((route.priority for route in routes), default=None),
    }


def listing(
    project: Project,
    condition: Q,
    *,
    order: Order,
    cursor: str,
    limit: int,
    withheld: Callable[[Sequence[Trace]], frozenset[int]] = lambda traces: frozenset(),
    by_signals: bool = False,
) -> Json:
    """A page of summaries. Raises filters.Refused for a cursor of another list.

    Of the traces that are `withheld` from the reader only what they are is told; a list chosen by scores
    and the like (`by_signals`) does not name them.
    """
    if condition:
        # A filter asks columns, so what has just arrived is read before.
        readings.refresh_project(project.pk)
    page = filters.page(
        _light(Trace.objects.filter(condition)), project, order=order, cursor=cursor, limit=limit
    )
    readings.refresh(page.traces)
    hidden = withheld(page.traces)
    shown = [trace for trace in page.traces if not (by_signals and trace.pk in hidden)]
    told = [
        withholding.blank(summary) if trace.pk in hidden else summary
        for trace, summary in zip(shown, _summaries(shown), strict=True)
    ]
    return {"traces": told, "next": page.next or None}


def _light(traces: QuerySet[Trace]) -> QuerySet[Trace]:
    """Without the long texts but their beginnings."""
    beginnings = {"input_start": Left("input", EXCERPT), "output_start": Left("output", EXCERPT)}
    return traces.defer("input", "output", "search", "tags").select_related("draw").annotate(**beginnings)


def _summaries(traces: Sequence[Trace]) -> list[Json]:
    scores, said = defaultdict(list), defaultdict(list)
    for score in Score.objects.filter(trace__in=traces).order_by("name", "key"):
        scores[score.trace_id].append(
            {"name": score.name, "value": score.value, "label": score.label or None}
        )
    for statement in statements.counting().filter(trace__in=traces).order_by("occurred_at", "key"):
        said[statement.trace_id].append({"kind": statement.kind, "value": statement.value or None})
    return [_summary(trace) | {"scores": scores[trace.pk], "feedback": said[trace.pk]} for trace in traces]


def _summary(trace: Trace) -> Json:
    told = _columns(trace, _beginning(trace, "input"), _beginning(trace, "output"))
    counts = {"span_count": trace.span_count, "error_count": trace.error_count}
    return told | {"audit": _audit(getattr(trace, "draw", None))} | counts


def _beginning(trace: Trace, column: str) -> str:
    """From the column itself where a refresh has just written it, else as the database cut it."""
    text: str = trace.__dict__.get(column, getattr(trace, f"{column}_start"))
    return text[:EXCERPT]


def _columns(trace: Trace, given: str, answered: str) -> Json:
    return {
        "trace_id": trace.trace_id,
        "started_at": trace.started_at,
        "ended_at": trace.ended_at,
        "input": given,
        "output": answered,
        **{column: _told(getattr(trace, column)) for column in TOLD},
        "tokens": {"input": trace.input_tokens, "output": trace.output_tokens},
    }


def _told(value: Any) -> Any:
    return None if value == "" else value


def _audit(draw: AuditDraw | None) -> Json:
    """Null until the trace has settled."""
    return {"drawn": draw.drawn, "pi": draw.audit} if draw else {"drawn": None, "pi": None}


def _call(call: Call) -> Json:
    return {
        "span_id": call.span_id,
        "name": call.name,
        "op": call.op,
        "provider": _told(call.provider),
        "model": _told(call.model),
        "response_model": _told(call.response_model),
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "finish": list(call.finish),
        "system": _told(call.system),
        "input": [_message(message) for message in call.input],
        "output": [_message(message) for message in call.output],
        "response_id": _told(call.response_id),
        "error": _told(call.error),
    }


def _message(message: Message) -> Json:
    tool_calls = [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls]
    told: Json = {"role": message.role, "text": message.text, "tool_calls": tool_calls}
    return told | {"other": list(message.other)} if message.other else told


def _span(span: SpanRecord) -> Json:
    return {
        "span_id": span.span_id,
        "parent_id": _told(span.parent_id),
        "name": span.name,
        "kind": KINDS[span.kind] if 0 <= span.kind < len(KINDS) else KINDS[0],
        "started_at": span.started_at,
        "ended_at": span.ended_at,
        "status": span.status,
        "error": _told(span.error),
        "scope": span.scope,
        "attributes": span.attributes,
        "events": span.events,
        "resource": span.resource,
    }


def _scores(trace: Trace) -> list[Json]:
    scores = Score.objects.filter(trace=trace).order_by("timestamp", "key")
    revisions = _superseded(trace, SupersededKind.SCORE, [score.key for score in scores])
    return [
        {
            "id": score.key,
            "span_id": _told(score.span_id),
            "name": score.name,
            "value": score.value,
            "label": _told(score.label),
            "confidence": score.confidence,
            "explanation": _told(score.explanation),
            "source": score.source,
            "evaluator": score.evaluator,
            "error_type": _told(score.error_type),
            "timestamp": _dated(score.timestamp),
            "received_at": score.received_at,
            "metadata": score.metadata,
            "revisions": revisions[score.key],
        }
        for score in scores
    ]


def _feedback(trace: Trace) -> list[Json]:
    """The history in order of time; `effective` marks what counts now."""
    history = sorted(Feedback.objects.filter(trace=trace), key=lambda row: (statements.time_of(row), row.key))
    revisions = _superseded(trace, SupersededKind.FEEDBACK, [row.key for row in history])
    counting = statements.counting_keys(history)
    return [
        {
            "id": row.key,
            "span_id": _told(row.span_id),
            "kind": row.kind,
            "dimension": _told(row.dimension),
            "value": _told(row.value),
            "number": row.number,
            "comment": _told(row.comment),
            "user": _told(row.user),
            "session": _told(row.session),
            "occurred_at": _dated(row.occurred_at),
            "received_at": row.received_at,
            "payload": row.payload,
            "signed": row.signed,
            "effective": row.key in counting,
            "revisions": revisions[row.key],
        }
        for row in history
    ]


def _superseded(trace: Trace, kind: SupersededKind, keys: Iterable[str]) -> dict[str, list[Json]]:
    """Bodies that lost to the current one of their key; some did before their trace came."""
    lost = Superseded.objects.filter(
        Q(trace=trace) | Q(trace=None), project=trace.project_id, kind=kind, key__in=keys
    )
    found: dict[str, dict[bytes, Json]] = defaultdict(dict)
    for row in lost.order_by("sha256"):
        found[row.key][bytes(row.sha256)] = _revision(row.body)
    return defaultdict(list, {key: list(bodies.values()) for key, bodies in found.items()})


def _revision(body: Json) -> Json:
    hidden = ("id", "project_id", "trace_id", "key", "sha256", "target_kind", "target_key", "received_at")
    return {name: value for name, value in body.items() if name not in hidden}


def _dated(time: datetime) -> datetime | None:
    return None if time == UNDATED else time
