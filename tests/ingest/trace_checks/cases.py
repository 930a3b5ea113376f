"""Labelled examples of each check, as traces: `fails` says what a careful reader says of the trace."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from ingest.models import Trace
from ingest.otlp.calls import Call
from ingest.reading import Document, Message, Reading, ToolCall, read
from ingest.records import SpanRecord, TraceBody, content_hash
from ingest.trace_checks.catalogue import CHECKS
from ingest.trace_checks.running import Ready, made, run

FOLDER = Path(__file__).parent / "fixtures"
NOON = datetime(2026, 8, 6, 12, tzinfo=UTC)
DOCUMENTS = json.loads((FOLDER / "documents.json").read_text())


def span(span_id="call", *, status="ok", error="", attributes=None, name="step"):
    return SpanRecord(
        trace_id="t", span_id=span_id, parent_id="", name=name, kind=1, started_at=NOON, ended_at=NOON,
        status=status, error=error, scope="", response_id="", attributes=attributes or {}, events=[],
        resource={}, sha256=b"",
    )  # fmt: skip


def trace_of(case):
    """The reading and the spans of an example: made of a conversation, or read from what was sent."""
    if "steps" in case or "body" in case:
        spans = [_step(**step) for step in case.get("steps", ())]
        return read(spans, [], [_body(case["body"])] if "body" in case else []), spans
    question, answer = case.get("question", ""), case.get("answer", "")
    calls = tuple(ToolCall(each["name"], each["arguments"]) for each in case.get("calls", ()))
    said = Message("assistant", answer, calls)
    call = Call(
        span_id="call", name="chat", op="chat", started_at=NOON, output=(said,), error=case.get("error", ""),
        finish=(case["finish"],) if case.get("finish") else (),
    )  # fmt: skip
    documents = [Document(each["id"], each["text"]) for each in map(DOCUMENTS.get, case.get("docs", ()))]
    if "docs_text" in case:
        documents.append(Document("page", case["docs_text"]))
    told = [Message("tool", case["tool"])] if "tool" in case else []
    spans = [span(attributes=case.get("attributes"))]
    if "tool_span" in case:
        spans.append(_tool_span(**case["tool_span"]))
    output = answer or "\n".join(f"{each.name}({json.dumps(each.arguments)})" for each in calls)
    reading = Reading(
        calls=(call,), documents=tuple(documents), conversation=(Message("user", question), *told, said),
        input=question, output=output, io_source="calls", root_ended=True,
    )  # fmt: skip
    return reading, spans


def _step(id, parent, to, status="unset", error="", op="", attributes=None, **times):
    """Times in ms after noon; `op` makes it a step of the GenAI conventions."""
    named = {"gen_ai.operation.name": op} if op else {}
    return replace(
        span(id, status=status, error=error, attributes={**named, **(attributes or {})}),
        parent_id=parent,
        started_at=NOON + timedelta(milliseconds=times["from"]),
        ended_at=None if to is None else NOON + timedelta(milliseconds=to),
    )


def _body(fields):
    return TraceBody("t", NOON, None, NOON, fields, content_hash(fields))


def _tool_span(kind_attribute="gen_ai.operation.name", kind="execute_tool", attributes=None, **more):
    return span("tool", name="find", attributes={kind_attribute: kind, **(attributes or {})}, **more)


def judged(name, case, **parameters):
    """What the check says of the example: True, False, or None where it does not apply."""
    reading, spans = trace_of(case)
    checks: tuple[Ready, ...] = (made(CHECKS[name], parameters),)
    findings = run(checks, Trace(trace_id="t"), reading, spans)
    assert not any(finding.error_type for finding in findings), findings
    return findings[0].passed if findings else None


@dataclass(frozen=True)
class Measured:
    """Failure is what a check looks for; `missed` and `wrong` are the examples it got wrong."""

    name: str
    examples: int
    found: int
    missed: list[dict[str, object]]
    wrong: list[dict[str, object]]

    @property
    def precision(self) -> float:
        return self.found / (self.found + len(self.wrong))

    @property
    def recall(self) -> float:
        return self.found / (self.found + len(self.missed))


def examples_of(name):
    lines = (FOLDER / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line.strip()]


@lru_cache
def measure(name):
    examples = examples_of(name)
    failing = [case for case in examples if case["fails"]]
    said_failing = [case for case in examples if judged(name, case) is False]
    return Measured(
        name,
        len(examples),
        sum(case["fails"] for case in said_failing),
        [case for case in failing if case not in said_failing],
        [case for case in said_failing if not case["fails"]],
    )
