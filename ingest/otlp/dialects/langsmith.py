"""LangSmith over OpenTelemetry: each run's whole inputs and outputs in `gen_ai.prompt` and its sister."""

from __future__ import annotations

from ingest.json_objects import Json
from ingest.otlp import associations
from ingest.otlp.facts import Facts, Kind, SpanView, merge, read_documents
from ingest.otlp.payloads import finish_reasons, opened, read_request, read_response, readable, usage
from ingest.otlp.values import first_text, mapping

# Raw inputs and outputs, not what other dialects mean by these names.
CLAIMS = ("gen_ai.prompt", "gen_ai.completion")

_METADATA = "langsmith.metadata."
_KINDS = {"llm": Kind.GENERATION, "embedding": Kind.EMBEDDING, "retriever": Kind.RETRIEVER}
_OPS = {"llm": "chat", "embedding": "embeddings", "retriever": "retrieval", "tool": "execute_tool"}


def read(view: SpanView) -> Facts | None:
    attributes = view.attributes
    run_type = first_text(attributes, "langsmith.span.kind").lower()
    if not run_type:
        return None
    kind = _KINDS.get(run_type, Kind.OTHER)
    given = attributes.get("gen_ai.prompt", attributes.get("input.value"))
    answered = attributes.get("gen_ai.completion", attributes.get("output.value"))
    spoken = kind in (Kind.GENERATION, Kind.EMBEDDING)
    metadata = associations.under(attributes, _METADATA)
    input_tokens, output_tokens = usage(metadata.get("usage_metadata"))
    told = Facts(
        kind=kind,
        op=_OPS.get(run_type, run_type),
        provider=first_text(metadata, "ls_provider"),
        model=first_text(metadata, "ls_model_name"),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        finish=finish_reasons(answered) if spoken else (),
        input=read_request(given) if spoken and given is not None else (),
        output=read_response(answered) if kind == Kind.GENERATION and answered is not None else (),
        input_text="" if spoken else readable(given, "user"),
        output_text="" if spoken else readable(answered, "assistant"),
        documents=read_documents(_output(answered), view.span.span_id) if kind == Kind.RETRIEVER else (),
    )
    return merge([told, _association(attributes, metadata)])


def _output(value: object) -> object:
    found = mapping(value)
    return opened(found.get("output", found.get("documents", value)))


def _association(attributes: Json, metadata: Json) -> Facts:
    told = associations.read(
        {key: value for key, value in metadata.items() if not key.startswith(("LANGSMITH_", "ls_", "usage_"))}
    )
    listed = first_text(attributes, "langsmith.span.tags")
    told.tags |= dict.fromkeys((tag.strip() for tag in listed.split(",") if tag.strip()), True)
    return told
