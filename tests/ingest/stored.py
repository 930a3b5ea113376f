"""Builds stored spans, log events and bodies as the reading takes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.records import LogEntry, SpanRecord, TraceBody, content_hash

START = datetime(2026, 9, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def span(
    span_id: str = "root",
    parent_id: str = "",
    *,
    start: float = 0,
    end: float | None = 1,
    status: str = "unset",
    error: str = "",
    kind: int = 1,
    name: str = "",
    events: list[tuple[str, dict[str, Any]]] = (),
    resource: dict[str, Any] | None = None,
    **attributes: Any,
) -> SpanRecord:
    """Keyword arguments are attributes; `__` in them stands for a dot."""
    dotted = {key.replace("__", "."): value for key, value in attributes.items()}
    listed = [{"name": each, "time": at(start).isoformat(), "attributes": said} for each, said in events]
    return SpanRecord(
        trace_id="t",
        span_id=span_id,
        parent_id=parent_id,
        name=name or span_id,
        kind=kind,
        started_at=at(start),
        ended_at=None if end is None else at(end),
        status=status,
        error=error,
        scope="test",
        response_id="",
        attributes=dotted,
        events=listed,
        resource=resource or {},
        sha256=content_hash(span_id, parent_id, start, end, status, error, repr(dotted), repr(listed)),
    )


def chat(span_id: str = "root", parent_id: str = "", **values: Any) -> SpanRecord:
    """A model call as the GenAI conventions have it."""
    values = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "m"} | values
    return span(span_id, parent_id, **values)


def said(role: str, text: str) -> dict[str, Any]:
    """A message of the GenAI conventions."""
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def log(
    name: str, body: Any = None, *, span_id: str = "root", time: float = 0, **attributes: Any
) -> LogEntry:
    dotted = {key.replace("__", "."): value for key, value in attributes.items()}
    digest = content_hash(name, repr(body), span_id, time, repr(dotted))
    return LogEntry("t", span_id, name, at(time), dotted, body, digest)


def body(*, time: float = 0, **fields: Any) -> TraceBody:
    return TraceBody("t", at(time), None, at(time), fields, content_hash(repr(sorted(fields.items()))))
