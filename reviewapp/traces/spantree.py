"""In which order and at which depth do a trace's spans appear, and where on the time line?

Parents may be missing, point in a circle or come later; every span is shown exactly once all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Row:
    """What the tree needs of a span; times in nanoseconds."""

    span_id: str
    parent_id: str
    name: str
    kind: int
    start_ns: int
    end_ns: int | None
    status: str
    error: str


@dataclass(frozen=True, slots=True)
class Node:
    """`x` and `width` place the bar, in per cent of the trace; `depth` stops at DEEPEST."""

    row: Row
    depth: int
    below: int
    orphan: bool
    x: float
    width: float

    @property
    def milliseconds(self) -> float | None:
        return None if self.row.end_ns is None else max(self.row.end_ns - self.row.start_ns, 0) / 1e6


@dataclass(frozen=True, slots=True)
class Tree:
    nodes: tuple[Node, ...]
    total: int
    errors: int

    @property
    def hidden(self) -> int:
        return self.total - len(self.nodes)


def grow(rows: Iterable[Row], most: int) -> Tree:
    """The first `most` spans from the top, children below their parents in order of start."""
    ordered = sorted(rows, key=lambda row: (row.start_ns, row.span_id))
    start, length = _extent(ordered)
    nodes: list[Node] = []
    for row, depth, below, orphan in _walk(ordered):
        if len(nodes) == most:
            break
        end = row.end_ns if row.end_ns is not None else start + length
        x = (row.start_ns - start) / length * 100
        width = max((end - row.start_ns) / length * 100, 0.0)
        nodes.append(
            Node(row, min(depth, DEEPEST), below, orphan, round(x, 2), round(min(width, 100 - x), 2))
        )
    return Tree(tuple(nodes), len(ordered), sum(row.status == "error" for row in ordered))


def _extent(rows: Sequence[Row]) -> tuple[int, int]:
    if not rows:
        return 0, 1
    start = rows[0].start_ns
    return start, max(max(max(row.end_ns or 0, row.start_ns) for row in rows) - start, 1)


def _walk(rows: Sequence[Row]) -> Iterator[tuple[Row, int, int, bool]]:
    """Depth first without recursion: (span, depth, number of children, parent missing)."""
    known = {row.span_id for row in rows}
    children: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        children[row.parent_id if row.parent_id in known else ""].append(row)
    seen: set[str] = set()
    # Spans in a circle hang on no root: each circle is entered at its earliest span.
    for top in [*children[""], *rows]:
        pending = [(top, 0)]
        while pending:
            row, depth = pending.pop()
            if row.span_id in seen:
                continue
            seen.add(row.span_id)
            below = children[row.span_id] if row.span_id else []
            yield row, depth, len(below), bool(row.parent_id) and row.parent_id not in known
            pending.extend((child, depth + 1) for child in reversed(below))
