"""OpenInference (Arize Phoenix): `openinference.span.kind`, `llm.*`, `retrieval.*` and numbered messages."""

from __future__ import annotations

from typing import Any

from ingest.json_objects import Json
from ingest.otlp.facts import Document, Facts, Kind, SpanView, finish_reason, read_documents
from ingest.otlp.messages import Message, read_message, tool_call
from ingest.otlp.payloads import opened, readable
from ingest.otlp.values import (
    first_count,
    first_number,
    first_text,
    flattened,
    mapping,
    numbered,
    parse,
    scalars,
    text,
    texts,
)

_DOCUMENTS = ("reranker.output_documents", "retrieval.documents")
INDEXED = (
    "llm.input_messages.",
    "llm.output_messages.",
    "llm.prompts.",
    "llm.choices.",
    "embedding.embeddings.",
    *(f"{key}." for key in _DOCUMENTS),
)
HEADS = frozenset(
    {"openinference", "llm", "input", "output", "retrieval", "reranker", "embedding", "metadata", "tag"}
)
_KINDS = {
    "LLM": Kind.GENERATION,
    "EMBEDDING": Kind.EMBEDDING,
    "AGENT": Kind.AGENT,
    "RETRIEVER": Kind.RETRIEVER,
    "RERANKER": Kind.RETRIEVER,
}
_MESSAGE = "message."
_PART = "message_content."
_PLAIN_MESSAGE = frozenset({"role", "content"})


def read(view: SpanView) -> Facts:
    attributes = view.attributes
    kind = first_text(attributes, "openinference.span.kind").upper()
    response_model = first_text(attributes, "llm.model_name", "embedding.model_name")
    input_messages = _messages(view, "llm.input_messages", "user") or _prompts(view)
    output_messages = _messages(view, "llm.output_messages", "assistant") or _completions(view)
    return Facts(
        kind=_KINDS.get(kind, Kind.OTHER) if kind else "",
        implied_kind=Kind.GENERATION if response_model else "",
        op=kind,
        provider=first_text(attributes, "llm.provider", "llm.system"),
        model=_requested_model(attributes) or response_model,
        response_model=response_model,
        input_tokens=first_count(attributes, "llm.token_count.prompt"),
        output_tokens=first_count(attributes, "llm.token_count.completion"),
        cost_usd=_cost(attributes),
        finish=tuple(map(finish_reason, texts(attributes.get("llm.finish_reason")))),
        input=input_messages or _embedded(view),
        output=output_messages,
        documents=_documents(view, kind),
        input_text=_side(attributes, "input", "user"),
        output_text=_side(attributes, "output", "assistant"),
        prompt_name=first_text(attributes, "llm.prompt_template.name", "prompt.name", "prompt.id"),
        prompt_version=first_text(attributes, "llm.prompt_template.version", "prompt.version"),
        agent=first_text(attributes, "agent.name"),
        tags=_tags(attributes),
    )


def _requested_model(attributes: Json) -> str:
    return first_text(mapping(attributes.get("llm.invocation_parameters")), "model", "model_name", "model_id")


def _cost(attributes: Json) -> float | None:
    total = first_number(attributes, "llm.cost.total")
    parts = [first_number(attributes, f"llm.cost.{side}") for side in ("prompt", "completion")]
    known = [part for part in parts if part is not None]
    return total if total is not None or not known else sum(known)


def _entries(view: SpanView, key: str) -> list[Json]:
    """The entries of `key.N.…`, or of a list that was sent structured, in the same dotted form."""
    found = parse(view.attributes.get(key))
    if isinstance(found, list):
        return [flattened(each) for each in found if isinstance(each, dict)]
    return numbered(view.indexed, key)


def _messages(view: SpanView, key: str, role: str) -> tuple[Message, ...]:
    entries = _entries(view, key)
    return tuple(message for entry in entries for message in read_message(_message(entry), role))


def _message(entry: Json) -> Json:
    """A dotted entry as a message: its text, else its contents, and its tool calls."""
    own = {key.removeprefix(_MESSAGE): value for key, value in entry.items()}
    if own.keys() <= _PLAIN_MESSAGE:
        return own | {"content": text(own.get("content"))}
    content = own.get("content")
    contents = [_part(each) for each in numbered(own, "contents")]
    if text(content):
        contents = [content, *(part for part in contents if not isinstance(part, str))]
    elif not contents:
        contents = [content]
    calls = [_call(each) for each in numbered(own, "tool_calls")]
    if name := first_text(own, "function_call_name"):
        calls.append({"name": name, "arguments": own.get("function_call_arguments_json")})
    called = [each for each in calls if each]
    if not called and len(contents) == 1:
        return own | {"content": contents[0] if isinstance(contents[0], str) else contents}
    return {"role": own.get("role"), "content": contents, "tool_calls": called}


def _part(entry: Json) -> Any:
    own = {key.removeprefix(_PART): value for key, value in entry.items()}
    if own.get("type", "text") == "text":
        return text(own.get("text"))
    return own


def _call(entry: Json) -> Json:
    own = {key.removeprefix("tool_call."): value for key, value in entry.items()}
    call = {"id": own.get("id"), "name": own.get("function.name"), "arguments": own.get("function.arguments")}
    return call if tool_call(call) else {}


def _prompts(view: SpanView) -> tuple[Message, ...]:
    return _plain(view, "llm.prompts", "prompt.text", "user")


def _completions(view: SpanView) -> tuple[Message, ...]:
    return _plain(view, "llm.choices", "completion.text", "assistant")


def _embedded(view: SpanView) -> tuple[Message, ...]:
    return _plain(view, "embedding.embeddings", "embedding.text", "user")


def _plain(view: SpanView, key: str, name: str, role: str) -> tuple[Message, ...]:
    entries = _entries(view, key)
    return tuple(Message(role, said) for entry in entries if (said := first_text(entry, name)))


def _documents(view: SpanView, kind: str) -> tuple[Document, ...]:
    """The numbered documents; a retriever that recorded none may have them in its output."""
    span_id = view.span.span_id
    for key in _DOCUMENTS:
        entries = [_document(entry) for entry in _entries(view, key)]
        if found := read_documents(entries, span_id):
            return found
    return read_documents(view.attributes.get("output.value"), span_id) if kind == "RETRIEVER" else ()


def _document(entry: Json) -> Json:
    own = {key.removeprefix("document."): value for key, value in entry.items()}
    inner = {key[9:]: value for key, value in own.items() if key.startswith("metadata.")}
    return own | {"metadata": mapping(own.get("metadata")) | inner}


def _side(attributes: Json, side: str, role: str) -> str:
    """`input.value` or `output.value` as text; JSON that has no telling field as it was sent."""
    value = attributes.get(f"{side}.value")
    sent = text(value)
    if sent and sent.lstrip()[:1] not in ("{", "[", '"'):
        return sent
    said = readable(value, role)
    return sent if sent and opened(said) == opened(value) else said


def _tags(attributes: Json) -> Json:
    """The span's metadata, and its tags as keys that are true."""
    return scalars(attributes.get("metadata")) | dict.fromkeys(texts(attributes.get("tag.tags")), True)
