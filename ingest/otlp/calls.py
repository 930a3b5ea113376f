"""Which model calls does a trace hold, counted once however many layers recorded them?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
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


# What a call is told by the span around it, where it is silent itself.
_LENT = ("model", "input_tokens", "output_tokens", "cost_usd", "finish", "output", "response_id")


def leaf_calls(
    spans: Sequence[SpanRecord], facts: Mapping[str, Facts], parents: Mapping[str, str]
) -> tuple[Call, ...]:
    """In order of start. A wrapper is left out when a call of its own sort was recorded below it."""
    generations = [span for span in spans if _is_generation(facts[span.span_id])]
    embeddings = [span for span in spans if facts[span.span_id].sort == Kind.EMBEDDING]
    found = [call for sort in (generations, embeddings) for call in _leaves(sort, facts, parents)]
    return tuple(sorted(found, key=lambda call: (call.started_at, call.span_id)))


def _leaves(
    spans: Sequence[SpanRecord], facts: Mapping[str, Facts], parents: Mapping[str, str]
) -> Iterator[Call]:
    leaves = _told_once(tree.leaves(spans, parents), facts, parents)
    around = tree.only_leaf_of(spans, leaves, parents)
    for leaf in leaves:
        call = _call(leaf, facts[leaf.span_id])
        for wrapper in around.get(leaf.span_id, ()):
            if facts[wrapper].sort != Kind.AGENT:
                call = _completed(call, facts[wrapper])
        yield call


def _told_once(
    leaves: Sequence[SpanRecord], facts: Mapping[str, Facts], parents: Mapping[str, str]
) -> list[SpanRecord]:
    """Without a second instrumentation's record of one call, which a shared response id gives away.

    One package may well repeat an id (a fake server does), so only those of different packages, at the same
    place and time, are one; the fuller record stays.
    """
    kept: list[SpanRecord] = []
    for span in sorted(leaves, key=lambda each: (-_fullness(facts[each.span_id]), each.span_id)):
        if not any(_same_call(span, other, facts, parents) for other in kept):
            kept.append(span)
    return kept


def _same_call(
    one: SpanRecord, other: SpanRecord, facts: Mapping[str, Facts], parents: Mapping[str, str]
) -> bool:
    response_id = facts[one.span_id].response_id
    return (
        bool(response_id)
        and response_id == facts[other.span_id].response_id
        and one.scope != other.scope
        and parents.get(one.span_id) == parents.get(other.span_id)
        and one.started_at <= (other.ended_at or one.started_at)
        and other.started_at <= (one.ended_at or other.started_at)
    )


def _fullness(facts: Facts) -> int:
    counted = facts.input_tokens is not None or facts.output_tokens is not None
    return 4 * counted + 2 * bool(facts.output) + bool(facts.input)


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
        **{name: getattr(facts, name) for name in _SAME},
        response_id=facts.response_id or span.response_id,
        error=(facts.error_type or message or "error") if failed else "",
        error_message=message,
        is_generation=facts.sort != Kind.EMBEDDING,
    )


def _completed(call: Call, wrapper: Facts) -> Call:
    """The call with what only the span around it recorded: often the content, or the price."""
    silent = {name: getattr(wrapper, name) for name in _LENT if getattr(call, name) in (None, "", ())}
    if not call.input and not call.system:
        silent |= {"system": wrapper.system, "input": wrapper.input}
    if call.error:
        silent.pop("output", None)
    return replace(call, **silent) if any(_says(silent.values())) else call


def _says(values: Iterable[object]) -> Iterator[bool]:
    return (value not in (None, "", ()) for value in values)


# What a call has of its span's facts, under the same names.
_SAME = tuple(
    {each.name for each in fields(Call)}
    & {each.name for each in fields(Facts)} - {"op", "response_id", "error_message"}
)


def error_message(span: SpanRecord, facts: Facts) -> str:
    """The exception's own message; a status text may hold a whole stack trace."""
    return facts.error_message or span.error
