"""What did a sitting achieve: pace, failures found, what the labels led to here, and what comes next?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from statistics import median

from django.db.models import Count, Q

from reviewapp.models import User
from reviewapp.review import reviewers, seats
from reviewapp.review.models import (
    Assignment,
    ItemState,
    Label,
    Queue,
    ReviewItem,
    State,
    Verdict,
)
from reviewapp.screen import mine, sittings
from reviewapp.screen.mine import Mine
from reviewapp.screen.sittings import Sitting

USUAL_OF = 200
QUALITY_DAYS = 28
MOST_COUNTED, MOST_QUEUES = 100, 5
CHART_HEIGHT = 64
# A break is not pace: longer times end at the top of the chart, which says so.
LONGEST = 3.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds per item in their order, as points of a chart 100 wide; `usual` is one's median before. The
    chart is `top` seconds high: what took longer ends there, and stands at `beyond` along its width."""

    points: str
    last: float
    usual: float | None
    usual_y: float | None
    top: int
    longest: float
    beyond: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Caused:
    icon: str
    strong: str
    words: str


@dataclass(frozen=True, slots=True)
class Next:
    """Another queue with items for this reviewer, counted no further than MOST_COUNTED."""

    queue: Queue
    waiting: int

    @property
    def number(self) -> str:
        return f"{self.waiting} or more" if self.waiting >= MOST_COUNTED else str(self.waiting)


@dataclass(frozen=True, slots=True)
class Quality:
    """How many of how many, in the last four weeks: with the outcome of the items, and with oneself."""

    agreed: int = 0
    comparable: int = 0
    same: int = 0
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    sitting: Sitting
    minutes: int
    failures: int
    first_pace: float | None
    pace: Pace | None
    caused: list[Caused]
    more: int
    skipped: int  # that can be looked at again now
    is_empty: bool
    admits: bool
    mine: Mine
    others: list[Next]
    quality: Quality


def tell(queue: Queue, reviewer: User) -> Finish:
    sitting = sittings.sitting(queue, reviewer)
    seconds = sittings.seconds(queue, reviewer, sitting)
    length = sitting.ended - sitting.began if sitting.ended and sitting.began else timedelta()
    longest = sittings.longest(queue)
    worked = [taken for taken in seconds if taken <= longest]
    first = worked[: len(worked) // 3]
    own = mine.of_queues(reviewer.pk, [queue.pk])[queue.pk]
    return Finish(
        sitting=sitting,
        minutes=round((length.total_seconds() + (min(seconds[0], longest) if seconds else 0)) / 60),
        failures=sitting.failures,
        first_pace=median(first) if len(first) >= sittings.LEAST_TIMED else None,
        pace=pace(seconds, usual(queue, reviewer, sitting.began)),
        caused=caused(queue, reviewer, sitting.began) if sitting.began else [],
        more=0 if queue.archived_at else min(sitting.waiting, sittings.FURTHER),
        skipped=0 if sitting.waiting or queue.paused or queue.archived_at else own.skipped,
        is_empty=not queue.items.exclude(state=ItemState.REMOVED).exists(),
        admits=seats.admits(queue, reviewer),
        mine=own,
        others=others(queue, reviewer),
        quality=quality(queue, reviewer),
    )


def quality(queue: Queue, reviewer: User) -> Quality:
    for pace in reviewers.paces(queue.project, QUALITY_DAYS, reviewer, told=True):
        return Quality(pace.agreed, pace.comparable, pace.repeats_same, pace.repeats)
    return Quality()


def usual(queue: Queue, reviewer: User, began: datetime | None) -> float | None:
    """The median of what was said at the screen before this sitting, as the sitting itself counts it."""
    own = Label.objects.filter(assignment__reviewer=reviewer, assignment__item__queue=queue)
    before = own.filter(impersonated=False)
    earlier = before.filter(created_at__lt=began) if began else before
    found = earlier.filter(seconds__lte=sittings.longest(queue)).order_by("-created_at")
    taken = [row for row in found.values_list("seconds", flat=True)[:USUAL_OF] if row is not None]
    return median(taken) if len(taken) >= sittings.LEAST_TIMED else None


def pace(seconds: Sequence[float], usual: float | None) -> Pace | None:
    """Nothing for fewer than three items."""
    if len(seconds) < 3:
        return None
    top = max(ceil(max(median(seconds), usual or 0) * LONGEST), 1)

    def height(value: float) -> float:
        return round(CHART_HEIGHT - min(value / top, 1.0) * CHART_HEIGHT, 1)

    step = 100 / (len(seconds) - 1)
    points = " ".join(f"{index * step:.2f},{height(value)}" for index, value in enumerate(seconds))
    beyond = tuple(round(index * step, 2) for index, value in enumerate(seconds) if value > top)
    usual_y = height(usual) if usual is not None else None
    return Pace(points, seconds[-1], usual, usual_y, top, max(seconds), beyond)


def caused(queue: Queue, reviewer: User, began: datetime) -> list[Caused]:
    """What review itself knows of the labels since the sitting began; the floor above adds golden cases,
    deploys and judges in a slot.

    What others said of an item is not in it before the reviewer has opened that (Assignment.told).
    """
    own = Assignment.objects.filter(item__queue=queue, reviewer=reviewer, state=State.SUBMITTED)
    mine = own.filter(submitted_at__gte=began)
    known = Q(required=1) | Q(pk__in=mine.told().values("item"))
    counted = ReviewItem.objects.filter(pk__in=mine.values("item")).aggregate(
        confirmed=Count("pk", filter=known & Q(resolution__confirmed=True, resolution__verdict=Verdict.FAIL)),
        differ=Count("pk", filter=known & Q(state=ItemState.ADJUDICATION)),
        together=Count("pk", filter=~known & ~Q(state=ItemState.OPEN)),
        second=Count("pk", filter=Q(state=ItemState.OPEN)),
    )
    rows = [
        Caused("check", f"{counted['confirmed']} confirmed", "as failures, by you and someone else"),
        Caused("people", f"{counted['differ']} undecided", "and gone to a lead"),
        Caused("lock", f"{counted['together']} answered", "by others too; open one to see what they said"),
        Caused("clock", f"{counted['second']} waiting", "for another reviewer"),
    ]
    return [row for row in rows if not row.strong.startswith("0 ")]


def others(queue: Queue, reviewer: User) -> list[Next]:
    live = Queue.objects.live().filter(project=queue.project_id, paused=False).exclude(pk=queue.pk)
    admitting = [other for other in live.order_by("name") if seats.admits(other, reviewer)]
    rows = [
        Next(other, sittings.waiting_for(other, reviewer, MOST_COUNTED)) for other in admitting[:MOST_QUEUES]
    ]
    return [row for row in rows if row.waiting][:2]


def at_work(queue: Queue) -> int:
    """How many people hold an item of the queue now."""
    held = Assignment.objects.held().filter(item__queue=queue)
    return held.values("reviewer").distinct().count()
