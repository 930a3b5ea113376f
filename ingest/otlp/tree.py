"""How do the spans of a trace hang together: which is the root, and which model calls are leaves?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ingest.records import SpanRecord

# Server and consumer: they begin a service's part of a trace, their parent may be in another service.
ENTRY_KINDS = frozenset({2, 5})


def in_order(spans: Sequence[SpanRecord]) -> list[SpanRecord]:
    """One record a span id (an ended one before an open one, then the greatest hash), by start."""
    chosen = {
        span.span_id: span
        for span in sorted(spans, key=lambda each: (each.ended_at is not None, each.sha256))
    }
    return sorted(chosen.values(), key=lambda each: (each.started_at, each.span_id))


def parents_of(spans: Sequence[SpanRecord]) -> dict[str, str]:
    """The parent of each span, where the trace has it; the spans of a circle have none."""
    known = {span.span_id for span in spans}
    parents = {span.span_id: span.parent_id for span in spans if span.parent_id in known}
    settled: set[str] = set()
    for span in spans:
        path: dict[str, None] = {}
        at = span.span_id
        while at in parents and at not in settled and at not in path:
            path[at] = None
            at = parents[at]
        if at in path:
            steps = list(path)
            for circular in steps[steps.index(at) :]:
                del parents[circular]
        settled.update(path)
    return parents


def roots_of(spans: Sequence[SpanRecord], parents: Mapping[str, str]) -> list[SpanRecord]:
    """The spans without a parent in the trace; those that never had one come first."""
    return sorted(
        (span for span in spans if span.span_id not in parents), key=lambda each: bool(each.parent_id)
    )


def ancestors(of: Collection[str], parents: Mapping[str, str]) -> set[str]:
    """All spans above the given ones."""
    above: set[str] = set()
    for span_id in of:
        at = parents.get(span_id)
        while at is not None and at not in above:
            above.add(at)
            at = parents.get(at)
    return above


def leaves(spans: Sequence[SpanRecord], parents: Mapping[str, str]) -> list[SpanRecord]:
    """Those with none of the others below them."""
    covering = ancestors([span.span_id for span in spans], parents)
    return [span for span in spans if span.span_id not in covering]


def only_leaf_of(
    spans: Sequence[SpanRecord], leaves: Sequence[SpanRecord], parents: Mapping[str, str]
) -> dict[str, list[str]]:
    """By leaf, the spans above it that have no other leaf below them, from the inside out."""
    candidates = {span.span_id for span in spans}
    found: dict[str, list[str]] = {}
    below: dict[str, int] = {}
    for leaf in leaves:
        path = [span_id for span_id in ancestry(leaf.span_id, parents) if span_id in candidates]
        found[leaf.span_id] = path
        for span_id in path:
            below[span_id] = below.get(span_id, 0) + 1
    return {leaf: [span_id for span_id in path if below[span_id] == 1] for leaf, path in found.items()}


def ancestry(span_id: str, parents: Mapping[str, str]) -> Iterator[str]:
    """The spans above one, from the inside out."""
    at = parents.get(span_id)
    while at is not None:
        yield at
        at = parents.get(at)
