"""Which answers can be set against each other, and who wins? Pairs of one question, and their preferences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count

from ingest.intervals import wilson
from ingest.models import Project
from reviewapp.review import items
from reviewapp.review.items import Enqueued
from reviewapp.review.models import Preference, Queue, Resolution

ROUTE = "route"
COLUMNS = ("prompt_version", "model", "prompt_name", ROUTE)
# An answer and the one that its user asked for instead.
REGENERATED = "regenerated"
REGENERATED_KEY = (REGENERATED, "regenerated", "first answer")
# What two answers can be compared by, as people read it.
WORDS = {
    "prompt_version": "Prompt version",
    "model": "Model",
    "prompt_name": "Prompt",
    ROUTE: "Route",
    REGENERATED: "Answer and its regeneration",
}
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
    column: str = ""

    @property
    def by(self) -> str:
        return WORDS.get(self.column, "")

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
    return _rate(*REGENERATED_KEY[1:], regenerated_rates([queue.pk])[queue.pk])


def regenerated_rates(queues: Sequence[int]) -> dict[int, Counter[str]]:
    """The outcomes of that, by the id of the queue."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    with connection.cursor() as cursor:
        cursor.execute(REGENERATED_SAID, [list(queues)])
        for queue, preference, again_is_a in cursor.fetchall():
            counts[queue][_outcome(preference, again_is_a)] += 1
    return counts


REGENERATED_SAID = """
    SELECT i.queue_id, r.preference, given.again_is_a
    FROM reviewapp_reviewitem i JOIN reviewapp_resolution r ON r.id = i.resolution_id
    JOIN ingest_trace a ON a.id = i.trace_id JOIN ingest_trace b ON b.id = i.other_trace_id
    CROSS JOIN LATERAL (
        SELECT f.trace_id = b.id AS again_is_a FROM ingest_feedback f
        WHERE f.trace_id IN (a.id, b.id) AND f.kind = 'regenerate' AND f.payload ->> 'next_trace_id'
            = CASE f.trace_id WHEN a.id THEN b.trace_id ELSE a.trace_id END
        ORDER BY f.occurred_at DESC, f.id DESC LIMIT 1
    ) given WHERE i.queue_id = ANY(%s)
"""


def _rate(first: str, second: str, counts: Counter[str], column: str = "") -> WinRate:
    wins, losses, ties, bad = (counts[name] for name in ("wins", "losses", "ties", "both_bad"))
    n = wins + losses
    if not n:
        why = "no pair of these two has a winner yet"
        return WinRate(first, second, wins, losses, ties, bad, None, None, None, why, column)
    low, high = wilson(wins / n, n)
    return WinRate(first, second, wins, losses, ties, bad, wins / n, low, high, column=column)


def win_rates(queue: Queue) -> list[WinRate]:
    """Of every two values that its pairs set against each other; the most often first."""
    return win_rates_of([queue.pk])[queue.pk]


def win_rates_of(queues: Sequence[int]) -> dict[int, list[WinRate]]:
    """The same by the id of each queue, in two queries.

    A pair of one prompt and model may be of two routes; where those differ, the route is no comparison: then
    it is chance that the answers went different ways. What has no winner is left out.
    """
    told: dict[int, dict[tuple[str, str, str], Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    standing = Resolution.objects.standing().filter(item__queue__in=queues).order_by()
    traces = [f"item__{side}__{column}" for side in ("trace", "other_trace") for column in COLUMNS]
    counted = standing.values_list("item__queue", "preference", *traces).annotate(pairs=Count("pk"))
    for queue, preference, *sides, number in counted:
        a, b = sides[: len(COLUMNS)], sides[len(COLUMNS) :]
        for column, of_a, of_b in _compared(a, b):
            first, second = sorted((of_a, of_b))
            told[queue][column, first, second][_outcome(preference, of_a == first)] += number
    anew = regenerated_rates(queues)
    return {queue: [*_listed(told[queue]), *_listed({REGENERATED_KEY: anew[queue]})] for queue in queues}


def _compared(a: Sequence[str], b: Sequence[str]) -> list[tuple[str, str, str]]:
    """The columns in which the two sides of a pair differ, with both values; the route only by itself."""
    differing = [
        (column, of_a, of_b) for column, of_a, of_b in zip(COLUMNS, a, b, strict=True) if of_a != of_b
    ]
    versions = [each for each in differing if each[0] != ROUTE]
    return [each for each in versions or differing if all(each)]


def _listed(told: Mapping[tuple[str, str, str], Counter[str]]) -> list[WinRate]:
    most_first = sorted(told.items(), key=lambda pair: (-pair[1].total(), pair[0]))[:MOST_SHOWN]
    rates = [_rate(first, second, counts, column) for (column, first, second), counts in most_first]
    return [rate for rate in rates if rate.n]


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
