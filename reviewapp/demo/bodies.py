"""How do a turn's facts look on the wire? As OTLP spans in two dialects, as a native body, as log events.

Pure. Span ids follow from the trace id, so that a turn sent again is the same turn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from reviewapp.demo.reactions import Score, Signal
from reviewapp.demo.traffic import NATIVE, OPENINFERENCE, Turn

Attributes = dict[str, Any]
INTERNAL, SERVER, CLIENT = (
    ProtoSpan.SPAN_KIND_INTERNAL,
    ProtoSpan.SPAN_KIND_SERVER,
    ProtoSpan.SPAN_KIND_CLIENT,
)
SCOPES = {OPENINFERENCE: "openinference.instrumentation.langchain"}
RETRIEVAL_SCORES = (0.91, 0.78, 0.52, 0.41)


@dataclass(frozen=True, slots=True)
class Step:
    """A span of a turn, in milliseconds since the turn began."""

    name: str
    start_ms: float
    end_ms: float
    attributes: Attributes
    kind: ProtoSpan.SpanKind.ValueType = INTERNAL
    error: str = ""
    events: tuple[tuple[str, Attributes], ...] = ()
    children: tuple[Step, ...] = field(default_factory=tuple)


def nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1000


def span_id(trace_id: str, place: int) -> bytes:
    return hashlib.sha256(f"{trace_id}/{place}".encode()).digest()[:8]


def response_id(turn: Turn, number: int) -> str:
    return f"chatcmpl-{turn.trace_id[-16:]}{number}"


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


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
        root = openinference_root(turn) if turn.channel == OPENINFERENCE else otel_root(turn)
        scope.spans.extend(proto_spans(turn, root))
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


# --- OpenTelemetry's GenAI conventions


def otel_root(turn: Turn) -> Step:
    retrieved, asked, tooled = moments(turn)
    steps: list[Step] = []
    if turn.documents:
        steps.append(otel_retrieval(turn, retrieved))
    if turn.tool:
        steps.append(otel_chat(turn, retrieved, asked, first=True))
        steps.append(otel_tool(turn, asked, tooled))
    steps.append(otel_chat(turn, tooled, turn.latency_ms - 4, first=False))
    return Step(
        name="POST /v1/chat",
        start_ms=0,
        end_ms=turn.latency_ms,
        kind=SERVER,
        error=turn.error and f"{turn.error_type}: {turn.error}",
        attributes={
            "http.request.method": "POST",
            "http.route": "/v1/chat",
            "http.response.status_code": 502 if turn.error else 200,
            "session.id": turn.session_id,
            "user.id": turn.user_id,
            "touchstone.route": turn.route,
            "touchstone.prompt.name": "support-answer",
            "touchstone.prompt.version": turn.prompt_version,
            "touchstone.tags": compact({"language": turn.language}),
        },
        children=tuple(steps),
    )


def otel_retrieval(turn: Turn, end: float) -> Step:
    documents = [
        {"id": key, "title": title, "content": text, "score": score}
        for key, title, text, score in retrieved_documents(turn)
    ]
    return Step(
        "retrieval knowledge-base",
        4,
        end,
        {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": "knowledge-base",
            "gen_ai.retrieval.query.text": turn.question,
            "gen_ai.retrieval.documents": compact(documents),
        },
        kind=CLIENT,
    )


def otel_tool(turn: Turn, start: float, end: float) -> Step:
    assert turn.tool
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": turn.tool.name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": f"call_{turn.trace_id[:8]}",
        "gen_ai.tool.call.arguments": compact(turn.tool.arguments),
        "gen_ai.tool.call.result": compact(turn.tool.result),
    }
    return Step(f"execute_tool {turn.tool.name}", start, end, attributes)


def otel_chat(turn: Turn, start: float, end: float, *, first: bool) -> Step:
    """The call that answers, or the `first` one, which asks for the tool."""
    failed = bool(turn.error)
    attributes: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": turn.model.provider,
        "gen_ai.request.model": turn.model.snapshot,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 600,
        "gen_ai.conversation.id": turn.session_id,
        "server.address": f"api.{turn.model.provider.split('_')[0]}.example",
        "server.port": 443,
        "gen_ai.input.messages": compact(otel_input(turn, with_tool=bool(turn.tool) and not first)),
    }
    if turn.tool:
        attributes["gen_ai.tool.definitions"] = compact([{"type": "function", "name": turn.tool.name}])
    if failed:
        attributes["error.type"] = turn.error_type
    else:
        attributes |= otel_response(turn, first=first)
    return Step(
        name=f"chat {turn.model.snapshot}",
        start_ms=start,
        end_ms=end,
        attributes=attributes,
        kind=CLIENT,
        error=turn.error and f"{turn.error_type}: {turn.error}",
        events=exception(turn),
    )


def otel_response(turn: Turn, *, first: bool) -> Attributes:
    finish = "tool_calls" if first else turn.finish
    parts = [tool_call_part(turn)] if first else [{"type": "text", "content": turn.answer}]
    tokens_in, tokens_out = call_tokens(turn, first=first)
    return {
        "gen_ai.response.model": turn.model.snapshot,
        "gen_ai.response.id": response_id(turn, 0 if first else 1),
        "gen_ai.response.finish_reasons": [finish],
        "gen_ai.usage.input_tokens": tokens_in,
        "gen_ai.usage.output_tokens": tokens_out,
        "gen_ai.usage.cost": call_cost(turn, tokens_in, tokens_out),
        "gen_ai.output.messages": compact([{"role": "assistant", "parts": parts, "finish_reason": finish}]),
    }


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


def otel_input(turn: Turn, *, with_tool: bool) -> list[Attributes]:
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


# --- OpenInference


def openinference_root(turn: Turn) -> Step:
    retrieved, asked, tooled = moments(turn)
    steps: list[Step] = []
    if turn.documents:
        steps.append(openinference_retriever(turn, retrieved))
    if turn.tool:
        steps.append(openinference_llm(turn, retrieved, asked, first=True))
        steps.append(openinference_tool(turn, asked, tooled))
    steps.append(openinference_llm(turn, tooled, turn.latency_ms - 4, first=False))
    return Step(
        name="SupportAgent",
        start_ms=0,
        end_ms=turn.latency_ms,
        error=turn.error and f"{turn.error_type}: {turn.error}",
        attributes={
            "openinference.span.kind": "CHAIN",
            "input.value": turn.question,
            **({"output.value": turn.answer} if turn.answer else {}),
            "session.id": turn.session_id,
            "user.id": turn.user_id,
            "metadata": compact({"language": turn.language}),
            "touchstone.route": turn.route,
            "llm.prompt_template.version": turn.prompt_version,
            "touchstone.prompt.name": "support-answer",
        },
        children=tuple(steps),
    )


def openinference_retriever(turn: Turn, end: float) -> Step:
    attributes: Attributes = {"openinference.span.kind": "RETRIEVER", "input.value": turn.question}
    for place, (key, title, text, score) in enumerate(retrieved_documents(turn)):
        prefix = f"retrieval.documents.{place}.document"
        attributes |= {f"{prefix}.id": key, f"{prefix}.content": text, f"{prefix}.score": score}
        attributes[f"{prefix}.metadata"] = compact({"title": title})
    return Step("KnowledgeBaseRetriever", 4, end, attributes)


def openinference_tool(turn: Turn, start: float, end: float) -> Step:
    assert turn.tool
    attributes = {
        "openinference.span.kind": "TOOL",
        "tool.name": turn.tool.name,
        "input.value": compact(turn.tool.arguments),
        "output.value": compact(turn.tool.result),
    }
    return Step(turn.tool.name, start, end, attributes)


def openinference_llm(turn: Turn, start: float, end: float, *, first: bool) -> Step:
    attributes: Attributes = {
        "openinference.span.kind": "LLM",
        "llm.provider": turn.model.provider,
        "llm.invocation_parameters": compact({"model": turn.model.snapshot, "temperature": 0.2}),
        "llm.model_name": turn.model.snapshot,
    }
    for place, message in enumerate(otel_input(turn, with_tool=bool(turn.tool) and not first)):
        attributes |= openinference_message(f"llm.input_messages.{place}.message", message["role"], message)
    if not turn.error:
        parts = [tool_call_part(turn)] if first else [{"type": "text", "content": turn.answer}]
        tokens_in, tokens_out = call_tokens(turn, first=first)
        attributes |= openinference_message("llm.output_messages.0.message", "assistant", {"parts": parts})
        attributes |= {
            "llm.token_count.prompt": tokens_in,
            "llm.token_count.completion": tokens_out,
            "llm.cost.total": call_cost(turn, tokens_in, tokens_out),
            "llm.finish_reason": "tool_calls" if first else turn.finish,
        }
    return Step(
        name="ChatOpenAI" if turn.model.provider == "openai" else "ChatMistralAI",
        start_ms=start,
        end_ms=end,
        attributes=attributes,
        error=turn.error and f"{turn.error_type}: {turn.error}",
        events=exception(turn),
    )


def openinference_message(prefix: str, role: str, message: Attributes) -> Attributes:
    found: Attributes = {f"{prefix}.role": role}
    for part in message["parts"]:
        if part["type"] == "tool_call":
            call = f"{prefix}.tool_calls.0.tool_call"
            found[f"{call}.id"] = part["id"]
            found[f"{call}.function.name"] = part["name"]
            found[f"{call}.function.arguments"] = compact(part["arguments"])
        else:
            text = part.get("content", part.get("response"))
            found[f"{prefix}.content"] = text if isinstance(text, str) else compact(text)
    return found


# --- The native API


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
