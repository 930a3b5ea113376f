"""OpenTelemetry's conventions for generative AI, in every form they have had.

Messages come as JSON text or structured values in attributes, in the event
`gen_ai.client.inference.operation.details`, as one event for each message, or as `gen_ai.prompt.N.*`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ingest.json_objects import Json
from ingest.otlp.facts import Event, Facts, Kind, SpanView, finish_reason, merge, read_documents
from ingest.otlp.messages import Message, read_message, read_messages, read_parts
from ingest.otlp.values import (
    first_count,
    first_number,
    first_text,
    mapping,
    numbered,
    parse,
    text,
    texts,
)

INDEXED = ("gen_ai.prompt.", "gen_ai.completion.")
DETAILS_EVENT = "gen_ai.client.inference.operation.details"

_KINDS = {
    "chat": Kind.GENERATION,
    "text_completion": Kind.GENERATION,
    "generate_content": Kind.GENERATION,
    "completion": Kind.GENERATION,
    "embeddings": Kind.EMBEDDING,
    "embedding": Kind.EMBEDDING,
    "invoke_agent": Kind.AGENT,
    "retrieval": Kind.RETRIEVER,
}
_EVENT_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE_EVENT = "gen_ai.choice"
_COSTS = ("gen_ai.usage.cost", "gen_ai.usage.total_cost", "gen_ai.cost.total_cost")
_CONTENT_EVENTS = frozenset({"gen_ai.content.prompt", "gen_ai.content.completion"})


def read(view: SpanView) -> Facts | None:
    """The span's own attributes count before the details event, and that before events of single messages."""
    events = [event for event in view.events if event.name.startswith("gen_ai.")]
    if not events and not any(key.startswith("gen_ai.") for key in view.attributes):
        return None
    details = [_details(event) for event in reversed(events) if event.name == DETAILS_EVENT]
    legacy = [event for event in events if event.name != DETAILS_EVENT]
    span_id = view.span.span_id
    answers = [read_attributes(view.attributes, view.indexed, span_id)]
    answers += [read_attributes(each, _indexed(each), span_id) for each in details]
    if legacy:
        answers.append(read_events(legacy))
    return merge(answers)


def _details(event: Event) -> Json:
    return {**mapping(event.body), **event.attributes}


def _indexed(attributes: Json) -> Json:
    return {key: value for key, value in attributes.items() if key.startswith(INDEXED)}


def read_attributes(attributes: Json, indexed: Json, span_id: str) -> Facts:
    op = first_text(attributes, "gen_ai.operation.name")
    prompts, completions = numbered(indexed, "gen_ai.prompt"), numbered(indexed, "gen_ai.completion")
    model = first_text(attributes, "gen_ai.request.model")
    response_model = first_text(attributes, "gen_ai.response.model")
    output = _messages(attributes, ("gen_ai.output.messages", "gen_ai.completion"), completions, "assistant")
    return Facts(
        kind=_KINDS.get(op, Kind.OTHER) if op else "",
        implied_kind=Kind.GENERATION if model or response_model or prompts or completions else "",
        op=op,
        provider=first_text(attributes, "gen_ai.provider.name", "gen_ai.system"),
        model=model,
        response_model=response_model,
        input_tokens=first_count(attributes, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        output_tokens=first_count(attributes, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        cost_usd=first_number(attributes, *_COSTS),
        finish=_finish(attributes, completions),
        system=_instructions(attributes),
        input=_messages(attributes, ("gen_ai.input.messages", "gen_ai.prompt"), prompts, "user"),
        output=output,
        response_id=first_text(attributes, "gen_ai.response.id"),
        documents=read_documents(attributes.get("gen_ai.retrieval.documents"), span_id),
        conversation_id=first_text(attributes, "gen_ai.conversation.id"),
        prompt_name=first_text(attributes, "gen_ai.prompt.name"),
        prompt_version=first_text(attributes, "gen_ai.prompt.version"),
        workflow=first_text(attributes, "gen_ai.workflow.name"),
        agent=first_text(attributes, "gen_ai.agent.name"),
    )


def _messages(
    attributes: Json, keys: Iterable[str], entries: Sequence[Json], role: str
) -> tuple[Message, ...]:
    for key in keys:
        if attributes.get(key) is not None and (found := read_messages(attributes[key], role)):
            return found
    return tuple(message for entry in entries for message in read_message(_nested(entry), role))


def _nested(entry: Json) -> Json:
    """`role`, `content`, `tool_calls.N.name` ... of one number, as a message."""
    calls = [call | {"function": _function(call)} for call in numbered(entry, "tool_calls")]
    if called := {key[14:]: value for key, value in entry.items() if key.startswith("function_call.")}:
        calls.append({"function": called})
    plain = {
        key: value for key, value in entry.items() if not key.startswith(("tool_calls.", "function_call."))
    }
    return {**plain, "tool_calls": calls} if calls else plain


def _function(call: Json) -> Json:
    return {key[9:]: value for key, value in call.items() if key.startswith("function.")}


def _instructions(attributes: Json) -> str:
    found = parse(attributes.get("gen_ai.system_instructions"))
    messages = read_parts(found if isinstance(found, list) else [found], "system")
    return "\n".join(message.text for message in messages)


def _finish(attributes: Json, completions: Iterable[Json]) -> tuple[str, ...]:
    stated = texts(attributes.get("gen_ai.response.finish_reasons"))
    if not stated:
        output = parse(attributes.get("gen_ai.output.messages"))
        entries = output if isinstance(output, list) else completions
        stated = [first_text(each, "finish_reason") for each in entries if isinstance(each, dict)]
    return tuple(finish_reason(each) for each in stated if each)


def read_events(events: Iterable[Event]) -> Facts:
    """What the older conventions say in one event for each message and each choice."""
    input_messages: list[Message] = []
    output_messages: list[Message] = []
    finish: list[str] = []
    for event in events:
        content = _content(event)
        if role := _EVENT_ROLES.get(event.name):
            input_messages += read_message(content, role)
        elif event.name == _CHOICE_EVENT:
            output_messages += read_messages(_choice(content), "assistant")
            finish += map(finish_reason, texts(content.get("finish_reason")))
        elif event.name in _CONTENT_EVENTS:
            input_messages += read_messages(content.get("gen_ai.prompt"), "user")
            output_messages += read_messages(content.get("gen_ai.completion"), "assistant")
    return Facts(input=tuple(input_messages), output=tuple(output_messages), finish=tuple(finish))


def _content(event: Event) -> Json:
    """The body of a log event; a span event has no body and holds it in its attributes."""
    plain = {key: value for key, value in event.attributes.items() if not key.startswith("event.")}
    if event.name not in _CONTENT_EVENTS:
        plain = {key: value for key, value in plain.items() if not key.startswith("gen_ai.")}
        plain.setdefault("content", None)
    body = parse(event.body)
    if text(body):
        return plain | {"content": body}
    return plain | mapping(event.attributes.get("gen_ai.event.content")) | mapping(body)


def _choice(content: Json) -> Any:
    message = parse(content.get("message"))
    return message or {key: content[key] for key in ("content", "tool_calls") if content.get(key)}
