"""Braintrust: rows of project logs, one a span; scores, expected outputs and feedback stand in the row."""

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
from ingest.otlp import associations
from ingest.otlp.payloads import readable
from ingest.otlp.values import mapping, number
from ingest.shapes import Invalid

ENVELOPES = ("events", "rows", "data", "objects", "feedback")
_SPAN_FIELDS = frozenset(
    {"input", "output", "span_id", "root_span_id", "metrics", "span_attributes", "error"}
)


def read(found: Sequence[Piece]) -> Iterable[Entry]:
    """A row and its merges (`_is_merge`) of one request are one."""
    return each(joined(found, lambda item: item["id"] if isinstance(item.get("id"), str) else None), _read)


def _read(item: Json, entry: Entry) -> None:
    row_id = required(item, "id", "span_id")
    if item.keys() & _SPAN_FIELDS:
        span_id = stated(item, "span_id") or row_id
        trace_id = stated(item, "root_span_id") or span_id
        target = trace_target(trace_id, "" if span_id == trace_id else span_id)
        _trace(item, entry, row_id, trace_id, span_id)
    else:
        target = {"external": {"system": "braintrust", "id": row_id}}
    _statements(item, entry, row_id, target)
    if not entry.traces and not entry.scores and not entry.feedback:
        raise Invalid("", "has neither input, output, scores nor a comment")


def _trace(item: Json, entry: Entry, row_id: str, trace_id: str, span_id: str) -> None:
    metadata = mapping(item.get("metadata"))
    span = _span(item, span_id, metadata)
    is_root = item.get("is_root") is True or span_id == trace_id or not listed(item.get("span_parents"))
    if "started_at" not in span and not is_root:
        raise Invalid("created", "is required where metrics.start is missing")
    # A root row may come without any time; then it is a trace without spans.
    trace: Json = {"id": trace_id, "spans": [span] if "started_at" in span else []}
    if is_root:
        about = associations.read(metadata)
        trace |= {
            "name": span.get("name"),
            "started_at": span.get("started_at"),
            "ended_at": span.get("ended_at"),
            "error": None if trace["spans"] else span.get("error"),
            "input": content(item.get("input"), "user"),
            "output": content(item.get("output"), "assistant"),
            "session_id": about.session_id or about.conversation_id,
            "user_id": about.user_id,
            "environment": about.environment,
            "tags": plain(metadata) | tagged(item.get("tags")) | {"braintrust": row_id},
        }
        if item.get("expected") not in (None, ""):
            trace["expected"] = content(item["expected"], "assistant")
    entry.traces.append(known(trace))


def _span(item: Json, span_id: str, metadata: Json) -> Json:
    metrics, about = mapping(item.get("metrics")), mapping(item.get("span_attributes"))
    parents = [each for each in listed(item.get("span_parents")) if isinstance(each, str)]
    error = item.get("error")
    span = {
        "span_id": span_id,
        "parent_id": parents[0] if parents else "",
        "name": stated(about, "name"),
        "started_at": present(metrics, "start") or present(item, "created"),
        "ended_at": present(metrics, "end"),
        "status": "error" if error else None,
        "error": error if isinstance(error, str) else readable(error, "assistant"),
        "attributes": known(
            {
                "braintrust.span_attributes": about,
                "braintrust.input_json": item.get("input"),
                "braintrust.output_json": item.get("output"),
                "braintrust.expected": item.get("expected"),
                "braintrust.metrics": metrics,
                "braintrust.metadata": metadata,
            }
        ),
    }
    return known(span)


def _statements(item: Json, entry: Entry, row_id: str, target: Json) -> None:
    time = present(item, "created")
    source = {"app": "human", "external": "user"}.get(stated(item, "source"), "code")
    user = associations.read(item.get("metadata")).user_id
    for name, value in mapping(item.get("scores")).items():
        if number(value) is None and not isinstance(value, bool):
            continue
        body: dict[str, Any] = {
            "id": f"{row_id}:{name}"[:200],
            "target": target,
            "name": name[:200],
            "value": value,
        }
        body |= {"source": source, "timestamp": time, "explanation": stated(item, "comment")}
        add_statement(entry, body, user=user, force=source == "user")
    comments = mapping(item.get("comment"))
    comment = stated(comments, "text") or stated(item, "comment")
    if comment and not item.get("scores"):
        entry.feedback.append(
            known(
                {
                    "id": f"{row_id}:comment"[:200],
                    "target": target,
                    "kind": "comment",
                    "comment": comment,
                    "user": user,
                }
            )
        )
