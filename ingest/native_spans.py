"""What does a span of a native trace say? Its short fields become the OpenTelemetry GenAI attributes."""

from __future__ import annotations

from typing import Any

from ingest import shapes, times
from ingest.json_objects import Json
from ingest.models import Status
from ingest.records import SpanHead, SpanRow, content_hash, span_row
from ingest.shapes import Invalid

SCOPE = "touchstone.native"
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
# What others call the kind of a step, and the operation of OpenTelemetry that it is.
OPERATIONS = {
    "llm": "chat",
    "chat": "chat",
    "generation": "chat",
    "embedding": "embeddings",
    "retriever": "retrieval",
    "retrieval": "retrieval",
    "tool": "execute_tool",
    "agent": "invoke_agent",
}
NO_RESOURCE = b"{}"


def row_of(shape: shapes.SpanBody, item: Json, *, trace_id: str, trace_start: int | None) -> SpanRow:
    """The span's row; without an id of its own it is identified by its content within the trace."""
    end = shapes.time_ns("ended_at", shape.ended_at)
    start = shapes.time_ns("started_at", shape.started_at) or trace_start or end
    if start is None:
        raise Invalid("started_at", "is required where the trace has none")
    span_id = shape.span_id or shape.id or content_hash("span", item).hex()[:16]
    head = SpanHead(
        trace_id=trace_id,
        span_id=shapes.identifier("span_id", span_id),
        parent_id=shapes.identifier("parent_id", shape.parent_id or shape.parent_span_id or ""),
        name=shape.name,
        kind=KINDS.index(kind if (kind := _word(shape.kind)) in KINDS else "internal"),
        start_ns=start,
        end_ns=end,
        status=shape.status or (Status.ERROR.value if shape.error else Status.UNSET.value),
        error=shape.error or "",
        scope=SCOPE,
    )
    events = [_event(event, start) for event in shape.events or ()]
    return span_row(head, _unread(shape, item) | _attributes(shape), events, NO_RESOURCE)


def _word(kind: str) -> str:
    return kind.lower().removeprefix("span_kind_")


def _unread(shape: shapes.SpanBody, item: Json) -> Json:
    """Fields that have no meaning here stand among the attributes, under their own names."""
    named = set(shape.__struct_fields__)
    if shape.kind and _word(shape.kind) not in KINDS:
        named.remove("kind")
    return {name: value for name, value in item.items() if name not in named}


def _attributes(shape: shapes.SpanBody) -> Json:
    tokens = shape.tokens or shapes.Tokens()
    op = shape.op or OPERATIONS.get(_word(shape.kind))
    short: Json = {
        "gen_ai.operation.name": op,
        "gen_ai.provider.name": shape.provider,
        "gen_ai.request.model": shape.model,
        "gen_ai.usage.input_tokens": tokens.input,
        "gen_ai.usage.output_tokens": tokens.output,
        "gen_ai.input.messages": _messages(shape.input, "user"),
        "gen_ai.output.messages": _messages(shape.output, "assistant"),
    }
    if op == "execute_tool":
        short |= {
            "gen_ai.tool.name": shape.name,
            "gen_ai.tool.call.arguments": shape.input,
            "gen_ai.tool.call.result": shape.output,
        }
    return {key: value for key, value in short.items() if value is not None} | (shape.attributes or {})


def _messages(content: Any, role: str) -> list[Json] | None:
    """`text`, `[messages]` or `{"messages": [...]}`; messages are left in the form their sender knows."""
    if content is None:
        return None
    if isinstance(content, dict):
        content = content.get("messages", [content])
    listed = content if isinstance(content, list) else [content]
    return [_message(message, role) for message in listed]


def _message(message: Any, role: str) -> Json:
    if isinstance(message, dict) and ("role" in message or "parts" in message):
        return message
    part = (
        {"type": "text", "content": message}
        if isinstance(message, str)
        else {"type": "json", "content": message}
    )
    return {"role": role, "parts": [part]}


def _event(event: shapes.Event, start: int) -> Json:
    time = shapes.time_ns("events.time", event.time)
    return {"name": event.name, "time": times.iso(time or start), "attributes": event.attributes or {}}
