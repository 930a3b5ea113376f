"""Which waiting items are near-duplicates? Grouped in the background, the first of each group served first.

What stands in the audit lane keeps its place there: chance chose it, and nothing may move it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models.functions import Left

from evaluation.ranking import nearby
from evaluation.ranking.models import Alike
from reviewapp import rendering
from reviewapp.models import User
from reviewapp.review import ranks
from reviewapp.review.models import Assignment, ReviewItem

# This many of a group keep their place; the rest rank as if worth this many points less.
MOST_AT_TOP = 3
LATER = 4.0
# Only items near the top of a queue are grouped: this many per turn, against this many known groups.
TOP, TURN, QUEUES_A_TURN, MOST_LEADERS = 500, 120, 2, 200
QUESTION, ANSWER = 300, 500
SHOWN, TITLE = 20, 90


def group_waiting() -> int:
    """Give a group to the items near the top that have none; how many. A job, safe to run twice."""
    ungrouped: dict[int, list[int]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(UNGROUPED, [TOP])
        for queue, item in cursor.fetchall():
            ungrouped[queue].append(item)
    joined = 0
    fullest = sorted(ungrouped.items(), key=lambda each: -len(each[1]))
    for queue, waiting in fullest[:QUEUES_A_TURN]:
        joined += _join(queue, waiting[:TURN])
    return joined


UNGROUPED = """
    SELECT q.id, top.id FROM reviewapp_queue q CROSS JOIN LATERAL (
        SELECT i.id, i.rank FROM reviewapp_reviewitem i
        WHERE i.queue_id = q.id AND i.open_slots > 0 AND i.rank IS NOT NULL AND i.purpose = 'review'
        ORDER BY i.rank DESC, i.id LIMIT %s
    ) top
    WHERE q.archived_at IS NULL AND q.kind = 'trace'
        AND NOT EXISTS (SELECT FROM evaluation_alike a WHERE a.item_id = top.id)
    ORDER BY q.id, top.rank DESC, top.id
"""


def _join(queue: int, waiting: Sequence[int]) -> int:
    """Each item to the group of an equal or a near one, else to one of its own."""
    texts = _texts(waiting)
    digests = {pk: nearby.digest(text) for pk, text in texts.items()}
    equal = dict(
        Alike.objects.filter(queue=queue, digest__in=digests.values()).values_list("digest", "leader")
    )
    leader_of = {pk: equal[digests[pk]] for pk in texts if digests[pk] in equal}
    fresh = [pk for pk in texts if pk not in leader_of]
    if fresh:
        leader_of |= _nearest(queue, fresh, texts)
    taken = Counter(Alike.objects.filter(leader__in=set(leader_of.values())).values_list("leader", flat=True))
    rows = []
    for pk in texts:
        leader = leader_of[pk]
        rows.append(
            Alike(item_id=pk, leader_id=leader, queue_id=queue, digest=digests[pk], place=taken[leader])
        )
        taken[leader] += 1
    Alike.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _nearest(queue: int, fresh: Sequence[int], texts: dict[int, str]) -> dict[int, int]:
    known = Alike.objects.filter(queue=queue, place=0).order_by("-item_id").values_list("item_id", flat=True)
    leaders = _texts(list(known[:MOST_LEADERS]))
    order = [*leaders, *fresh]
    found: dict[int, int] = {}
    for group in nearby.groups([leaders.get(pk) or texts.get(pk, "") for pk in order]):
        first = order[group[0]]
        found |= {order[place]: first for place in group if order[place] in texts}
    return found


def _texts(items: Sequence[int]) -> dict[int, str]:
    """What was asked and answered, in the order of the items."""
    rows = ReviewItem.objects.filter(pk__in=items).values_list(
        "pk", Left("trace__input", QUESTION), Left("trace__output", ANSWER)
    )
    found = {pk: f"{question}\n{answer}" for pk, question, answer in rows}
    return {pk: found[pk] for pk in items if pk in found}


@transaction.atomic
def spread_out() -> int:
    """Put what is over the first of its group behind others in the risk lane; how many moved.

    The priority stays, and so does what the wait adds: nothing waits for ever. A rank that a later signal has
    set is put back here.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            SPREAD,
            {"most": MOST_AT_TOP, "later": LATER, "epoch": ranks.EPOCH, "point": ranks.SECONDS_A_POINT},
        )
        moved: int = cursor.rowcount
        return moved


SPREAD = """
    WITH late AS (
        SELECT i.id, i.priority - extract(epoch FROM i.enqueued_at - %(epoch)s)::float8 / %(point)s
            - %(later)s AS rank
        FROM evaluation_alike a JOIN reviewapp_reviewitem i ON i.id = a.item_id
        WHERE a.place >= %(most)s AND i.open_slots > 0 AND i.rank IS NOT NULL
            AND i.rank > i.priority - extract(epoch FROM i.enqueued_at - %(epoch)s)::float8 / %(point)s
                - %(later)s + 0.000001
        ORDER BY i.id LIMIT 2000 FOR NO KEY UPDATE OF i SKIP LOCKED
    )
    UPDATE reviewapp_reviewitem i SET rank = late.rank FROM late WHERE i.id = late.id
"""


@dataclass(frozen=True, slots=True)
class Mate:
    """Another item of the group. Nothing of what was said of it."""

    item: int
    trace_id: str
    title: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Group:
    size: int
    mates: tuple[Mate, ...]


def group_of(item: ReviewItem) -> Group | None:
    """The item's group with its other items, the open ones first; None where it stands alone."""
    mine = Alike.objects.filter(item=item).values("leader")
    others = ReviewItem.objects.filter(alike__leader__in=mine, queue=item.queue_id).exclude(pk=item.pk)
    others = others.exclude(state="removed")
    size = others.count()
    if not size:
        return None
    rows = others.order_by("-open_slots", "alike__place").values_list(
        "pk", "trace__trace_id", Left("trace__input", TITLE), "open_slots"
    )
    mates = tuple(
        Mate(pk, name, rendering.unmarked(text) or name, slots > 0) for pk, name, text, slots in rows[:SHOWN]
    )
    return Group(size + 1, mates)


def waiting_mates(item: ReviewItem, reviewer: User) -> list[int]:
    """Open items of the group under the same rubric version, neither drawn by chance nor begun by the
    reviewer."""
    mine = Alike.objects.filter(item=item).values("leader")
    found = ReviewItem.objects.filter(
        alike__leader__in=mine, queue=item.queue_id, rubric_version=item.rubric_version_id,
        open_slots__gt=0, audit_rank=None, purpose="review",
    )  # fmt: skip
    begun = Assignment.objects.filter(reviewer=reviewer).values("item")
    others = found.exclude(pk=item.pk).exclude(pk__in=begun)
    return list(others.order_by("pk").values_list("pk", flat=True))
