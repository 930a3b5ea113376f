"""What do the three or more people who labelled an item say together, each weighed by how they label?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass

from django.db import connection

from reviewapp.review import dawid_skene
from reviewapp.review.models import ItemKind, Preference, ReviewItem

MOST_ITEMS = 1000
VERDICTS = ("fail", "pass")


@dataclass(frozen=True, slots=True)
class Weighed:
    """`said` is the likeliest answer, `percent` how likely; they learned from so many `items`."""

    said: str
    percent: int
    items: int


def weigh(item: ReviewItem) -> Weighed | None:
    """None with fewer than three people on the item: then the majority says all there is."""
    labels = _labels(item)
    if len(labels.get(item.pk, ())) < dawid_skene.LEAST_REVIEWERS:
        return None
    categories = tuple(Preference.values) if item.kind == ItemKind.PAIR else VERDICTS
    found = dawid_skene.estimate(labels, categories)
    if found.why_null:
        return None
    likeliest = found.verdict(item.pk)
    chance = found.posterior[item.pk][found.categories.index(likeliest)]
    # Never certain: the estimate is of a few items, whatever it says of this one.
    return Weighed(likeliest, min(round(100 * chance), 99), len(labels))


def _labels(item: ReviewItem) -> dict[Hashable, dict[Hashable, str]]:
    """By item and person: the newest of the queue that several people answered, and this one."""
    said: dict[Hashable, dict[Hashable, str]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(SAID, {"queue": item.queue_id, "item": item.pk, "most": MOST_ITEMS})
        for which, who, what in cursor.fetchall():
            said[which][who] = what
    return dict(said)


# People alone: tokens err together, and would outvote them.
SAID = """
    WITH several AS (
        SELECT id FROM reviewapp_reviewitem
        WHERE queue_id = %(queue)s AND required > 1 AND purpose = 'review' AND state <> 'removed'
        ORDER BY id = %(item)s DESC, id DESC LIMIT %(most)s
    )
    SELECT a.item_id, a.reviewer_id, coalesce(nullif(l.verdict, ''), l.preference)
    FROM reviewapp_assignment a JOIN reviewapp_label l ON l.id = a.counted_id
    WHERE a.item_id IN (SELECT id FROM several) AND a.state = 'submitted' AND l.verdict <> 'cannot_tell'
        AND NOT EXISTS (SELECT FROM reviewapp_servicereviewer s WHERE s.user_id = a.reviewer_id)
    ORDER BY a.item_id, a.reviewer_id
"""
