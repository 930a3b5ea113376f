"""What one span says, in one vocabulary, and how the readings of several dialects are merged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ingest.json_objects import Json
from ingest.otlp.messages import Message
from ingest.otlp.values import first_number, first_text, mapping, parse, text
from ingest.records import SpanRecord


@dataclass(frozen=True, slots=True)
class Document:
    id: str
    text: str
    score: float | None = None
    title: str = ""
    span_id: str = ""


class Kind:
    """What a span is. Generations and embeddings call a model; an agent may, unseen."""

    GENERATION = "generation"
    EMBEDDING = "embedding"
    AGENT = "agent"
    RETRIEVER = "retriever"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Event:
    """A span event, or a log event that names the span."""

    name: str
    attributes: Json
    body: Any = None


@dataclass(slots=True)
class SpanView:
    """A span with the events that belong to it. `indexed` holds the attributes with numbered keys only."""

    span: SpanRecord
    attributes: Json
    events: Sequence[Event] = ()
    indexed: Json = field(default_factory=dict)


@dataclass(slots=True)
class Facts:
    """A field is empty ('', None, (), {}) where the dialect says nothing of it."""

    kind: str = ""
    # Concluded from other attributes; counts only if no dialect states a kind.
    implied_kind: str = ""
    op: str = ""
    provider: str = ""
    model: str = ""
    response_model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    finish: tuple[str, ...] = ()
    system: str = ""
    input: tuple[Message, ...] = ()
    output: tuple[Message, ...] = ()
    response_id: str = ""
    error_type: str = ""
    error_message: str = ""
    # What the sender wants reviewed, whatever else the span carries.
    stated_input: str = ""
    stated_output: str = ""
    # The span's own input and output, as readable text.
    input_text: str = ""
    output_text: str = ""
    documents: tuple[Document, ...] = ()
    session_id: str = ""
    # Stands in for a session where no span of the trace names one.
    conversation_id: str = ""
    user_id: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    route: str = ""
    http_route: str = ""
    workflow: str = ""
    agent: str = ""
    environment: str = ""
    tags: Json = field(default_factory=dict)

    @property
    def sort(self) -> str:
        return self.kind or self.implied_kind


_FIELDS = tuple(each.name for each in fields(Facts) if each.name not in ("system", "input", "tags"))
NOTHING_SAID = Facts()


def merge(answers: Sequence[Facts]) -> Facts:
    """Field by field the first that says something; system text and input stay together; tags add up."""
    if len(answers) < 2:
        return answers[0] if answers else NOTHING_SAID
    merged = Facts()
    for name in _FIELDS:
        for facts in answers:
            value = getattr(facts, name)
            if value is not None and value not in ("", ()):
                setattr(merged, name, value)
                break
    source = _first_with("input", answers) or _first_with("system", answers) or NOTHING_SAID
    merged.system, merged.input = source.system, source.input
    for facts in reversed(answers):
        merged.tags |= facts.tags
    return merged


def _first_with(name: str, answers: Iterable[Facts]) -> Facts | None:
    return next((facts for facts in answers if getattr(facts, name)), None)


_FINISH = {
    "stop": (
        "stop",
        "end_turn",
        "stop_sequence",
        "eos",
        "eos_token",
        "complete",
        "completed",
        "finish",
        "end",
    ),
    "length": ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"),
    "tool_calls": ("tool_calls", "tool_call", "tool_use", "function_call", "function_calls"),
    "content_filter": (
        "content_filter",
        "content_filtered",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "refusal",
        "guardrail_intervened",
    ),
    "error": ("error", "failed", "malformed_function_call"),
}
_FINISH_WORD = {spelling: word for word, spellings in _FINISH.items() for spelling in spellings}


def finish_reason(value: str) -> str:
    """One vocabulary: stop, length, tool_calls, content_filter, error; others in lower case as they came."""
    word = value.strip().rpartition(".")[2].lower().replace("-", "_")
    return _FINISH_WORD.get(word, word)


def read_documents(value: Any, span_id: str = "") -> tuple[Document, ...]:
    """The documents of a list, `{"documents": [...]}`, or one document; plain strings are texts."""
    found = parse(value)
    if isinstance(found, dict):
        inner = parse(found.get("documents", found.get("results")))
        found = inner if isinstance(inner, list) else [found]
    if not isinstance(found, list):
        return ()
    return tuple(document for each in found if (document := _document(each, span_id)))


def _document(value: Any, span_id: str) -> Document | None:
    if not isinstance(value, dict):
        said = text(value)
        # A framework's object as it prints itself is no text to read.
        return Document("", said, span_id=span_id) if said and not said.startswith("<") else None
    inner = mapping(value.get("document")) or value
    metadata = mapping(inner.get("metadata"))
    content = first_text(inner, "text", "content", "page_content", "pageContent", "document")
    identity = first_text(inner, "id", "document_id") or first_text(
        metadata, "id", "source", "url", "doc_uri"
    )
    if not content and not identity:
        return None
    score = first_number(inner, "score", "relevance_score")
    return Document(
        id=identity,
        text=content,
        score=score if score is not None else first_number(metadata, "score"),
        title=first_text(inner, "title", "name") or first_text(metadata, "title"),
        span_id=span_id,
    )
