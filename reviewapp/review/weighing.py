"""What do the three or more people who labelled an item say together, each weighed by how they label?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass

from django.db import connection

from reviewapp.review import dawid_skene
from reviewapp.review.models import ItemKind, Preference, ReviewItem, Verdict

MOST_ITEMS = 1000
VERDICTS = ("fail", "pass")
# One voice alone has nothing to be weighed against.
LEAST_VOICES = 2

Said = dict[Hashable, dict[Hashable, str]]


@dataclass(frozen=True, slots=True)
class Weighed:
    """`said` is the likeliest answer, `percent` how likely; they learned from so many `items`.

    `unsure` is how many of the item's people could not tell: they are among the three, and have no voice.
    """

    said: str
    percent: int
    items: int
    unsure: int


def weigh(item: ReviewItem) -> Weighed | None:
    """None with fewer than three people on the item, or fewer than two who could tell: then the majority
    says all there is."""
    labels = _labels(item)
    people, voices = labels.get(item.pk, {}), _voices(labels)
    unsure = len(people) - len(voices.get(item.pk, {}))
    if len(people) < dawid_skene.LEAST_REVIEWERS or len(people) - unsure < LEAST_VOICES:
        return None
    categories = tuple(Preference.values) if item.kind == ItemKind.PAIR else VERDICTS
    found = dawid_skene.estimate(voices, categories)
    if found.why_null:
        return None
    likeliest = found.verdict(item.pk)
    chance = found.posterior[item.pk][found.categories.index(likeliest)]
    # Never certain: the estimate is of a few items, whatever it says of this one.
    return Weighed(likeliest, min(round(100 * chance), 99), len(voices), unsure)


def _voices(labels: Said) -> Said:
    """Without those who could not tell, and without the items of which nobody could: they teach nothing."""
    voices = {
        item: {who: what for who, what in said.items() if what != Verdict.CANNOT_TELL}
        for item, said in labels.items()
    }
    return {item: said for item, said in voices.items() if said}


def _labels(item: ReviewItem) -> Said:
    """By item and person: the newest of the queue that several people answered, and this one."""
    said: Said = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(SAID, {"queue": item.queue_id, "item": item.pk, "most": MOST_ITEMS})
        for which, who, what in cursor.fetchall():
            said[which][who] = what
    return dict(said)


# People alone, and tokens in their names only where they are trusted: a token's labels err together, and
# would outvote them.
SAID = """
    WITH several AS (
        SELECT id FROM reviewapp_reviewitem
        WHERE queue_id = %(queue)s AND required > 1 AND purpose = 'review' AND state <> 'removed'
        ORDER BY id = %(item)s DESC, id DESC LIMIT %(most)s
    )
    SELECT a.item_id, a.reviewer_id, coalesce(nullif(l.verdict, ''), l.preference)
    FROM reviewapp_assignment a JOIN reviewapp_label l ON l.id = a.counted_id
    LEFT JOIN ingest_apitoken t ON t.id = l.token_id
    WHERE a.item_id IN (SELECT id FROM several) AND a.state = 'submitted'
        AND (NOT l.impersonated OR t.trusted_for_reviews)
        AND NOT EXISTS (SELECT FROM reviewapp_servicereviewer s WHERE s.user_id = a.reviewer_id)
    ORDER BY a.item_id, a.reviewer_id
"""
