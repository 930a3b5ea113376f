"""Which answer of a pair was which? Told after the submit; before it the two have letters alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ingest.models import Feedback, Trace
from reviewapp.review.models import ReviewItem

FACTS = {"prompt_version": "prompt", "prompt_name": "prompt", "model": "model", "route": "route"}


@dataclass(frozen=True, slots=True)
class Side:
    """`letter` is the one under which it stood on the screen; `facts` are names with their values."""

    letter: str
    trace: Trace
    aside: str
    facts: tuple[tuple[str, str], ...]


def of_item(item: ReviewItem, order: str) -> tuple[Side, ...]:
    """Of a pair, in the order of the screen; nothing of a single trace."""
    if item.other_trace is None:
        return ()
    traces = [item.trace if side == "a" else item.other_trace for side in order]
    anew = _regenerated(*traces)
    asides = [{None: "", trace.pk: "regenerated"}.get(anew, "first answer") for trace in traces]
    return tuple(
        Side(letter, trace, aside, tuple(_facts(trace)))
        for letter, trace, aside in zip("AB", traces, asides, strict=True)
    )


def _facts(trace: Trace) -> Iterator[tuple[str, str]]:
    """A prompt's version stands for its name, where it has one."""
    for column, word in FACTS.items():
        value = getattr(trace, column)
        if value and not (column == "prompt_name" and trace.prompt_version):
            yield word, value


def _regenerated(first: Trace, second: Trace) -> int | None:
    """The one of the two that its user asked for instead of the other."""
    said = Feedback.objects.filter(trace__in=[first, second], kind="regenerate")
    for trace, payload in said.order_by("-occurred_at", "-pk").values_list("trace_id", "payload"):
        other = second if trace == first.pk else first
        if isinstance(payload, dict) and payload.get("next_trace_id") == other.trace_id:
            return other.pk
    return None
