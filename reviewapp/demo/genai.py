"""A turn as the spans of OpenTelemetry's GenAI conventions."""

from __future__ import annotations

from reviewapp.demo.steps import (
    CLIENT,
    SERVER,
    Attributes,
    Frame,
    Step,
    call_cost,
    call_tokens,
    compact,
    exception,
    messages_of,
    response_id,
    retrieved_documents,
    tool_call_part,
)
from reviewapp.demo.turns import Turn


def request(turn: Turn) -> Frame:
    return Frame(
        name="POST /v1/chat",
        kind=SERVER,
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
    )


def retrieval(turn: Turn, end: float) -> Step:
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


def tool(turn: Turn, start: float, end: float) -> Step:
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


def model_call(turn: Turn, start: float, end: float, *, first: bool) -> Step:
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
        "gen_ai.input.messages": compact(messages_of(turn, with_tool=bool(turn.tool) and not first)),
    }
    if turn.tool:
        attributes["gen_ai.tool.definitions"] = compact([{"type": "function", "name": turn.tool.name}])
    if failed:
        attributes["error.type"] = turn.error_type
    else:
        attributes |= response(turn, first=first)
    return Step(
        name=f"chat {turn.model.snapshot}",
        start_ms=start,
        end_ms=end,
        attributes=attributes,
        kind=CLIENT,
        error=turn.error and f"{turn.error_type}: {turn.error}",
        events=exception(turn),
    )


def response(turn: Turn, *, first: bool) -> Attributes:
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
