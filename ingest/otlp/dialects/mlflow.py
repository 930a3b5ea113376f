"""MLflow's tracing, exported over OTLP: every attribute is JSON, strings too."""

from __future__ import annotations

from ingest.json_objects import Json
from ingest.otlp import associations
from ingest.otlp.facts import Facts, Kind, SpanView, merge, read_documents
from ingest.otlp.payloads import finish_reasons, opened, read_request, read_response, readable, stated, usage
from ingest.otlp.values import first_number, mapping

_KINDS = {
    "CHAT_MODEL": Kind.GENERATION,
    "LLM": Kind.GENERATION,
    "EMBEDDING": Kind.EMBEDDING,
    "AGENT": Kind.AGENT,
    "RETRIEVER": Kind.RETRIEVER,
    "RERANKER": Kind.RETRIEVER,
}


def read(view: SpanView) -> Facts:
    attributes = view.attributes
    op = stated(attributes.get("mlflow.spanType"))
    kind = _KINDS.get(op, Kind.OTHER) if op else ""
    given, answered = attributes.get("mlflow.spanInputs"), attributes.get("mlflow.spanOutputs")
    spoken = kind in (Kind.GENERATION, Kind.EMBEDDING)
    input_tokens, output_tokens = usage(attributes.get("mlflow.chat.tokenUsage"))
    answer = mapping(answered)
    told = Facts(
        kind=kind,
        op=op,
        provider=stated(attributes.get("mlflow.llm.provider")),
        model=stated(attributes.get("mlflow.llm.model")) or stated(mapping(given).get("model")),
        response_model=stated(answer.get("model")) if spoken else "",
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        finish=finish_reasons(answered) if spoken else (),
        cost_usd=first_number(mapping(attributes.get("mlflow.llm.cost")), "total_cost", "total"),
        input=read_request(given) if spoken and given is not None else (),
        output=read_response(answered) if kind == Kind.GENERATION and answered is not None else (),
        response_id=stated(answer.get("id")) if spoken else "",
        input_text="" if spoken else readable(given, "user"),
        output_text="" if spoken else readable(answered, "assistant"),
        documents=read_documents(opened(answered), view.span.span_id) if kind == Kind.RETRIEVER else (),
    )
    return merge([told, _association(attributes)])


def _association(attributes: Json) -> Facts:
    named = associations.under(attributes, "mlflow.trace.")
    return associations.read({key: named[key] for key in ("session", "user") if key in named})
