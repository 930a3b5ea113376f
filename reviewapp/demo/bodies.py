"""How do a turn's facts look on the wire? As OTLP spans in two dialects, as a native body, as log events.

Pure. Span ids follow from the trace id, so that a turn sent again is the same turn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from reviewapp.demo import genai, openinference
from reviewapp.demo.reactions import Score, Signal
from reviewapp.demo.steps import Attributes, Step, retrieved_documents, tree
from reviewapp.demo.turns import NATIVE, OPENINFERENCE, Turn

INTERNAL, SERVER, CLIENT = (
    ProtoSpan.SPAN_KIND_INTERNAL,
    ProtoSpan.SPAN_KIND_SERVER,
    ProtoSpan.SPAN_KIND_CLIENT,
)
SCOPES = {OPENINFERENCE: "openinference.instrumentation.langchain"}


def nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1000


def span_id(trace_id: str, place: int) -> bytes:
    return hashlib.sha256(f"{trace_id}/{place}".encode()).digest()[:8]


def any_value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list | tuple):
        message = AnyValue()
        message.array_value.values.extend(any_value(each) for each in value)
        return message
    return AnyValue(string_value=str(value))


def key_values(attributes: Attributes) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def trace_request(turns: Iterable[Turn]) -> bytes:
    """One export request, as the batch processor of one service would send it."""
    request = ExportTraceServiceRequest()
    for turn in turns:
        resource = request.resource_spans.add()
        resource.resource.attributes.extend(key_values(resource_attributes(turn)))
        scope = resource.scope_spans.add()
        scope.scope.name = SCOPES.get(turn.channel, "opentelemetry.instrumentation.genai.openai")
        dialect = openinference if turn.channel == OPENINFERENCE else genai
        scope.spans.extend(proto_spans(turn, tree(turn, dialect)))
    return request.SerializeToString()


def resource_attributes(turn: Turn) -> Attributes:
    return {
        "service.name": "larkfield-support",
        "service.version": "2.14.0" if turn.prompt_version == "v6" else "2.15.1",
        "deployment.environment.name": turn.environment,
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.45.2",
    }


def proto_spans(turn: Turn, root: Step) -> list[ProtoSpan]:
    begin = nanoseconds(turn.started_at)
    trace_id = bytes.fromhex(turn.trace_id)
    spans: list[ProtoSpan] = []

    def add(step: Step, parent: bytes) -> None:
        own_id = span_id(turn.trace_id, len(spans))
        span = ProtoSpan(
            trace_id=trace_id,
            span_id=own_id,
            parent_span_id=parent,
            name=step.name,
            kind=step.kind,
            start_time_unix_nano=begin + int(step.start_ms * 1e6),
            end_time_unix_nano=begin + int(step.end_ms * 1e6),
            attributes=key_values(step.attributes),
        )
        if step.error:
            span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=step.error))
        for name, attributes in step.events:
            event = span.events.add(name=name, time_unix_nano=span.end_time_unix_nano)
            event.attributes.extend(key_values(attributes))
        spans.append(span)
        for child in step.children:
            add(child, own_id)

    add(root, b"")
    return spans


def native_trace(turn: Turn) -> Attributes:
    said = (*turn.history, ("user", turn.question))
    body: Attributes = {
        "id": turn.trace_id,
        "name": "support-widget",
        "started_at": turn.started_at.isoformat(),
        "ended_at": turn.ended_at.isoformat(),
        "input": {"messages": [{"role": role, "content": text} for role, text in said]},
        "output": turn.answer,
        "context": [
            {"id": key, "title": title, "text": text, "score": score}
            for key, title, text, score in retrieved_documents(turn)
        ],
        "model": turn.model.snapshot,
        "provider": turn.model.provider,
        "prompt_name": "support-answer",
        "prompt_version": turn.prompt_version,
        "route": turn.route,
        "environment": turn.environment,
        "session_id": turn.session_id,
        "user_id": turn.user_id,
        "tokens": {"input": turn.input_tokens, "output": turn.output_tokens},
        "cost_usd": turn.cost_usd,
        "latency_ms": turn.latency_ms,
        "status": "error" if turn.error else "ok",
        "tags": {"language": turn.language, "channel": "app"},
    }
    if turn.error:
        body["error"] = f"{turn.error_type}: {turn.error}"
    return body


def native_score(score: Score) -> Attributes:
    body = {
        "id": score.key,
        "target": {"trace_id": score.trace_id},
        "name": score.name,
        "value": score.value,
        "label": score.label,
        "confidence": score.confidence,
        "explanation": score.explanation,
        "source": score.source,
        "evaluator": score.evaluator,
        "error_type": score.error_type,
        "timestamp": score.timestamp.isoformat(),
    }
    return {key: value for key, value in body.items() if value not in (None, "")}


def native_feedback(signal: Signal) -> Attributes:
    body = {
        "id": signal.key,
        "target": {"trace_id": signal.trace_id},
        "kind": signal.kind,
        "value": signal.value,
        "comment": signal.comment,
        "user": signal.user,
        "occurred_at": signal.occurred_at.isoformat(),
        "payload": signal.payload,
    }
    return {key: value for key, value in body.items() if value not in ("", {})}


def can_be_event(score: Score, turn: Turn) -> bool:
    """A log event names its trace by 16 bytes, so it cannot speak of a trace with an id of another form."""
    return score.as_event and turn.channel != NATIVE


def evaluation_request(events: Iterable[Score]) -> bytes:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.extend(key_values({"service.name": "larkfield-judge"}))
    scope = resource.scope_logs.add()
    scope.scope.name = "larkfield.judge"
    scope.log_records.extend(map(evaluation_record, events))
    return request.SerializeToString()


def evaluation_record(score: Score) -> LogRecord:
    at = nanoseconds(score.timestamp)
    attributes: Iterator[tuple[str, Any]] = iter(
        [
            ("gen_ai.evaluation.name", score.name),
            ("gen_ai.evaluation.score.value", score.value),
            ("gen_ai.evaluation.score.label", score.label),
            ("gen_ai.evaluation.explanation", score.explanation),
            ("gen_ai.evaluation.evaluator", score.evaluator["name"]),
            ("error.type", score.error_type),
        ]
    )
    return LogRecord(
        time_unix_nano=at,
        observed_time_unix_nano=at,
        trace_id=bytes.fromhex(score.trace_id),
        event_name="gen_ai.evaluation.result",
        attributes=key_values({key: value for key, value in attributes if value not in (None, "")}),
    )
