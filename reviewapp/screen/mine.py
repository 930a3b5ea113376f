"""Which items of a queue could this reader get now, and what stands in the way of the rest?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from reviewapp.review import claimable

# How far what waits for one reader is counted: more is not done in a day.
MOST = 1000
SHOWN_NAMES = 3


@dataclass(frozen=True, slots=True)
class Mine:
    """`now` could be given to the reader at once. The rest is told only where that is nothing: what they have
    skipped or labelled themselves, what is set aside for others, and what others hold just now."""

    now: int = 0
    skipped: int = 0
    labelled: int = 0
    held: int = 0
    others: tuple[tuple[str, int], ...] = ()

    @property
    def has_most(self) -> bool:
        return self.now >= MOST

    @property
    def why(self) -> str:
        """ "3 wait for Ines Park, 2 for others; 1 that you have labelled waits for someone else"."""
        parts = [
            self._others(),
            _count(self.labelled, "that you have labelled waits for someone else",
                   "that you have labelled wait for someone else"),
            _count(self.skipped, "you have skipped", "you have skipped"),
            _count(self.held, "is held by others just now", "are held by others just now"),
        ]  # fmt: skip
        return "; ".join(filter(None, parts))

    def _others(self) -> str:
        if not self.others:
            return ""
        (name, number), *rest = self.others
        first = f"{number:,} wait{'s' * (number == 1)} for {name}"
        return ", ".join([first, *(f"{number:,} for {name}" for name, number in rest)])


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}" if number else ""


def of_queues(reader: int, queues: Sequence[int]) -> Mapping[int, Mine]:
    """By queue, in three queries at most."""
    values: dict[str, Any] = {"reviewer": reader, "queues": list(queues), "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(NOW, values)
        found = {queue: Mine(now) for queue, now in cursor.fetchall()}
        values["queues"] = [queue for queue, mine in found.items() if not mine.now]
        if values["queues"]:
            cursor.execute(REST, values)
            for queue, *counted in cursor.fetchall():
                found[queue] = Mine(0, *counted)
            cursor.execute(OTHERS, values)
            for queue, others in _by_queue(cursor.fetchall()).items():
                found[queue] = replace(found[queue], others=others)
    return defaultdict(Mine, found)


def _by_queue(rows: Sequence[tuple[int, str, int]]) -> dict[int, tuple[tuple[str, int], ...]]:
    """The first names of each queue with their numbers."""
    named: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for queue, name, number in rows:
        named[queue].append((name, number))
    return {queue: tuple(rows[:SHOWN_NAMES]) for queue, rows in named.items()}


NOW = f"""
    SELECT q.id, (SELECT count(*) FROM (
        SELECT FROM reviewapp_reviewitem i WHERE i.queue_id = q.id AND i.state = 'open' AND {claimable.ITEM}
        ORDER BY i.enqueued_at DESC LIMIT %(most)s) AS free)
    FROM reviewapp_queue q WHERE q.id = ANY (%(queues)s)
"""  # noqa: S608 - our own names
REST = f"""
    SELECT q.id, open.skipped, open.labelled, (
        SELECT count(*) FROM reviewapp_assignment a JOIN reviewapp_reviewitem i ON i.id = a.item_id
        WHERE i.queue_id = q.id AND a.state = 'leased' AND a.lease_until > clock_timestamp()
            AND a.reviewer_id <> %(reviewer)s AND i.purpose = 'review')
    FROM reviewapp_queue q CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE a.state = 'skipped' AND {claimable.IS_FOR_READER}) AS skipped,
            count(*) FILTER (WHERE a.state = 'submitted' AND i.reserved_for = '{{}}') AS labelled
        FROM reviewapp_reviewitem i
        LEFT JOIN reviewapp_assignment a ON a.item_id = i.id AND a.reviewer_id = %(reviewer)s
        WHERE i.queue_id = q.id AND i.open_slots > 0
    ) open WHERE q.id = ANY (%(queues)s)
"""  # noqa: S608 - our own names
# Of hidden known items and repeats nobody is told.
OTHERS = """
    SELECT i.queue_id, coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username) AS name,
        count(*)
    FROM reviewapp_reviewitem i CROSS JOIN LATERAL unnest(i.reserved_for) AS r (person)
    JOIN reviewapp_user u ON u.id = r.person
    WHERE i.queue_id = ANY (%(queues)s) AND i.open_slots > 0 AND i.purpose = 'review' AND u.id <> %(reviewer)s
        AND NOT EXISTS (SELECT FROM reviewapp_assignment a
            WHERE a.item_id = i.id AND a.reviewer_id = u.id AND a.state IN ('leased', 'submitted'))
    GROUP BY i.queue_id, u.id ORDER BY i.queue_id, count(*) DESC, name
"""
