"""How far do the people of each queue agree? Kappa of the verdict; of pairs, that of the preference."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from django.db import connection

from evaluation.people.agreement import LABELS, LANES, VERDICTS
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.people import NOT_TWICE, Unit, concord
from ingest.models import Project
from reviewapp.review.models import ItemKind, Preference, Queue

# With fewer items the interval spans nearly everything.
FEWEST = 30
ALONE = "each item goes to one person"


def tell(project: Project, days: int, queues: Sequence[int]) -> dict[int, Figure]:
    """By queue id, of those of the project; of items that two people or more answered blind."""
    counted = _units(project, days)
    found = Queue.objects.filter(project=project, pk__in=queues)
    return {queue.pk: _kappa(queue, counted[queue.pk]) for queue in found}


def _kappa(queue: Queue, said: Mapping[tuple[str, ...], int]) -> Figure:
    n = sum(said.values())
    if not n:
        return unknown(ALONE if _is_alone(queue) else NOT_TWICE)
    if n < FEWEST:
        return unknown(f"too few, {FEWEST - n} more", n)
    options = tuple(Preference.values) if queue.kind == ItemKind.PAIR else VERDICTS
    units = Counter[Unit]()
    for answers, many in said.items():
        units[tuple(sorted(options.index(each) for each in answers))] += many
    return concord(units, len(options)).kappa


def _is_alone(queue: Queue) -> bool:
    doubles = queue.kind == ItemKind.TRACE and (queue.double_share or queue.double_minimum)
    return queue.overlap == 1 and not doubles


def _units(project: Project, days: int) -> dict[int, dict[tuple[str, ...], int]]:
    """By queue: the answers that items had, and how many items had them."""
    lanes = [str(each) for each in LANES["all"]]
    by_queue: dict[int, dict[tuple[str, ...], int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(UNITS, {"project": project.pk, "days": days, "lanes": lanes})
        for queue, said, many in cursor.fetchall():
            by_queue[queue][tuple(said)] = many
    return by_queue


UNITS = (
    LABELS  # noqa: S608 - constants
    + """, answer AS (
        SELECT item, queue, CASE kind WHEN 'pair' THEN preference ELSE verdict END AS said
        FROM label WHERE kind = 'pair' AND preference <> '' OR kind = 'trace' AND verdict IN ('fail', 'pass')
    ), item AS (
        SELECT queue, array_agg(said::text ORDER BY said) AS said
        FROM answer GROUP BY item, queue HAVING count(*) > 1
    )
    SELECT queue, said, count(*) FROM item GROUP BY 1, 2 ORDER BY 1, 2
"""
)
