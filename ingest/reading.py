"""What a trace says: its model calls, documents, input and output, read from whatever dialect it came in.

A reading is a pure function of the stored rows, so the order in which they arrived cannot matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from ingest import native_bodies
from ingest.json_objects import Json
from ingest.otlp import tree
from ingest.otlp.calls import Call, error_message, leaf_calls
from ingest.otlp.dialects import read_span
from ingest.otlp.facts import Document, Event, Facts, Kind, SpanView
from ingest.otlp.messages import Message, ToolCall, last_text, last_word
from ingest.otlp.values import first_text, number
from ingest.records import LogEntry, SpanRecord, TraceBody

N = TypeVar("N", int, float)

__all__ = ["Call", "Document", "Message", "Reading", "ToolCall", "read"]


@dataclass(frozen=True, slots=True)
class Reading:
    """`io_source` says where input and output were found: body, root or calls; `a/b` if not in one place."""

    calls: tuple[Call, ...] = ()
    documents: tuple[Document, ...] = ()
    conversation: tuple[Message, ...] = ()
    name: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    input: str = ""
    output: str = ""
    io_source: str = ""
    model: str = ""
    provider: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    route: str = ""
    environment: str = ""
    session_id: str = ""
    user_id: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None
    status: str = "unset"
    error: str = ""
    tags: Json = field(default_factory=dict)
    span_count: int = 0
    error_count: int = 0
    root_ended: bool = False
    flags: tuple[str, ...] = ()


def read(spans: Sequence[SpanRecord], logs: Sequence[LogEntry], bodies: Sequence[TraceBody]) -> Reading:
    """Never raises for what senders sent; equal rows in any order give an equal reading."""
    ordered = tree.in_order(spans)
    return _Trace(ordered, _read_spans(ordered, logs), native_bodies.merge(bodies)).reading()


def _read_spans(spans: Iterable[SpanRecord], logs: Sequence[LogEntry]) -> dict[str, Facts]:
    of_span: dict[str, list[Event]] = {}
    for log in sorted(logs, key=_log_order):
        if log.span_id:
            of_span.setdefault(log.span_id, []).append(Event(_event_name(log), log.attributes, log.body))
    return {
        span.span_id: read_span(
            SpanView(span, span.attributes, [*_events(span), *of_span.get(span.span_id, ())])
        )
        for span in spans
    }


# The parts of a conversation when a coarse clock gave them one time.
_LOG_RANK = {"gen_ai.system.message": 0, "gen_ai.user.message": 1, "gen_ai.choice": 3}


def _event_name(log: LogEntry) -> str:
    return log.name or first_text(log.attributes, "event.name")


def _log_order(log: LogEntry) -> tuple[datetime, float, int, bytes]:
    index = number(log.attributes.get("gen_ai.message.index"))
    return log.occurred_at, index if index is not None else 0, _LOG_RANK.get(_event_name(log), 2), log.sha256


def _events(span: SpanRecord) -> Iterator[Event]:
    for event in span.events:
        attributes = event.get("attributes")
        yield Event(first_text(event, "name"), attributes if isinstance(attributes, dict) else {})


class _Trace:
    """The spans in order with what each says, and the bodies as one: everything a reading is taken from."""

    def __init__(
        self, spans: Sequence[SpanRecord], facts: Mapping[str, Facts], body: native_bodies.Merged
    ) -> None:
        self.spans = spans
        self.facts = facts
        self.body = body
        self.parents = tree.parents_of(spans)
        roots = tree.roots_of(spans, self.parents)
        self.root = roots[0] if roots else None
        self.roots = roots
        self.root_facts = facts[roots[0].span_id] if roots else Facts()
        # Root first: what is inherited over the trace is asked in this order.
        self.inherited = [self.root_facts, *(facts[span.span_id] for span in spans if span is not self.root)]
        self.calls = leaf_calls(spans, facts, self.parents)

    def reading(self) -> Reading:
        body = self.body
        answer = self._answering_call()
        texts = self._input_and_output()
        return Reading(
            calls=self.calls,
            documents=body.documents or _distinct(facts.documents for facts in self.facts.values()),
            conversation=self._conversation(texts),
            name=self.root.name if self.root else "",
            started_at=body.started_at or self._started_at(),
            ended_at=body.ended_at or self._ended_at(),
            input=texts.input,
            output=texts.output,
            io_source=texts.source,
            model=body.text("model") or (answer.response_model or answer.model if answer else ""),
            provider=body.text("provider") or (answer.provider if answer else ""),
            prompt_name=body.text("prompt_name") or self._inherit("prompt_name"),
            prompt_version=body.text("prompt_version") or self._inherit("prompt_version"),
            route=body.text("route") or self._route(),
            environment=body.text("environment") or self._inherit("environment"),
            session_id=body.text("session_id") or self._inherit("session_id", "conversation_id"),
            user_id=body.text("user_id") or self._inherit("user_id"),
            input_tokens=_first(body.tokens("input"), _sum(call.input_tokens for call in self.calls)),
            output_tokens=_first(body.tokens("output"), _sum(call.output_tokens for call in self.calls)),
            cost_usd=_first(body.amount("cost_usd"), _sum(call.cost_usd for call in self.calls)),
            latency_ms=_first(body.amount("latency_ms"), self._latency_ms()),
            status=body.status or self._status(),
            error=body.text("error") or self._error(),
            tags=self.root_facts.tags | body.tags,
            span_count=len(self.spans),
            error_count=sum(span.status == "error" for span in self.spans),
            root_ended=self._root_ended(),
            flags=tuple(self._flags()),
        )

    def _generations(self, *, successful: bool = False) -> list[Call]:
        return [call for call in self.calls if call.is_generation and not (successful and call.error)]

    def _answering_call(self) -> Call | None:
        """The last successful generation with a text, else the last that comes nearest to one."""
        successful = self._generations(successful=True)
        answered = [call for call in successful if last_text(call.output, "assistant")]
        choices = (answered, successful, self._generations(), self.calls)
        return next((calls[-1] for calls in choices if calls), None)

    def _input_and_output(self) -> _Texts:
        given = _found(self.body.input_text, self._root_word("input", "user"), self._first_question())
        answered = _found(self.body.output_text, self._root_word("output", "assistant"), self._last_answer())
        sources = dict.fromkeys(source for source, said in (given, answered) if said)
        return _Texts(given[1], answered[1], "/".join(sources))

    def _root_word(self, side: str, role: str) -> str:
        """A model call's messages say more than its raw request; other spans' text is to be read."""
        facts = self.root_facts
        spoken, written = last_word(getattr(facts, side), role), getattr(facts, f"{side}_text")
        first, second = (spoken, written) if facts.sort == Kind.GENERATION else (written, spoken)
        return self._inherit(f"stated_{side}") or first or second

    def _first_question(self) -> str:
        calls = self._generations() or self.calls
        return last_word(calls[0].input, "user") if calls else ""

    def _last_answer(self) -> str:
        call = self._answering_call()
        return last_word(call.output, "assistant") if call and not call.error else ""

    def _conversation(self, texts: _Texts) -> tuple[Message, ...]:
        """The posted messages, else those of the most complete call, else input and output as two."""
        calls = self._generations(successful=True) or self._generations()
        posted = self.body.input + self.body.output
        if posted and not (calls and isinstance(self.body.fields.get("input", ""), str)):
            return posted
        if calls:
            call = max(reversed(calls), key=lambda each: len(each.input) + len(each.output))
            system = (Message("system", call.system),) if call.system else ()
            return system + call.input + call.output
        spoken = (Message("user", texts.input), Message("assistant", texts.output))
        return tuple(message for message in spoken if message.text)

    def _inherit(self, *names: str) -> str:
        values = (getattr(facts, name) for name in names for facts in self.inherited)
        return next((value for value in values if value), "")

    def _route(self) -> str:
        return self._inherit("route") or self.root_facts.http_route or self._inherit("workflow", "agent")

    def _started_at(self) -> datetime | None:
        if self.root and not self.root.parent_id:
            return self.root.started_at
        return self.spans[0].started_at if self.spans else None

    def _ended_at(self) -> datetime | None:
        if self.root and not self.root.parent_id:
            return self.root.ended_at
        return max((span.ended_at for span in self.spans if span.ended_at), default=None)

    def _latency_ms(self) -> float | None:
        started_at = self.body.started_at or self._started_at()
        ended_at = self.body.ended_at or self._ended_at()
        if started_at is None or ended_at is None:
            return None
        return max((ended_at - started_at) / timedelta(milliseconds=1), 0.0)

    def _entries(self) -> list[SpanRecord]:
        return [root for root in self.roots if not root.parent_id] or [
            root for root in self.roots if root.kind in tree.ENTRY_KINDS
        ]

    def _root_ended(self) -> bool:
        entries = self._entries()
        return self.body.has_ended or (bool(entries) and all(entry.ended_at for entry in entries))

    def _status(self) -> str:
        if self.root and self.root.status == "error":
            return "error"
        return "ok" if self._root_ended() or (self.root and self.root.status == "ok") else "unset"

    def _error(self) -> str:
        if not self.root or self.root.status != "error":
            return ""
        kind, message = self.root_facts.error_type, error_message(self.root, self.root_facts)
        return f"{kind}: {message}" if kind and message and kind not in message else message or kind

    def _flags(self) -> Iterator[str]:
        """What a reader of the trace should know before trusting it."""
        if self.body.conflicting:
            yield "conflicting_bodies"
        if self.spans and all(root.parent_id for root in self.roots):
            yield "root_missing"
        if sum(not root.parent_id for root in self.roots) > 1:
            yield "several_roots"


@dataclass(frozen=True, slots=True)
class _Texts:
    input: str
    output: str
    source: str


def _found(body: str, root: str, calls: str) -> tuple[str, str]:
    named = (("body", body), ("root", root), ("calls", calls))
    return next(((source, said) for source, said in named if said), ("", ""))


def _distinct(of_spans: Iterable[Sequence[Document]]) -> tuple[Document, ...]:
    """One document once, where it was first found."""
    found: dict[tuple[str, str], Document] = {}
    for documents in of_spans:
        for document in documents:
            found.setdefault((document.id, document.text), document)
    return tuple(found.values())


def _first(stated: N | None, otherwise: N | None) -> N | None:
    return otherwise if stated is None else stated


def _sum(amounts: Iterable[N | None]) -> N | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known[1:], known[0]) if known else None
