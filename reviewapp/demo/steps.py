"""What are the steps of a turn, whatever the dialect? Spans with their times, and what was said in them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from reviewapp.demo.turns import Turn

Attributes = dict[str, Any]
Kind = ProtoSpan.SpanKind
INTERNAL, SERVER, CLIENT = Kind.SPAN_KIND_INTERNAL, Kind.SPAN_KIND_SERVER, Kind.SPAN_KIND_CLIENT
RETRIEVAL_SCORES = (0.91, 0.78, 0.52, 0.41)


@dataclass(frozen=True, slots=True)
class Step:
    """A span of a turn, in milliseconds since the turn began."""

    name: str
    start_ms: float
    end_ms: float
    attributes: Attributes
    kind: Kind.ValueType = INTERNAL
    error: str = ""
    events: tuple[tuple[str, Attributes], ...] = ()
    children: tuple[Step, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Frame:
    """The span around a turn, as a dialect words it."""

    name: str
    attributes: Attributes
    kind: Kind.ValueType = INTERNAL


class Dialect(Protocol):
    """A module that words the steps of a turn."""

    def request(self, turn: Turn) -> Frame: ...

    def retrieval(self, turn: Turn, end: float) -> Step: ...

    def tool(self, turn: Turn, start: float, end: float) -> Step: ...

    def model_call(self, turn: Turn, start: float, end: float, *, first: bool) -> Step: ...


def tree(turn: Turn, dialect: Dialect) -> Step:
    """The request with its steps: retrieval, the call that asks for a tool, the tool, the answering call."""
    retrieved, asked, tooled = moments(turn)
    steps: list[Step] = []
    if turn.documents:
        steps.append(dialect.retrieval(turn, retrieved))
    if turn.tool:
        steps.append(dialect.model_call(turn, retrieved, asked, first=True))
        steps.append(dialect.tool(turn, asked, tooled))
    steps.append(dialect.model_call(turn, tooled, turn.latency_ms - 4, first=False))
    frame = dialect.request(turn)
    error = turn.error and f"{turn.error_type}: {turn.error}"
    return Step(
        frame.name, 0, turn.latency_ms, frame.attributes, frame.kind, error=error, children=tuple(steps)
    )


def response_id(turn: Turn, number: int) -> str:
    return f"chatcmpl-{turn.trace_id[-16:]}{number}"


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def moments(turn: Turn) -> tuple[float, float, float]:
    """When retrieval ends, the first model call ends, and the tool ends; equal where one is missing."""
    retrieved = 4.0 + turn.retrieval_ms
    calls = turn.latency_ms - 8 - turn.retrieval_ms - turn.tool_ms
    asked = retrieved + (calls * 0.4 if turn.tool else 0.0)
    return retrieved, asked, asked + turn.tool_ms


def exception(turn: Turn) -> tuple[tuple[str, Attributes], ...]:
    if not turn.error:
        return ()
    return (("exception", {"exception.type": f"openai.{turn.error_type}", "exception.message": turn.error}),)


def retrieved_documents(turn: Turn) -> list[tuple[str, str, str, float]]:
    return [
        (document.id, document.title, document.text, RETRIEVAL_SCORES[min(place, 3)])
        for place, document in enumerate(turn.documents)
    ]


def tool_call_part(turn: Turn) -> Attributes:
    assert turn.tool
    call_id = f"call_{turn.trace_id[:8]}"
    return {"type": "tool_call", "id": call_id, "name": turn.tool.name, "arguments": turn.tool.arguments}


def call_tokens(turn: Turn, *, first: bool) -> tuple[int, int]:
    """The turn's tokens, shared between its two calls where a tool was asked for in between."""
    if not turn.tool:
        return turn.input_tokens, turn.output_tokens
    asked_in = turn.input_tokens * 2 // 5
    return (asked_in, 28) if first else (turn.input_tokens - asked_in, turn.output_tokens - 28)


def call_cost(turn: Turn, tokens_in: int, tokens_out: int) -> float:
    model = turn.model
    return round(tokens_in * model.usd_per_input_token + tokens_out * model.usd_per_output_token, 8)


def messages_of(turn: Turn, *, with_tool: bool) -> list[Attributes]:
    passages = "\n".join(f"[{place}] {d.text}" for place, d in enumerate(turn.documents, 1))
    system = f"{turn.system_prompt}\n\nPassages:\n{passages}" if passages else turn.system_prompt
    said = (("system", system), *turn.history, ("user", turn.question))
    messages: list[Attributes] = [
        {"role": role, "parts": [{"type": "text", "content": text}]} for role, text in said
    ]
    if with_tool and turn.tool:
        call = tool_call_part(turn)
        response = {"type": "tool_call_response", "id": call["id"], "response": turn.tool.result}
        messages += [{"role": "assistant", "parts": [call]}, {"role": "tool", "parts": [response]}]
    return messages
