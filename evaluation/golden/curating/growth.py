"""How has a dataset grown? One step per version, in per cent of a chart's width and height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from evaluation.golden.models import GoldenVersion


@dataclass(frozen=True, slots=True)
class Step:
    """One version in the chart of cases over time: percentages of width and height."""

    number: int
    items: int
    x: float
    y: float


def steps(versions: Sequence[GoldenVersion]) -> list[Step]:
    """Oldest first; x by time, y by the number of cases from nothing up."""
    ordered = list(reversed(versions))
    if len(ordered) < 2:
        return []
    start, end = ordered[0].created_at, ordered[-1].created_at
    length = (end - start).total_seconds()
    # Versions of one minute stand side by side.
    even = length < 60
    most = max(version.items for version in ordered)
    return [
        Step(
            version.number,
            version.items,
            index * 100 / (len(ordered) - 1)
            if even
            else (version.created_at - start).total_seconds() / length * 100,
            100 - version.items / most * 90,
        )
        for index, version in enumerate(ordered)
    ]


def stairs(steps: Sequence[Step]) -> str:
    """The points of a polyline that keeps each count until the next version."""
    points = [(step.x, step.y) for step in steps[:1]]
    for before, step in pairwise(steps):
        points += [(step.x, before.y), (step.x, step.y)]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
