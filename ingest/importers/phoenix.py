"""Arize Phoenix: annotations of spans, traces and documents, and exported spans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ingest.importers.entries import (
    Entry,
    Piece,
    add_statement,
    each,
    known,
    listed,
    present,
    required,
    stated,
    trace_target,
)
from ingest.json_objects import Json
from ingest.otlp.values import flattened, mapping
from ingest.records import content_hash
from ingest.shapes import Invalid

ENVELOPES = ("data", "spans", "annotations")
_SOURCES = {"HUMAN": "human", "LLM": "llm", "CODE": "code"}
_STATUSES = {"OK": "ok", "ERROR": "error", "UNSET": "unset"}


def read(found: Sequence[Piece]) -> Iterable[Entry]:
    return each(found, _read)


def _read(item: Json, entry: Entry) -> None:
    if "annotator_kind" in item or isinstance(item.get("result"), dict):
        _annotation(item, entry)
    else:
        _span(item, entry)


def _annotation(item: Json, entry: Entry) -> None:
    trace_id, span_id = stated(item, "trace_id"), stated(item, "span_id")
    if not trace_id and not span_id:
        raise Invalid("span_id", "is required, or a trace_id")
    result = mapping(item.get("result")) or item
    name, identifier = required(item, "name"), stated(item, "identifier")
    metadata = mapping(item.get("metadata"))
    if item.get("document_position") is not None:
        metadata = metadata | {"document_position": item["document_position"]}
    # Phoenix keeps one annotation for each name, subject and identifier.
    subject = [trace_id, span_id, item.get("document_position"), name, identifier]
    add_statement(
        entry,
        {
            "id": f"phoenix:{content_hash('phoenix', subject).hex()[:40]}",
            "target": trace_target(trace_id, span_id),
            "name": name,
            "value": result.get("score"),
            "label": stated(result, "label"),
            "explanation": stated(result, "explanation"),
            "source": _SOURCES.get(stated(item, "annotator_kind").upper(), "llm"),
            "timestamp": present(item, "updated_at", "created_at"),
            "metadata": metadata,
            "evaluator": known({"name": identifier}),
        },
        user=stated(item, "user_id"),
    )


def _span(item: Json, entry: Entry) -> None:
    """A span in the shape of Phoenix's API, or a row of its data frame with dotted columns."""
    flat = {key: value for key, value in flattened(item).items() if value is not None}
    trace_id = required(flat, "context.trace_id", "trace_id")
    attributes = {
        key[11:]: value for key, value in flat.items() if key.startswith("attributes.") and value != ""
    }
    kind = stated(flat, "span_kind").upper()
    if kind and kind != "UNKNOWN":
        attributes.setdefault("openinference.span.kind", kind)
    code = stated(flat, "status_code", "status.code").upper().removeprefix("STATUS_CODE_")
    entry.traces.append(
        {
            "id": trace_id,
            "spans": [
                known(
                    {
                        "span_id": required(flat, "context.span_id", "span_id", "id"),
                        "parent_id": stated(flat, "parent_id"),
                        "name": stated(flat, "name"),
                        "started_at": present(flat, "start_time"),
                        "ended_at": present(flat, "end_time"),
                        "status": _STATUSES.get(code),
                        "error": stated(flat, "status_message"),
                        "attributes": attributes,
                        "events": [
                            _event(event) for event in listed(item.get("events")) if isinstance(event, dict)
                        ],
                    }
                )
            ],
        }
    )


def _event(event: Json) -> Json:
    return known(
        {
            "name": stated(event, "name") or "event",
            "time": present(event, "timestamp", "time"),
            "attributes": mapping(event.get("attributes")),
        }
    )
