"""What waits in each queue, how old is it, who works it, how long will it take, who labelled how much?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import TruncDay
from django.utils import timezone

from ingest.models import Project
from reviewapp import charts
from reviewapp.charts import Volume
from reviewapp.models import Membership, Role
from reviewapp.review import pairs, queues, reviewers
from reviewapp.review.models import AssignedTo, Assignee, ItemKind, Label, Lane, Queue, ReviewItem
from reviewapp.review.pairs import WinRate
from reviewapp.review.queues import Counts
from reviewapp.review.reviewers import Pace
from reviewapp.screen import mine
from reviewapp.screen.mine import Mine

DAYS = 28
SHOWN_PEOPLE = 4
SHOWN_REVIEWERS = 8
TABS = {"open": "Open", "mine": "Mine", "paused": "Paused", "archived": "Archived"}
OLD = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Work:
    """What was done in a queue in the last four weeks; `mine` holds what the reader holds or did there."""

    pace: float | None = None
    people: tuple[str, ...] = ()
    held_by_me: int = 0
    is_mine: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    queue: Queue
    counts: Counts
    work: Work
    audit_waiting: int
    admits: bool
    mine: Mine
    won: WinRate | None = None  # of a queue of pairs what it compares most, for leads

    @property
    def total(self) -> int:
        return self.counts.open + self.decided

    @property
    def taken(self) -> int:
        """Of the bar; several may hold one item, which waits for others all the same."""
        return min(self.counts.held, self.counts.open)

    @property
    def decided(self) -> int:
        return self.counts.adjudication + self.counts.resolved

    @property
    def decided_share(self) -> float:
        return self.decided / max(self.total, 1)

    @property
    def held_share(self) -> float:
        return self.taken / max(self.total, 1)

    @property
    def minutes(self) -> int | None:
        """For one reviewer at the usual pace; unknown before anybody has labelled."""
        pace, waiting = self.work.pace, self.counts.waiting
        return ceil(pace * waiting / 60) if pace is not None and waiting else None

    @property
    def gives_out(self) -> bool:
        """Whether the reader could be given anything, were there anything for them."""
        return self.admits and not self.queue.paused and self.queue.archived_at is None

    @property
    def can_start(self) -> bool:
        return self.gives_out and bool(self.mine.now or self.work.held_by_me)

    @property
    def is_shared_out(self) -> bool:
        """Whether what waits is more than what waits for the reader."""
        return self.gives_out and self.mine.now < self.counts.waiting and not self.mine.has_most

    @property
    def overlap(self) -> str:
        queue = self.queue
        if queue.overlap > 1 or not queue.double_share or queue.kind == ItemKind.PAIR:
            return str(queue.overlap)
        return f"1, {queue.double_share * 100:.0f} % of audit twice"

    @property
    def is_old(self) -> bool:
        oldest = self.counts.oldest
        return bool(self.counts.overdue) or (oldest is not None and timezone.now() - oldest > OLD)


@dataclass(frozen=True, slots=True)
class Tab:
    name: str
    label: str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class QueueList:
    rows: list[Row]
    tabs: list[Tab]
    has_any: bool
    chart: Volume | None
    paces: list[Pace]

    @property
    def running(self) -> list[Row]:
        """Where something waits and is given out, if not to everyone."""
        live = [row for row in self.rows if not row.queue.paused and row.queue.archived_at is None]
        return [row for row in live if row.counts.waiting]

    @property
    def waiting(self) -> int:
        return sum(row.counts.waiting for row in self.running)

    @property
    def paced(self) -> int:
        """What waits in queues whose pace is known, which is what `minutes` speaks of."""
        return sum(row.counts.waiting for row in self.running if row.minutes is not None)

    @property
    def minutes(self) -> int:
        return sum(row.minutes or 0 for row in self.running)

    @property
    def for_reader(self) -> int:
        return sum(row.mine.now for row in self.running if row.gives_out)

    @property
    def reader_has_most(self) -> bool:
        """Whether `for_reader` was counted no further."""
        return any(row.mine.has_most for row in self.running if row.gives_out)

    @property
    def is_shared_out(self) -> bool:
        """Whether what waits is surely more than what waits for the reader."""
        return any(row.is_shared_out or not row.gives_out for row in self.running)

    @property
    def first(self) -> Row | None:
        """What Enter starts."""
        return next((row for row in self.rows if row.can_start), None)


def tell(membership: Membership, wanted: str) -> QueueList:
    project = membership.project
    rows = rows_of(membership)
    groups: dict[str, list[Row]] = {
        "open": [row for row in rows if not row.queue.paused and row.queue.archived_at is None],
        "paused": [row for row in rows if row.queue.paused and row.queue.archived_at is None],
        "archived": [row for row in rows if row.queue.archived_at is not None],
    }
    groups["mine"] = [row for row in groups["open"] if row.work.is_mine]
    chosen = wanted if wanted in TABS else "open"
    sees_all = Role(membership.role).allows(Role.LEAD)
    paces = reviewers.paces(project, DAYS, None if sees_all else membership.user, told=not sees_all)
    return QueueList(
        rows=groups[chosen],
        tabs=[Tab(name, label, len(groups[name]), name == chosen) for name, label in TABS.items()],
        has_any=bool(rows),
        chart=labels_per_day(project),
        paces=[pace for pace in paces if pace.labels][:SHOWN_REVIEWERS],
    )


def to_add_to(membership: Membership) -> list[Queue]:
    """The queues that this member may add traces to by hand."""
    if not Role(membership.role).allows(Role.LEAD):
        return []
    live = Queue.objects.live().filter(project=membership.project_id, kind=ItemKind.TRACE)
    return list(live.order_by("name"))


def rows_of(membership: Membership) -> list[Row]:
    """Those with work for the reader before the others; a fixed number of queries."""
    project = membership.project
    found = list(Queue.objects.filter(project=project).select_related("rubric_version__rubric"))
    counts, work = queues.counts(project), work_of(membership)
    reach = mine.of_queues(membership.user_id, [queue.pk for queue in found])
    # Before and after a claim it would tell a reviewer the lane of the item at hand.
    is_lead = Role(membership.role).allows(Role.LEAD)
    audit = _audit_waiting(project) if is_lead else {}
    won = _won(found) if is_lead else {}
    named = set(Assignee.objects.filter(membership=membership).values_list("queue", flat=True))
    rows = [
        Row(
            queue,
            counts[queue.pk],
            work[queue.pk],
            audit.get(queue.pk, 0),
            queue.assignment == AssignedTo.OPEN or queue.pk in named,
            reach[queue.pk],
            won.get(queue.pk),
        )
        for queue in found
    ]
    return sorted(rows, key=_place)


def _place(row: Row) -> tuple[object, ...]:
    """What one has begun comes first, then what one can start, the fullest before others."""
    return (not row.work.held_by_me, not row.can_start, -row.counts.waiting, row.queue.name)


def _won(found: Sequence[Queue]) -> dict[int, WinRate]:
    """By queue id; before their submits it would tell reviewers what others prefer."""
    of_pairs = [queue.pk for queue in found if queue.kind == ItemKind.PAIR]
    rates = pairs.win_rates_of(of_pairs) if of_pairs else {}
    return {queue: told[0] for queue, told in rates.items() if told}


def _audit_waiting(project: Project) -> dict[int, int]:
    waiting = ReviewItem.objects.of_project(project).filter(lane=Lane.AUDIT, open_slots__gt=0)
    return dict(waiting.values_list("queue").annotate(waiting=Count("pk")))


def work_of(membership: Membership) -> dict[int, Work]:
    """By queue id, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(WORK, {"project": membership.project_id, "me": membership.user_id, "days": DAYS})
        found = {
            queue: Work(pace, tuple((people or [])[:SHOWN_PEOPLE]), held, bool(mine))
            for queue, pace, people, held, mine in cursor.fetchall()
        }
    return defaultdict(Work, found)


WORK = """
    SELECT i.queue_id,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY l.seconds),
        array_agg(DISTINCT coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username)),
        count(*) FILTER (WHERE a.reviewer_id = %(me)s AND a.state = 'leased'
            AND a.lease_until > clock_timestamp()),
        count(*) FILTER (WHERE a.reviewer_id = %(me)s)
    FROM reviewapp_assignment a
    JOIN reviewapp_reviewitem i ON i.id = a.item_id
    JOIN reviewapp_queue q ON q.id = i.queue_id
    JOIN reviewapp_user u ON u.id = a.reviewer_id
    LEFT JOIN reviewapp_label l ON l.id = a.current_id
    WHERE q.project_id = %(project)s AND a.claimed_at > now() - %(days)s * interval '1 day'
    GROUP BY i.queue_id
"""


def labels_per_day(project: Project) -> Volume | None:
    """Labels of the last four weeks by day, those of the audit lane below; nothing before the first."""
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    start = today - timedelta(days=DAYS - 1)
    given = Label.objects.of_project(project).standing().filter(created_at__gte=start)
    by_day = given.annotate(day=TruncDay("created_at")).values("day")
    counted: dict[datetime, tuple[int, int]] = {
        row["day"]: (row["all"], row["audit"])
        for row in by_day.annotate(
            all=Count("pk"), audit=Count("pk", filter=Q(assignment__item__lane=Lane.AUDIT))
        )
    }
    return charts.volume(start, today, timedelta(days=1), counted) if counted else None
