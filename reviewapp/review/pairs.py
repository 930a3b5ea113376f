"""Which answers can be set against each other, and who wins? Pairs of one question, and their preferences."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db import connection

from ingest.intervals import wilson
from ingest.models import Project
from reviewapp.review import items
from reviewapp.review.items import Enqueued
from reviewapp.review.models import Preference, Queue, Resolution

COLUMNS = ("prompt_version", "model", "prompt_name", "route")
# An answer and the one that its user asked for instead.
REGENERATED = "regenerated"
MOST = 500
MOST_SHOWN = 6


@dataclass(frozen=True, slots=True)
class WinRate:
    """Of decided pairs, the share that `first` won over `second`; ties count for neither and stand apart."""

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    both_bad: int
    value: float | None
    low: float | None
    high: float | None
    why_null: str = ""

    @property
    def n(self) -> int:
        return self.wins + self.losses

    @property
    def percent(self) -> str:
        return "" if self.value is None else f"{100 * self.value:.0f}"

    @property
    def range(self) -> str:
        """The 95 % interval in words."""
        if self.low is None or self.high is None:
            return ""
        return f"{100 * self.low:.0f} to {100 * self.high:.0f} %"


def find(project: Project, column: str, first: str, second: str, limit: int = MOST) -> list[tuple[str, str]]:
    """Pairs of trace ids with the same input but for case and spaces, whose `column` differs as named.

    Raises ValueError for a column that cannot be compared by.
    """
    if column not in COLUMNS:
        raise ValueError(f"must be one of {', '.join(COLUMNS)}")
    with connection.cursor() as cursor:
        cursor.execute(
            SAME_INPUT.format(column=column),
            {"project": project.pk, "first": first, "second": second, "limit": min(limit, MOST)},
        )
        return list(cursor.fetchall())


# Each trace in one pair only: the newest of both sides for each question.
SAME_INPUT = """
    WITH sides AS (
        SELECT DISTINCT ON (asked, {column}) trace_id, {column} AS side,
            md5(lower(regexp_replace(btrim(input), '\\s+', ' ', 'g'))) AS asked
        FROM ingest_trace
        WHERE project_id = %(project)s AND {column} IN (%(first)s, %(second)s) AND btrim(input) <> ''
            AND output <> ''
        ORDER BY asked, {column}, started_at DESC
    )
    SELECT a.trace_id, b.trace_id FROM sides a JOIN sides b ON b.asked = a.asked AND b.side = %(second)s
    WHERE a.side = %(first)s ORDER BY a.asked LIMIT %(limit)s
"""


def regenerations(project: Project, limit: int = MOST) -> list[tuple[str, str]]:
    """Pairs of trace ids: an answer, and the newest that feedback names as its regeneration."""
    with connection.cursor() as cursor:
        cursor.execute(REGENERATIONS, {"project": project.pk, "limit": min(limit, MOST)})
        return list(cursor.fetchall())


REGENERATIONS = """
    SELECT DISTINCT ON (t.id) t.trace_id, again.trace_id FROM ingest_feedback f
    JOIN ingest_trace t ON t.id = f.trace_id
    JOIN ingest_trace again ON again.project_id = f.project_id AND again.id <> t.id
        AND again.trace_id = f.payload ->> 'next_trace_id'
    WHERE f.project_id = %(project)s AND f.kind = 'regenerate' AND t.output <> '' AND again.output <> ''
    ORDER BY t.id DESC, f.occurred_at DESC, f.id DESC LIMIT %(limit)s
"""


def enqueue(queue: Queue, column: str, first: str, second: str, by: str = "", limit: int = MOST) -> Enqueued:
    if column == REGENERATED:
        return items.enqueue_pairs(queue, regenerations(queue.project, limit), by)
    return items.enqueue_pairs(queue, find(queue.project, column, first, second, limit), by)


def win_rate(queue: Queue, column: str, first: str, second: str) -> WinRate:
    """From what the queue's pairs came to, whichever of the two stood first in a pair."""
    if column not in COLUMNS:
        raise ValueError(f"must be one of {', '.join(COLUMNS)}")
    standing = Resolution.objects.standing().filter(item__queue=queue)
    sides = standing.values_list("preference", f"item__trace__{column}", f"item__other_trace__{column}")
    counts = Counter(
        _outcome(preference, a == first) for preference, a, b in sides if {a, b} == {first, second} and a != b
    )
    return _rate(first, second, counts)


def regenerated_rate(queue: Queue) -> WinRate:
    """How often the regenerated answer won over the one that its user did not keep, whichever stood first."""
    with connection.cursor() as cursor:
        cursor.execute(REGENERATED_SAID, [queue.pk])
        counts = Counter(_outcome(preference, again_is_a) for preference, again_is_a in cursor.fetchall())
    return _rate("regenerated", "first answer", counts)


REGENERATED_SAID = """
    SELECT r.preference, given.again_is_a
    FROM reviewapp_reviewitem i JOIN reviewapp_resolution r ON r.id = i.resolution_id
    JOIN ingest_trace a ON a.id = i.trace_id JOIN ingest_trace b ON b.id = i.other_trace_id
    CROSS JOIN LATERAL (
        SELECT f.trace_id = b.id AS again_is_a FROM ingest_feedback f
        WHERE f.trace_id IN (a.id, b.id) AND f.kind = 'regenerate' AND f.payload ->> 'next_trace_id'
            = CASE f.trace_id WHEN a.id THEN b.trace_id ELSE a.trace_id END
        ORDER BY f.occurred_at DESC, f.id DESC LIMIT 1
    ) given WHERE i.queue_id = %s
"""


def _rate(first: str, second: str, counts: Counter[str]) -> WinRate:
    wins, losses, ties, bad = (counts[name] for name in ("wins", "losses", "ties", "both_bad"))
    n = wins + losses
    if not n:
        why = "no pair of these two has a winner yet"
        return WinRate(first, second, wins, losses, ties, bad, None, None, None, why)
    low, high = wilson(wins / n, n)
    return WinRate(first, second, wins, losses, ties, bad, wins / n, low, high)


def win_rates(queue: Queue) -> list[tuple[str, WinRate]]:
    """By column, of every two values that its decided pairs set against each other; the most often first."""
    found: Counter[tuple[str, str, str]] = Counter()
    standing = Resolution.objects.standing().filter(item__queue=queue)
    for column in COLUMNS:
        sides = standing.values_list(f"item__trace__{column}", f"item__other_trace__{column}")
        found.update((column, *sorted(pair)) for pair in sides if all(pair) and pair[0] != pair[1])
    rates = [(column, win_rate(queue, column, a, b)) for (column, a, b), _ in found.most_common(MOST_SHOWN)]
    again = regenerated_rate(queue)
    return [*rates, (REGENERATED, again)] if again.n or again.ties or again.both_bad else rates


def read(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Pairs of ids from lines of two, by comma, tab or space; and the lines that are none."""
    pairs, odd = [], []
    for line in filter(None, map(str.strip, text.splitlines())):
        ids = line.replace(",", " ").split()
        if len(ids) == 2:
            pairs.append((ids[0], ids[1]))
        else:
            odd.append(line)
    return pairs, odd


def _outcome(preference: str, first_is_a: bool) -> str:
    if preference == Preference.TIE:
        return "ties"
    if preference == Preference.BOTH_BAD:
        return "both_bad"
    return "wins" if (preference == Preference.A) == first_is_a else "losses"
