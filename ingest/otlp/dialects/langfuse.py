"""Langfuse's SDKs: `langfuse.observation.*` of each step, `langfuse.trace.*` of the whole."""

from __future__ import annotations

from typing import Any

from ingest.json_objects import Json
from ingest.otlp import associations
from ingest.otlp.facts import Facts, Kind, SpanView, finish_reason, merge, read_documents
from ingest.otlp.payloads import finish_reasons, opened, read_request, read_response, readable, usage
from ingest.otlp.values import first_number, first_text, mapping, texts

_OWN = "langfuse."
_STEP = "langfuse.observation."
_TRACE = "langfuse.trace."
_KINDS = {
    "generation": Kind.GENERATION,
    "embedding": Kind.EMBEDDING,
    "agent": Kind.AGENT,
    "retriever": Kind.RETRIEVER,
}


def read(view: SpanView) -> Facts:
    attributes = view.attributes
    op = first_text(attributes, f"{_STEP}type").lower()
    kind = _KINDS.get(op, Kind.OTHER) if op else ""
    given, answered = attributes.get(f"{_STEP}input"), attributes.get(f"{_STEP}output")
    model = first_text(attributes, f"{_STEP}model.name", f"{_STEP}model")
    spoken = kind in (Kind.GENERATION, Kind.EMBEDDING)
    input_tokens, output_tokens = usage(attributes.get(f"{_STEP}usage_details"))
    told = Facts(
        kind=kind,
        op=op,
        model=model,
        response_model=model,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_usd=_cost(attributes.get(f"{_STEP}cost_details")),
        finish=_finish(attributes),
        input=read_request(given) if spoken and given is not None else (),
        output=read_response(answered) if kind == Kind.GENERATION and answered is not None else (),
        input_text="" if spoken else readable(given, "user"),
        output_text="" if spoken else readable(answered, "assistant"),
        documents=read_documents(opened(answered), view.span.span_id) if kind == Kind.RETRIEVER else (),
        error_message=_failure(view),
        error_type="error" if _failed(view) and view.span.status != "error" else "",
        stated_input=readable(attributes.get(f"{_TRACE}input"), "user"),
        stated_output=readable(attributes.get(f"{_TRACE}output"), "assistant"),
        prompt_name=first_text(attributes, f"{_STEP}prompt.name"),
        prompt_version=first_text(attributes, f"{_STEP}prompt.version"),
        workflow=first_text(attributes, f"{_TRACE}name"),
        environment=first_text(attributes, "langfuse.environment")
        or first_text(view.span.resource, "langfuse.environment"),
    )
    return merge([told, _association(attributes)])


def _association(attributes: Json) -> Facts:
    told = associations.read(associations.under(attributes, f"{_TRACE}metadata."))
    told.session_id = first_text(attributes, "langfuse.session.id") or told.session_id
    told.user_id = first_text(attributes, "langfuse.user.id") or told.user_id
    named = {name: first_text(attributes, f"{_OWN}{name}") for name in ("version", "release")}
    told.tags |= {name: value for name, value in named.items() if value}
    told.tags |= dict.fromkeys(texts(attributes.get(f"{_TRACE}tags")), True)
    return told


def _cost(value: Any) -> float | None:
    """The total, else the sum of its parts."""
    parts = mapping(value)
    total = first_number(parts, "total")
    known = [amount for key in parts if (amount := first_number(parts, key)) is not None]
    return total if total is not None or not known else sum(known)


def _finish(attributes: Json) -> tuple[str, ...]:
    said = first_text(attributes, f"{_STEP}metadata.finish_reason")
    return (finish_reason(said),) if said else finish_reasons(attributes.get(f"{_STEP}output"))


def _failed(view: SpanView) -> bool:
    return first_text(view.attributes, f"{_STEP}level").upper() == "ERROR"


def _failure(view: SpanView) -> str:
    return first_text(view.attributes, f"{_STEP}status_message") if _failed(view) else ""
