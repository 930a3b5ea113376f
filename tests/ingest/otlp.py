"""Builds OTLP requests for tests, in their binary and in their JSON form."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

START = 1_790_000_000_000_000_000  # ns, September 2026
SECOND = 10**9


@dataclass
class Span:
    trace_id: str = "aa" * 16
    span_id: str = "11" * 8
    parent_id: str = ""
    name: str = "chat"
    kind: int = 3
    start_ns: int = START
    end_ns: int = START + SECOND
    status: int = 0
    message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[tuple[str, int, Mapping[str, Any]]] = ()


@dataclass
class Log:
    trace_id: str = "aa" * 16
    span_id: str = "11" * 8
    name: str = "gen_ai.user.message"
    time_ns: int = START
    attributes: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None


def set_value(target: AnyValue, value: Any) -> None:
    match value:
        case bool():
            target.bool_value = value
        case int():
            target.int_value = value
        case float():
            target.double_value = value
        case str():
            target.string_value = value
        case bytes():
            target.bytes_value = value
        case dict():
            target.kvlist_value.SetInParent()
            set_pairs(target.kvlist_value.values, value)
        case list() | tuple():
            target.array_value.SetInParent()
            for item in value:
                set_value(target.array_value.values.add(), item)


def set_pairs(pairs: Any, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        pair = pairs.add()
        pair.key = key
        set_value(pair.value, value)


def traces_message(
    spans: Sequence[Span], resource: Mapping[str, Any] | None = None
) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    set_pairs(group.resource.attributes, resource or {"service.name": "shop"})
    scope = group.scope_spans.add()
    scope.scope.name = "test"
    for span in spans:
        message = scope.spans.add()
        message.trace_id = bytes.fromhex(span.trace_id)
        message.span_id = bytes.fromhex(span.span_id)
        message.parent_span_id = bytes.fromhex(span.parent_id)
        message.name = span.name
        message.kind = span.kind
        message.start_time_unix_nano = span.start_ns
        message.end_time_unix_nano = span.end_ns
        message.status.code = span.status
        message.status.message = span.message
        set_pairs(message.attributes, span.attributes)
        for name, time_ns, attributes in span.events:
            event = message.events.add()
            event.name = name
            event.time_unix_nano = time_ns
            set_pairs(event.attributes, attributes)
    return request


def traces_body(spans: Sequence[Span], resource: Mapping[str, Any] | None = None) -> bytes:
    return traces_message(spans, resource).SerializeToString()


def logs_body(logs: Sequence[Log]) -> bytes:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for log in logs:
        record = scope.log_records.add()
        record.trace_id = bytes.fromhex(log.trace_id)
        record.span_id = bytes.fromhex(log.span_id)
        record.event_name = log.name
        record.time_unix_nano = log.time_ns
        set_pairs(record.attributes, log.attributes)
        if log.body is not None:
            set_value(record.body, log.body)
    return request.SerializeToString()


def json_value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
        case dict():
            return {"kvlistValue": {"values": json_pairs(value)}}
        case _:
            return {"arrayValue": {"values": [json_value(item) for item in value]}}


def json_pairs(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": json_value(value)} for key, value in values.items()]


def traces_json(
    spans: Sequence[Span], resource: Mapping[str, Any] | None = None, scope: str = "test"
) -> bytes:
    return msgspec.json.encode(
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": json_pairs(resource or {"service.name": "shop"})},
                    "scopeSpans": [{"scope": {"name": scope}, "spans": [json_span(span) for span in spans]}],
                }
            ]
        }
    )


def json_span(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id.upper(),
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "status": {"code": span.status, "message": span.message},
        "attributes": json_pairs(span.attributes),
        "events": [
            {"name": name, "timeUnixNano": str(time_ns), "attributes": json_pairs(attributes)}
            for name, time_ns, attributes in span.events
        ],
    }
