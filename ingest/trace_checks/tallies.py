"""How often did each check fail, over time and by slice? From counts by the hour, never from the scores.

The checks run on every trace that settles, so a rate is a census of the window and no estimate from a
sample. The interval (Wilson) tells how far it could lie from the rate of the process behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from ingest.intervals import wilson
from ingest.models import Project

HOUR = timedelta(hours=1)
SLICES = {
    "route": "Route",
    "model": "Model",
    "prompt_version": "Prompt version",
    "environment": "Environment",
}
MOST_SLICES = 12


@dataclass(frozen=True, slots=True)
class Window:
    name: str
    label: str
    length: timedelta
    # Of the trend's steps; a whole number of them is the window.
    step: timedelta

    def start(self, now: datetime) -> datetime:
        """The beginning of the hour so long ago."""
        return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR - self.length

    @property
    def steps(self) -> int:
        return self.length // self.step


WINDOWS = {
    window.name: window
    for window in (
        Window("24h", "24 hours", timedelta(hours=24), timedelta(hours=1)),
        Window("7d", "7 days", timedelta(days=7), timedelta(hours=6)),
        Window("28d", "28 days", timedelta(days=28), timedelta(days=1)),
    )
}


@dataclass(frozen=True, slots=True)
class Tally:
    passed: int = 0
    failed: int = 0
    broken: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.passed + other.passed, self.failed + other.failed, self.broken + other.broken)

    @property
    def n(self) -> int:
        """The traces to which the check applied and on which it did not break."""
        return self.passed + self.failed

    @property
    def rate(self) -> float | None:
        return self.failed / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.failed / self.n, self.n) if self.n else None


NOTHING = Tally()


def trends(project: Project, window: Window, now: datetime, names: Iterable[str]) -> dict[str, list[Tally]]:
    """For each of these checks, '' being the traces themselves, a tally of each step of the window."""
    start = window.start(now)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, floor(extract(epoch FROM hour - %s) / %s)::int AS step, "
            "sum(passed), sum(failed), sum(broken) FROM ingest_checkcount "
            "WHERE project_id = %s AND hour >= %s AND hour < %s AND name = ANY(%s) GROUP BY 1, 2",
            [
                start,
                window.step.total_seconds(),
                project.pk,
                start,
                start + window.length,
                list(names),
            ],
        )
        rows = cursor.fetchall()
    found: dict[str, list[Tally]] = defaultdict(lambda: [NOTHING] * window.steps)
    for name, step, *counts in rows:
        found[name][step] = Tally(*map(int, counts))
    return found


def total(tallies: list[Tally]) -> Tally:
    return sum(tallies, NOTHING)


def by_slice(
    project: Project, name: str, window: Window, now: datetime
) -> Mapping[str, list[tuple[str, Tally]]]:
    """A check's tallies by each column of SLICES, those with the most failures first."""
    start = window.start(now)
    columns = ", ".join(SLICES)
    sets = ", ".join(f"({column})" for column in SLICES)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT grouping({columns}), {columns}, sum(passed), sum(failed), sum(broken) "
            "FROM ingest_checkcount WHERE project_id = %s AND name = %s AND hour >= %s AND hour < %s "
            f"GROUP BY GROUPING SETS ({sets}) HAVING sum(passed) + sum(failed) > 0 "
            "ORDER BY sum(failed) DESC, sum(passed) DESC",
            [project.pk, name, start, start + window.length],
        )
        rows = cursor.fetchall()
    found: dict[str, list[tuple[str, Tally]]] = {column: [] for column in SLICES}
    width = len(SLICES)
    for mask, *row in rows:
        # Of the bits of grouping() only that of the grouped column is 0.
        place = next(index for index in range(width) if not mask >> (width - 1 - index) & 1)
        kept = found[list(SLICES)[place]]
        if len(kept) < MOST_SLICES:
            kept.append((row[place], Tally(*map(int, row[width:]))))
    return found
