"""Vercel's AI SDK: `ai.*` on two levels, the function that was called and each call of the model within it.

Version 7 speaks the GenAI conventions, and these names where its older telemetry is registered.
"""

from __future__ import annotations

from typing import Any

from ingest.json_objects import Json
from ingest.otlp import associations
from ingest.otlp.facts import Facts, Kind, SpanView, finish_reason, merge
from ingest.otlp.messages import Message, read_messages
from ingest.otlp.payloads import opened, read_request
from ingest.otlp.values import dump, first_count, first_text, parse, text, texts

_METADATA = ("ai.telemetry.metadata.", "ai.settings.context.", "ai.runtimeContext.")
_GENERATION = ("ai.generate", "ai.stream")
# Attributes of spans that others make beside the SDK's own.
_FOREIGN = "ai.operationId"


def read(view: SpanView) -> Facts:
    attributes = view.attributes
    op = first_text(attributes, _FOREIGN) or _named(view)
    who = associations.read(associations.under(attributes, *_METADATA))
    if not op:
        # Version 7 says what it does by the conventions, and here only for whom.
        return who
    kind = _kind(op)
    told = Facts(
        kind=kind,
        op=op,
        provider=first_text(attributes, "ai.model.provider"),
        model=first_text(attributes, "ai.model.id"),
        response_model=first_text(attributes, "ai.response.model"),
        input_tokens=first_count(
            attributes, "ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"
        ),
        output_tokens=first_count(attributes, "ai.usage.outputTokens", "ai.usage.completionTokens"),
        finish=tuple(
            map(finish_reason, texts(_either(attributes, "ai.response.finishReason", "ai.finishReason")))
        ),
        input=_input(attributes),
        output=_output(attributes),
        response_id=first_text(attributes, "ai.response.id"),
        input_text=text(attributes.get("ai.toolCall.args")),
        output_text=text(attributes.get("ai.toolCall.result")),
        workflow=first_text(attributes, "ai.telemetry.functionId", "resource.name"),
    )
    return merge([told, who])


def _named(view: SpanView) -> str:
    """A span of an SDK too old to state its operation."""
    name = view.span.name.partition(" ")[0]
    return name if name.startswith("ai.") and any(key.startswith("ai.") for key in view.attributes) else ""


def _kind(op: str) -> str:
    if op.startswith("ai.embed"):
        return Kind.EMBEDDING
    return Kind.GENERATION if op.startswith(_GENERATION) else Kind.OTHER


def _either(attributes: Json, *keys: str) -> Any:
    return next((attributes[key] for key in keys if attributes.get(key) not in (None, "", [])), None)


def _input(attributes: Json) -> tuple[Message, ...]:
    if messages := read_messages(attributes.get("ai.prompt.messages"), "user"):
        return messages
    if attributes.get("ai.prompt") is not None:
        return read_request(attributes["ai.prompt"])
    values = parse(_either(attributes, "ai.values", "ai.value"))
    listed = values if isinstance(values, list) else [values]
    said = [
        value if isinstance(value, str) else dump(value) for value in map(opened, listed) if value is not None
    ]
    return tuple(Message("user", each) for each in said)


def _output(attributes: Json) -> tuple[Message, ...]:
    """Text, object, reasoning and tool calls of one answer, which the SDK keeps apart."""
    calls = parse(_either(attributes, "ai.response.toolCalls", "ai.result.toolCalls"))
    said = first_text(attributes, "ai.response.text", "ai.result.text")
    made = _either(attributes, "ai.response.object", "ai.result.object")
    if not said and made is not None:
        said = made if isinstance(made, str) else dump(made)
    parts: list[Json] = [{"type": "text", "text": said}] if said else []
    if reasoning := first_text(attributes, "ai.response.reasoning"):
        parts.append({"type": "reasoning", "text": reasoning})
    parts += [
        {"type": "tool-call", **call}
        for call in (calls if isinstance(calls, list) else ())
        if isinstance(call, dict)
    ]
    return read_messages([{"role": "assistant", "content": parts}], "assistant") if parts else ()
