"""What was measured, and is it good enough? Figures with goals, and the table that shows them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`goal` is compared with `value` as `sense` says; without a goal the figure is only shown."""

    name: str
    value: float
    unit: str = ""
    sense: str = ""
    goal: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool:
        if self.goal is None:
            return True
        return self.value >= self.goal if self.sense == ">=" else self.value <= self.goal

    @property
    def verdict(self) -> str:
        return "" if self.goal is None else "ok" if self.is_met else "MISSED"


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


median = statistics.median


def number(value: float) -> str:
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def table(figures: Sequence[Figure]) -> str:
    rows = [
        (
            figure.name,
            f"{number(figure.value)} {figure.unit}".strip(),
            f"{figure.sense} {number(figure.goal)}" if figure.goal is not None else "",
            figure.verdict,
            figure.note,
        )
        for figure in figures
    ]
    head = ("measure", "median", "goal", "", "note")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(4)]
    lines = []
    for row in [head, *rows]:
        name, value, goal, verdict, note = row
        cells = (
            name.ljust(widths[0]),
            value.rjust(widths[1]),
            goal.ljust(widths[2]),
            verdict.ljust(widths[3]),
        )
        lines.append("  ".join((*cells, note)).rstrip())
    return "\n".join(lines)
