"""OpenLLMetry (Traceloop): workflows, tasks and tools around calls, and `llm.*` of its early years.

Its model calls speak the GenAI conventions, older ones as `gen_ai.prompt.N.*`.
"""

from __future__ import annotations

from ingest.json_objects import Json
from ingest.otlp import associations
from ingest.otlp.facts import Facts, Kind, SpanView, finish_reason, merge
from ingest.otlp.messages import Message, read_message
from ingest.otlp.payloads import readable
from ingest.otlp.values import first_count, first_text, numbered

INDEXED = ("llm.prompts.", "llm.completions.")

_KINDS = {
    "chat": Kind.GENERATION,
    "completion": Kind.GENERATION,
    "embedding": Kind.EMBEDDING,
    "rerank": Kind.RETRIEVER,
    "workflow": Kind.OTHER,
    "task": Kind.OTHER,
    "tool": Kind.OTHER,
    "agent": Kind.AGENT,
}
_LEGACY = (
    "llm.request.type",
    "llm.request.model",
    "llm.response.model",
    "llm.vendor",
    "llm.usage.total_tokens",
)


def read(view: SpanView) -> Facts | None:
    attributes = view.attributes
    if not any(key.startswith("traceloop.") for key in attributes) and not any(map(attributes.get, _LEGACY)):
        return None
    op = first_text(attributes, "llm.request.type", "traceloop.span.kind").lower()
    completions = numbered(view.indexed, "llm.completions")
    told = Facts(
        kind=_KINDS.get(op, ""),
        op=op,
        provider=first_text(attributes, "llm.vendor"),
        model=first_text(attributes, "llm.request.model"),
        response_model=first_text(attributes, "llm.response.model"),
        input_tokens=first_count(attributes, "llm.usage.prompt_tokens"),
        output_tokens=first_count(attributes, "llm.usage.completion_tokens"),
        finish=tuple(
            finish_reason(said) for each in completions if (said := first_text(each, "finish_reason"))
        ),
        input=_messages(numbered(view.indexed, "llm.prompts"), "user"),
        output=_messages(completions, "assistant"),
        input_text=readable(attributes.get("traceloop.entity.input"), "user"),
        output_text=readable(attributes.get("traceloop.entity.output"), "assistant"),
        prompt_name=first_text(attributes, "traceloop.prompt.key"),
        prompt_version=first_text(attributes, "traceloop.prompt.version"),
        workflow=first_text(attributes, "traceloop.workflow.name"),
    )
    return merge([told, associations.read(_association_properties(attributes))])


def _association_properties(attributes: Json) -> Json:
    return associations.under(attributes, "traceloop.association.properties.")


def _messages(entries: list[Json], role: str) -> tuple[Message, ...]:
    spoken = [each for each in entries if each.keys() & {"role", "content"}]
    return tuple(message for each in spoken for message in read_message(each, role))
