"""Further instrumentations whose spans keep a step's whole input and output under names of their own.

Laminar, AgentOps, Braintrust, LangWatch, Haystack, Genkit and Promptflow differ in names only, so each is a
row of one table.
"""

from __future__ import annotations

from typing import NamedTuple

from ingest.json_objects import Json
from ingest.otlp import associations
from ingest.otlp.facts import Facts, Kind, SpanView, merge, read_documents
from ingest.otlp.payloads import first_stated, opened, read_request, read_response, readable, usage
from ingest.otlp.values import first_number, mapping


class Names(NamedTuple):
    """Where one package keeps its things. `kind` may be a key of an object, written `attribute:key`."""

    prefix: str
    given: tuple[str, ...]
    answered: tuple[str, ...]
    kind: tuple[str, ...] = ()
    session: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    usage: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    model: tuple[str, ...] = ()


PACKAGES = (
    Names(
        "lmnr.",
        ("lmnr.span.input",),
        ("lmnr.span.output",),
        kind=("lmnr.span.type",),
        session=("lmnr.association.properties.session_id",),
        user=("lmnr.association.properties.user_id",),
        metadata=("lmnr.association.properties.metadata.",),
    ),
    Names(
        "agentops.",
        ("agentops.entity.input",),
        ("agentops.entity.output",),
        kind=("agentops.span.kind",),
        session=("agentops.session.id",),
    ),
    Names(
        "braintrust.",
        ("braintrust.input_json", "braintrust.input"),
        ("braintrust.output_json", "braintrust.output"),
        kind=("braintrust.span_attributes:type",),
        usage=("braintrust.metrics",),
        metadata=("braintrust.metadata.", "braintrust.metadata"),
        model=("braintrust.metadata:model",),
    ),
    Names(
        "langwatch.",
        ("langwatch.input",),
        ("langwatch.output",),
        kind=("langwatch.span.type",),
        session=("langwatch.thread.id",),
        user=("langwatch.user.id",),
        metadata=("metadata",),
    ),
    Names(
        "haystack.",
        ("haystack.component.input", "haystack.pipeline.input_data"),
        ("haystack.component.output", "haystack.pipeline.output_data"),
    ),
    Names(
        "genkit:",
        ("genkit:input",),
        ("genkit:output",),
        kind=("genkit:metadata:subtype", "genkit:type"),
        session=("genkit:sessionId",),
    ),
    Names("promptflow.", ("inputs",), ("output",), kind=("span_type",)),
)
HEADS = frozenset(each.prefix.rstrip(".:") for each in PACKAGES) - {"promptflow"} | {"framework"}
_KINDS = {
    "llm": Kind.GENERATION,
    "model": Kind.GENERATION,
    "chat": Kind.GENERATION,
    "embedding": Kind.EMBEDDING,
    "embedder": Kind.EMBEDDING,
    "agent": Kind.AGENT,
    "rag": Kind.RETRIEVER,
    "retriever": Kind.RETRIEVER,
    "retrieval": Kind.RETRIEVER,
}


def read(view: SpanView) -> Facts | None:
    attributes = view.attributes
    names = next((each for each in PACKAGES if _speaks(attributes, each)), None)
    return _read(view, names) if names else None


def _speaks(attributes: Json, names: Names) -> bool:
    if names.prefix == "promptflow.":
        return attributes.get("framework") == "promptflow"
    return any(key.startswith(names.prefix) for key in attributes)


def _read(view: SpanView, names: Names) -> Facts:
    attributes = view.attributes
    op = _stated(attributes, names.kind).lower()
    kind = _KINDS.get(op, Kind.OTHER) if op else ""
    spoken = kind == Kind.GENERATION
    given, answered = (_value(attributes, keys) for keys in (names.given, names.answered))
    counted = mapping(_value(attributes, names.usage))
    input_tokens, output_tokens = usage(counted)
    told = Facts(
        kind=kind,
        op=op,
        model=_stated(attributes, names.model),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_usd=first_number(counted, "estimated_cost", "cost"),
        input=read_request(given) if spoken and given is not None else (),
        output=read_response(answered) if spoken and answered is not None else (),
        input_text="" if spoken else readable(given, "user"),
        output_text="" if spoken else readable(answered, "assistant"),
        documents=read_documents(opened(answered), view.span.span_id) if kind == Kind.RETRIEVER else (),
        session_id=_stated(attributes, names.session),
        user_id=_stated(attributes, names.user),
    )
    return merge([told, *_associations(attributes, names)])


def _associations(attributes: Json, names: Names) -> list[Facts]:
    dotted = tuple(key for key in names.metadata if key.endswith("."))
    whole = [attributes.get(key) for key in names.metadata if not key.endswith(".")]
    return [associations.read(each) for each in (associations.under(attributes, *dotted), *whole) if each]


def _value(attributes: Json, keys: tuple[str, ...]) -> object:
    """The first that is there; LangWatch wraps each as `{"type": ..., "value": ...}`."""
    found = next((opened(attributes[key]) for key in keys if attributes.get(key) is not None), None)
    return found["value"] if isinstance(found, dict) and found.keys() == {"type", "value"} else found


def _stated(attributes: Json, keys: tuple[str, ...]) -> str:
    for key in keys:
        attribute, colon, inner = key.rpartition(":")
        if colon and key not in attributes and attribute in attributes:
            if said := first_stated(mapping(attributes[attribute]), inner):
                return said
        elif said := first_stated(attributes, key):
            return said
    return ""
