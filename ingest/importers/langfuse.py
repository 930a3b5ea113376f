"""Langfuse: ingestion batches of its SDKs, scores, and exported traces and observations.

An observation becomes a span with the attributes its own OpenTelemetry SDK would have sent, so that both
roads read alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ingest.importers.entries import (
    Entry,
    Piece,
    add_statement,
    content,
    each,
    joined,
    known,
    listed,
    plain,
    present,
    required,
    stated,
    tagged,
    trace_target,
)
from ingest.json_objects import Json
from ingest.otlp.values import mapping, number
from ingest.shapes import Invalid

ENVELOPES = ("batch", "data", "traces", "observations", "scores")
_SOURCES = {"API": "code", "ANNOTATION": "human", "EVAL": "llm"}
_TYPES = {
    "span-create": "SPAN",
    "span-update": "SPAN",
    "generation-create": "GENERATION",
    "generation-update": "GENERATION",
    "event-create": "EVENT",
}


def read(found: Sequence[Piece]) -> Iterable[Entry]:
    """A create and its updates of one request are one."""
    return each(joined(map(_without_envelope, found), _identity), _read)


def _without_envelope(piece: Piece) -> Piece:
    """An event of a batch as the thing in it, which then knows its sort and a time."""
    item = piece.item
    body = item.get("body")
    if not isinstance(item.get("type"), str) or not isinstance(body, dict):
        return Piece(piece.positions, item | {"_sort": _sort(item)})
    kind = item["type"]
    sort = "score" if kind == "score-create" else "trace" if kind == "trace-create" else kind
    if kind in _TYPES or kind.startswith(
        ("observation-", "agent-", "tool-", "chain-", "retriever-", "embedding-")
    ):
        sort = "observation"
        body = {"type": _TYPES.get(kind, kind.partition("-")[0].upper())} | body
        if kind.endswith("-update"):
            body = {"_update": True} | body
    return Piece(piece.positions, {"_time": item.get("timestamp")} | body | {"_sort": sort})


def _sort(item: Json) -> str:
    if "value" in item or "stringValue" in item:
        return "score"
    return "observation" if item.keys() & {"traceId", "parentObservationId", "startTime"} else "trace"


def _identity(item: Json) -> Any:
    return (
        (item["_sort"], item["id"]) if isinstance(item.get("id"), str) and item["_sort"] != "score" else None
    )


def _read(item: Json, entry: Entry) -> None:
    match item["_sort"]:
        case "score":
            _score(item, entry)
        case "observation":
            entry.traces.append({"id": required(item, "traceId", "trace_id", "id"), "spans": [_span(item)]})
        case "trace":
            _trace(item, entry)
        case "sdk-log":
            pass
        case other:
            raise Invalid("type", f"{other!r} is no event of Langfuse")


def _trace(item: Json, entry: Entry) -> None:
    trace_id = required(item, "id")
    labels = {name: item.get(name) for name in ("version", "release")}
    entry.traces.append(
        known(
            {
                "id": trace_id,
                "name": stated(item, "name"),
                "started_at": present(item, "timestamp", "createdAt", "_time"),
                "input": content(item.get("input"), "user"),
                "output": content(item.get("output"), "assistant"),
                "session_id": stated(item, "sessionId"),
                "user_id": stated(item, "userId"),
                "environment": stated(item, "environment"),
                "tags": plain(item.get("metadata")) | known(labels) | tagged(item.get("tags")),
                "cost_usd": _amount(item.get("totalCost")),
                "spans": [
                    _span(observation)
                    for observation in listed(item.get("observations"))
                    if isinstance(observation, dict)
                ],
            }
        )
    )
    for score in listed(item.get("scores")):
        if isinstance(score, dict):
            _score({"traceId": trace_id} | score, entry)


def _span(item: Json) -> Json:
    """An update whose beginning came in another request is a span within it, since neither may be lost."""
    span_id, parent_id = required(item, "id"), stated(item, "parentObservationId")
    if item.get("_update") and not item.get("startTime"):
        span_id, parent_id = f"{span_id}:update"[:128], span_id
    kind = stated(item, "type").upper()
    level = stated(item, "level").upper()
    message = stated(item, "statusMessage")
    return known(
        {
            "span_id": span_id,
            "parent_id": parent_id,
            "name": stated(item, "name"),
            "started_at": present(item, "startTime", "_time"),
            "ended_at": present(item, "endTime"),
            "status": "error" if level == "ERROR" else None,
            "error": message if level == "ERROR" else None,
            "attributes": known(
                {
                    "langfuse.observation.type": kind.lower() or "span",
                    "langfuse.observation.input": item.get("input"),
                    "langfuse.observation.output": item.get("output"),
                    "langfuse.observation.model.name": stated(
                        item, "model", "internalModel", "providedModelName"
                    ),
                    "langfuse.observation.model.parameters": item.get("modelParameters"),
                    "langfuse.observation.usage_details": _usage(item),
                    "langfuse.observation.cost_details": _cost(item),
                    "langfuse.observation.prompt.name": stated(item, "promptName"),
                    "langfuse.observation.prompt.version": item.get("promptVersion"),
                    "langfuse.observation.metadata": item.get("metadata"),
                    "langfuse.observation.level": level,
                    "langfuse.observation.status_message": message,
                    "langfuse.environment": stated(item, "environment"),
                    "langfuse.version": stated(item, "version"),
                }
            ),
        }
    )


def _usage(item: Json) -> Json:
    details = mapping(item.get("usageDetails")) or mapping(item.get("usage"))
    if not details:
        details = {"input": item.get("promptTokens"), "output": item.get("completionTokens")}
    return {key: value for key, value in details.items() if isinstance(value, int | float)}


def _cost(item: Json) -> Json:
    details = mapping(item.get("costDetails"))
    total = present(item, "calculatedTotalCost", "totalCost", "totalPrice")
    total = total if total is not None else mapping(item.get("usage")).get("totalCost")
    return details or ({"total": total} if total is not None else {})


def _score(item: Json, entry: Entry) -> None:
    trace_id = stated(item, "traceId", "trace_id")
    span_id = stated(item, "observationId")
    if not trace_id and not span_id:
        raise Invalid("traceId", "is required: a score of a session has no target here")
    value, label = present(item, "value"), stated(item, "stringValue")
    if isinstance(item.get("value"), int | float):
        value = item["value"]
    if stated(item, "dataType").upper() == "BOOLEAN" and number(value) in (0, 1):
        value, label = bool(number(value)), ""
    if isinstance(value, str):
        value, label = None, label or str(value)
    add_statement(
        entry,
        {
            "id": stated(item, "id"),
            "target": trace_target(trace_id, span_id),
            "name": required(item, "name"),
            "value": value,
            "label": label,
            "explanation": stated(item, "comment"),
            "source": _SOURCES.get(stated(item, "source").upper(), "code"),
            "timestamp": present(item, "timestamp", "_time"),
            "metadata": mapping(item.get("metadata")),
        },
        user=stated(item, "authorUserId"),
    )


def _amount(value: Any) -> float | None:
    found = number(value)
    return found if found is not None and found > 0 else None
