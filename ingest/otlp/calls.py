"""Which model calls does a trace hold, counted once however many layers recorded them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.otlp import tree
from ingest.otlp.facts import Facts, Kind
from ingest.otlp.messages import Message
from ingest.records import SpanRecord


@dataclass(frozen=True, slots=True)
class Call:
    """One leaf model call. `error` is the error's type where one is known, else its message."""

    span_id: str
    name: str
    op: str
    started_at: datetime
    provider: str = ""
    model: str = ""
    response_model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    finish: tuple[str, ...] = ()
    system: str = ""
    input: tuple[Message, ...] = ()
    output: tuple[Message, ...] = ()
    response_id: str = ""
    error: str = ""
    error_message: str = ""
    is_generation: bool = True


def leaf_calls(
    spans: Sequence[SpanRecord], facts: Mapping[str, Facts], parents: Mapping[str, str]
) -> tuple[Call, ...]:
    """In order of start. A wrapper is left out when a call of its own sort was recorded below it."""
    generations = [span for span in spans if _is_generation(facts[span.span_id])]
    embeddings = [span for span in spans if facts[span.span_id].sort == Kind.EMBEDDING]
    leaves = [*tree.leaves(generations, parents), *tree.leaves(embeddings, parents)]
    leaves.sort(key=lambda span: (span.started_at, span.span_id))
    return tuple(_call(span, facts[span.span_id]) for span in leaves)


def _is_generation(facts: Facts) -> bool:
    """An agent counts when it tells of the model's work itself: no call below it may have been recorded."""
    if facts.sort == Kind.AGENT:
        return bool(facts.response_model) or facts.input_tokens is not None or facts.output_tokens is not None
    return facts.sort == Kind.GENERATION


def _call(span: SpanRecord, facts: Facts) -> Call:
    failed = span.status == "error" or bool(facts.error_type)
    message = error_message(span, facts) if failed else ""
    return Call(
        span_id=span.span_id,
        name=span.name,
        op=facts.op or facts.sort,
        started_at=span.started_at,
        provider=facts.provider,
        model=facts.model,
        response_model=facts.response_model,
        input_tokens=facts.input_tokens,
        output_tokens=facts.output_tokens,
        cost_usd=facts.cost_usd,
        finish=facts.finish,
        system=facts.system,
        input=facts.input,
        output=facts.output,
        response_id=facts.response_id or span.response_id,
        error=(facts.error_type or message or "error") if failed else "",
        error_message=message,
        is_generation=facts.sort != Kind.EMBEDDING,
    )


def error_message(span: SpanRecord, facts: Facts) -> str:
    """The exception's own message; a status text may hold a whole stack trace."""
    return facts.error_message or span.error
