"""Walks OTLP messages in their JSON form (proto3 JSON with hexadecimal ids)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from ingest import half_characters, limits, sanitising
from ingest.body import bound_values
from ingest.json_objects import Json
from ingest.otlp.decoding import Decoder, WireEvent, WireLog, WireSpan
from ingest.problems import Problem

T = TypeVar("T")
Integer = int | str | None

KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUS_CODES = ("UNSET", "OK", "ERROR")
# Times are unsigned and have 20 digits at most; which values can be kept is for their fields to say.
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]*")


class Message(msgspec.Struct, rename="camel"):
    """Every field of proto3 JSON may be absent or null; unknown ones are passed over."""


class AnyValue(Message):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Integer = None
    double_value: float | str | None = None
    array_value: Values | None = None
    kvlist_value: Pairs | None = None
    bytes_value: str | None = None


class KeyValue(Message):
    key: str = ""
    value: AnyValue | None = None


class Values(Message):
    values: list[AnyValue] | None = None


class Pairs(Message):
    values: list[KeyValue] | None = None


class Resource(Message):
    attributes: list[KeyValue] | None = None


class Scope(Message):
    name: str | None = None


class Event(Message):
    time_unix_nano: Integer = None
    name: str | None = None
    attributes: list[KeyValue] | None = None


class SpanStatus(Message):
    code: Integer = None
    message: str | None = None


class Span(Message):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: Integer = None
    start_time_unix_nano: Integer = None
    end_time_unix_nano: Integer = None
    attributes: list[KeyValue] | None = None
    events: list[Event] | None = None
    status: SpanStatus | None = None


class ScopeSpans(Message):
    scope: Scope | None = None
    spans: list[Span] | None = None


class ResourceSpans(Message):
    resource: Resource | None = None
    scope_spans: list[ScopeSpans] | None = None


class TracesRequest(Message):
    resource_spans: list[ResourceSpans] | None = None


class LogEvent(Message):
    time_unix_nano: Integer = None
    observed_time_unix_nano: Integer = None
    event_name: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    attributes: list[KeyValue] | None = None
    body: AnyValue | None = None


class ScopeLogs(Message):
    log_records: list[LogEvent] | None = None


class ResourceLogs(Message):
    scope_logs: list[ScopeLogs] | None = None


class LogsRequest(Message):
    resource_logs: list[ResourceLogs] | None = None


_traces = msgspec.json.Decoder(TracesRequest)
_logs = msgspec.json.Decoder(LogsRequest)


def decode_traces(body: bytes, decoder: Decoder) -> None:
    """Feed every span of a JSON ExportTraceServiceRequest to the decoder."""
    groups = _parse(_traces, body).resource_spans or ()
    decoder.expect(sum(len(scope.spans or ()) for group in groups for scope in group.scope_spans or ()))
    for group in groups:
        decoder.enter_resource(
            _attributes(group.resource.attributes if group.resource else None, decoder.flags)
        )
        for scope in group.scope_spans or ():
            name = (scope.scope.name if scope.scope else None) or ""
            for span in scope.spans or ():
                decoder.add_span(_span(span, name, decoder.flags))


def decode_logs(body: bytes, decoder: Decoder) -> None:
    """Feed every record of a JSON ExportLogsServiceRequest to the decoder."""
    groups = _parse(_logs, body).resource_logs or ()
    decoder.expect(sum(len(scope.log_records or ()) for group in groups for scope in group.scope_logs or ()))
    for group in groups:
        for scope in group.scope_logs or ():
            for record in scope.log_records or ():
                decoder.add_log(_log(record, decoder.flags))


def _parse(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    bound_values(body, b"{", limits.OTLP_VALUES)
    try:
        return half_characters.decode(decoder.decode, body)[0]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, f"The body is not OTLP JSON: {error}") from None


def _span(span: Span, scope: str, flags: set[str]) -> WireSpan:
    status = span.status or SpanStatus()
    return WireSpan(
        _identifier(span.trace_id),
        _identifier(span.span_id),
        _identifier(span.parent_span_id),
        span.name or "",
        _enum(span.kind, KINDS, "SPAN_KIND_"),
        _integer(span.start_time_unix_nano),
        _integer(span.end_time_unix_nano),
        _enum(status.code, STATUS_CODES, "STATUS_CODE_"),
        status.message or "",
        scope,
        _attributes(span.attributes, flags),
        [
            WireEvent(event.name or "", _integer(event.time_unix_nano), _attributes(event.attributes, flags))
            for event in span.events or ()
        ],
    )


def _log(record: LogEvent, flags: set[str]) -> WireLog:
    return WireLog(
        _identifier(record.trace_id),
        _identifier(record.span_id),
        record.event_name or "",
        _integer(record.time_unix_nano) or _integer(record.observed_time_unix_nano),
        _attributes(record.attributes, flags),
        _value(record.body, flags, 0) if record.body else None,
    )


def _identifier(value: str | None) -> str:
    """Lower-case hexadecimal; anything else becomes a text that no id has, so that its record is refused."""
    value = value or ""
    return value.lower() if _HEXADECIMAL.fullmatch(value) else "not hexadecimal"


def _integer(value: Integer) -> int:
    if isinstance(value, str):
        # int() is quadratic in the digits and refuses more than 4,300 of them.
        if not _INTEGER.fullmatch(value):
            raise Problem(400, f"{value[:40]!r} is not a 64-bit integer.")
        return int(value)
    return value or 0


def _enum(value: Integer, names: tuple[str, ...], prefix: str) -> int:
    if isinstance(value, str) and value.removeprefix(prefix) in names:
        return names.index(value.removeprefix(prefix))
    return _integer(value)


def _attributes(pairs: Iterable[KeyValue] | None, flags: set[str]) -> Json:
    found = {pair.key: _value(pair.value, flags, 0) for pair in pairs or () if pair.value is not None}
    return sanitising.attributes(found, flags)


def _value(value: AnyValue | None, flags: set[str], depth: int) -> Any:
    if value is None:
        return None
    if depth >= limits.NESTING:
        flags.add(sanitising.CUT)
        return sanitising.TOO_DEEP
    if value.string_value is not None:
        return sanitising.text(value.string_value, flags)
    if value.int_value is not None:
        return sanitising.integer(_integer(value.int_value), flags)
    if value.bool_value is not None:
        return value.bool_value
    if value.double_value is not None:
        return _double(value.double_value, flags)
    if value.array_value is not None:
        return [_value(item, flags, depth + 1) for item in value.array_value.values or ()]
    if value.kvlist_value is not None:
        return {
            sanitising.text(pair.key, flags, limits.NAME_CHARACTERS): _value(pair.value, flags, depth + 1)
            for pair in value.kvlist_value.values or ()
        }
    return sanitising.text(value.bytes_value, flags) if value.bytes_value is not None else None


def _double(value: float | str, flags: set[str]) -> float | str:
    try:
        return sanitising.number(float(value), flags)
    except ValueError:
        raise Problem(400, f"{str(value)[:40]!r} is not a number.") from None
