"""Walks OTLP messages in their binary form. The hot path of ingest: most of its time is spent here."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from ingest import limits, sanitising
from ingest.body import bound_values
from ingest.json_objects import Json
from ingest.otlp.decoding import Decoder, WireEvent, WireLog, WireSpan
from ingest.problems import Problem

M = TypeVar("M", bound=Message)


def decode_traces(body: bytes, decoder: Decoder) -> None:
    """Feed every span of a binary ExportTraceServiceRequest to the decoder."""
    request = _parse(ExportTraceServiceRequest, body)
    decoder.expect(sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans))
    for group in request.resource_spans:
        decoder.enter_resource(_attributes(group.resource.attributes, decoder.flags))
        for scope in group.scope_spans:
            scope_name = scope.scope.name
            for span in scope.spans:
                attributes = _attributes(span.attributes, decoder.flags)
                status = span.status
                decoder.add_span(
                    WireSpan(
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.name,
                        span.kind,
                        span.start_time_unix_nano,
                        span.end_time_unix_nano,
                        status.code,
                        status.message,
                        scope_name,
                        attributes,
                        [
                            WireEvent(
                                event.name, event.time_unix_nano, _attributes(event.attributes, decoder.flags)
                            )
                            for event in span.events
                        ]
                        if span.events
                        else [],
                    )
                )


def decode_logs(body: bytes, decoder: Decoder) -> None:
    """Feed every record of a binary ExportLogsServiceRequest to the decoder."""
    request = _parse(ExportLogsServiceRequest, body)
    decoder.expect(
        sum(len(scope.log_records) for group in request.resource_logs for scope in group.scope_logs)
    )
    for group in request.resource_logs:
        for scope in group.scope_logs:
            for record in scope.log_records:
                decoder.add_log(
                    WireLog(
                        record.trace_id.hex(),
                        record.span_id.hex(),
                        record.event_name,
                        record.time_unix_nano or record.observed_time_unix_nano,
                        _attributes(record.attributes, decoder.flags),
                        _value(record.body, decoder.flags, 0) if record.HasField("body") else None,
                    )
                )


# The tags under which OTLP nests one message in another: attributes, events, values, lists and their items.
NESTING_TAGS = b"\x0a\x12\x1a\x2a\x32\x4a\x5a\x6a"


def _parse(message: type[M], body: bytes) -> M:
    bound_values(body, NESTING_TAGS, limits.OTLP_VALUES)
    try:
        return message.FromString(body)
    except DecodeError as error:
        raise Problem(400, f"The body is not a {message.DESCRIPTOR.name}: {error}") from None


def _attributes(pairs: Iterable[KeyValue], flags: set[str]) -> Json:
    found: Json = {}
    for pair in pairs:
        key = pair.key
        value = pair.value
        kind = value.WhichOneof("value")
        if kind == "string_value":
            found[key] = sanitising.text(value.string_value, flags)
        elif kind is not None:
            found[key] = _READERS[kind](value, flags, 0)
    return sanitising.attributes(found, flags)


def _value(value: AnyValue, flags: set[str], depth: int) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if depth >= limits.NESTING:
        flags.add(sanitising.CUT)
        return sanitising.TOO_DEEP
    return _READERS[kind](value, flags, depth)


_READERS: dict[str, Callable[[AnyValue, set[str], int], Any]] = {
    "string_value": lambda value, flags, depth: sanitising.text(value.string_value, flags),
    "bool_value": lambda value, flags, depth: value.bool_value,
    "int_value": lambda value, flags, depth: value.int_value,
    "double_value": lambda value, flags, depth: sanitising.number(value.double_value, flags),
    "bytes_value": lambda value, flags, depth: sanitising.text(
        base64.b64encode(value.bytes_value).decode(), flags
    ),
    "array_value": lambda value, flags, depth: [
        _value(item, flags, depth + 1) for item in value.array_value.values
    ],
    "kvlist_value": lambda value, flags, depth: {
        sanitising.text(pair.key, flags, limits.NAME_CHARACTERS): _value(pair.value, flags, depth + 1)
        for pair in value.kvlist_value.values
    },
    # An index into a string table that only OTLP profiles have.
    "string_value_strindex": lambda value, flags, depth: None,
}
