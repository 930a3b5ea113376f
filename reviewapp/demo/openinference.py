"""A turn as the spans that OpenInference's LangChain instrumentation makes."""

from __future__ import annotations

from reviewapp.demo.steps import (
    Attributes,
    Frame,
    Step,
    call_cost,
    call_tokens,
    compact,
    exception,
    messages_of,
    retrieved_documents,
    tool_call_part,
)
from reviewapp.demo.turns import Turn


def request(turn: Turn) -> Frame:
    return Frame(
        name="SupportAgent",
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
    )


def retrieval(turn: Turn, end: float) -> Step:
    attributes: Attributes = {"openinference.span.kind": "RETRIEVER", "input.value": turn.question}
    for place, (key, title, text, score) in enumerate(retrieved_documents(turn)):
        prefix = f"retrieval.documents.{place}.document"
        attributes |= {f"{prefix}.id": key, f"{prefix}.content": text, f"{prefix}.score": score}
        attributes[f"{prefix}.metadata"] = compact({"title": title})
    return Step("KnowledgeBaseRetriever", 4, end, attributes)


def tool(turn: Turn, start: float, end: float) -> Step:
    assert turn.tool
    attributes = {
        "openinference.span.kind": "TOOL",
        "tool.name": turn.tool.name,
        "input.value": compact(turn.tool.arguments),
        "output.value": compact(turn.tool.result),
    }
    return Step(turn.tool.name, start, end, attributes)


def model_call(turn: Turn, start: float, end: float, *, first: bool) -> Step:
    attributes: Attributes = {
        "openinference.span.kind": "LLM",
        "llm.provider": turn.model.provider,
        "llm.invocation_parameters": compact({"model": turn.model.snapshot, "temperature": 0.2}),
        "llm.model_name": turn.model.snapshot,
    }
    for place, said in enumerate(messages_of(turn, with_tool=bool(turn.tool) and not first)):
        attributes |= message(f"llm.input_messages.{place}.message", said["role"], said)
    if not turn.error:
        parts = [tool_call_part(turn)] if first else [{"type": "text", "content": turn.answer}]
        tokens_in, tokens_out = call_tokens(turn, first=first)
        attributes |= message("llm.output_messages.0.message", "assistant", {"parts": parts})
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


def message(prefix: str, role: str, said: Attributes) -> Attributes:
    found: Attributes = {f"{prefix}.role": role}
    for part in said["parts"]:
        if part["type"] == "tool_call":
            call = f"{prefix}.tool_calls.0.tool_call"
            found[f"{call}.id"] = part["id"]
            found[f"{call}.function.name"] = part["name"]
            found[f"{call}.function.arguments"] = compact(part["arguments"])
        else:
            text = part.get("content", part.get("response"))
            found[f"{prefix}.content"] = text if isinstance(text, str) else compact(text)
    return found
