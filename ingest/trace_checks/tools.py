"""Did a tool fail on the way?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ingest.otlp.values import first_text, number, parse
from ingest.records import SpanRecord
from ingest.trace_checks.subject import Subject
from ingest.trace_checks.vocabulary import Compiled, Verdict, failed, passed

LONGEST_RESULT = 20_000
MOST_TOOL_SPANS = 200
LONGEST_MESSAGE = 200
MOST_MESSAGES = 100
_KINDS = (
    "gen_ai.operation.name",
    "openinference.span.kind",
    "traceloop.span.kind",
    "langfuse.observation.type",
    "ai.operationId",
)
_TOOL_KINDS = frozenset({"execute_tool", "tool", "ai.toolcall"})
_RESULTS = (
    "gen_ai.tool.call.result",
    "gen_ai.tool.output",
    "output.value",
    "traceloop.entity.output",
    "ai.toolCall.result",
    "tool_response",
    "langfuse.observation.output",
    "output",
)
_ERROR_TEXT = re.compile(
    r"(?:(?:unexpected |internal |fatal )?(?:error|exception|fehler)\b\s*(?:\d{3}\b)?\s*[:!(-]|"
    r"traceback \(most recent|(?:[a-z_.]{1,40})?(?:error|exception)\s*[:(]|http(?:/\d(?:\.\d)?)? ?[45]\d\d\b|"
    r"[45]\d\d (?:bad|unauthorized|forbidden|not|internal|service|gateway|too)|"
    r"(?:request|tool|call|query) (?:failed|timed out)|failed to |timed? ?out\b|"
    r"connection (?:refused|reset|error|timed out)|rate limit exceeded|permission denied|unauthorized\b|"
    r"(?:anfrage|abfrage|verbindung|aufruf) (?:fehlgeschlagen|abgebrochen)|zeitüberschreitung)",
    re.IGNORECASE,
)
_BAD_WORDS = frozenset({"error", "failed", "failure", "fail", "exception", "timeout", "fehler"})


def tool_error(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Applies to traces in which a tool ran: as a span of its own, or by an answer in the conversation."""
    ran, wrong = 0, ""
    for reason in (*_of_spans(subject), *_of_messages(subject)):
        ran += 1
        wrong = wrong or reason
    if wrong:
        return failed(wrong)
    return passed("No tool failed.") if ran else None


def _of_spans(subject: Subject) -> Iterator[str]:
    for span in [span for span in subject.spans if _is_tool(span)][:MOST_TOOL_SPANS]:
        if span.status == "error":
            yield f"The tool {_name(span)} failed: {span.error[:LONGEST_MESSAGE] or 'no message was sent'}"
        else:
            result = next((span.attributes[key] for key in _RESULTS if key in span.attributes), None)
            reason = error_in(result)
            yield f"The tool {_name(span)} returned an error: {reason}" if reason else ""


def _is_tool(span: SpanRecord) -> bool:
    attributes = span.attributes
    return any(str(attributes[key]).lower() in _TOOL_KINDS for key in _KINDS if key in attributes)


def _name(span: SpanRecord) -> str:
    found = first_text(
        span.attributes, "gen_ai.tool.name", "tool.name", "ai.toolCall.name", "traceloop.entity.name"
    )
    return (found or span.name)[:80]


def _of_messages(subject: Subject) -> Iterator[str]:
    for message in subject.reading.conversation[-MOST_MESSAGES:]:
        if message.role == "tool":
            reason = error_in(message.text)
            yield f"A tool returned an error: {reason}" if reason else ""


def error_in(result: Any) -> str:
    """The error that a tool's result states; '' where it states none."""
    if isinstance(result, str):
        said = result[:LONGEST_RESULT].lstrip()
        result = parse(said) if said[:1] == "{" else said
        if isinstance(result, str):
            return result[:LONGEST_MESSAGE] if _ERROR_TEXT.match(result) else ""
    return _stated(result) if isinstance(result, dict) else ""


def _stated(result: dict[str, Any]) -> str:
    for key in ("error", "errors", "exception", "error_message", "fehler", "Error"):
        value = result.get(key)
        if value and value is not True:
            return str(value)[:LONGEST_MESSAGE]
        if value is True:
            return str(result.get("message") or result.get("content") or "it says so")[:LONGEST_MESSAGE]
    message = str(result.get("message") or result.get("detail") or result.get("reason") or "")
    if (
        result.get("is_error") is True
        or result.get("isError") is True
        or result.get("success") is False
        or result.get("ok") is False
    ):
        return (message or str(result.get("content") or "it says so"))[:LONGEST_MESSAGE]
    code = next(
        (number(result[key]) for key in ("status_code", "statusCode", "status", "code") if key in result),
        None,
    )
    if code is not None and 400 <= code < 600:
        return f"{code:.0f} {message}".strip()[:LONGEST_MESSAGE]
    if str(result.get("status")).lower() in _BAD_WORDS:
        return (message or f"status {result['status']}")[:LONGEST_MESSAGE]
    inner = result.get("result") or result.get("output")
    return _stated(inner) if isinstance(inner, dict) else ""
