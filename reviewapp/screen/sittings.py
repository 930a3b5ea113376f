"""How far is this reviewer in this sitting, and what were the last decisions?

A sitting is read from the rows: one's decisions in a queue without a long pause between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from statistics import median
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce, Left
from django.utils import timezone

from reviewapp import rendering
from reviewapp.models import User
from reviewapp.review.models import Assignment, Queue, ReviewItem, State

PAUSE = timedelta(minutes=30)
# A sitting ends here for the first time, then after every further stretch.
FIRST_GOAL = 40
FURTHER = 20
MOST_STEPS = 400
LONGEST = timedelta(hours=16)
SHOWN_DECISIONS = 10
TITLE = 80

TONES = {
    "pass": ("check", "pass", ""),
    "fail": ("close", "fail", "fail"),
    "cannot_tell": ("question", "can’t tell", "doubt"),
    "a": ("check", "A is better", ""),
    "b": ("check", "B is better", ""),
    "tie": ("minus", "tie", ""),
    "both_bad": ("close", "both bad", "fail"),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A label or a skip of this reviewer, for the rail."""

    item: ReviewItem
    at: datetime
    icon: str
    words: str
    tone: str
    title: str
    why: str
    was_submitted: bool
    is_told: bool = False  # the reviewer has opened what others and the judge said of it

    @property
    def ago(self) -> str:
        return ago(timezone.now() - self.at)


@dataclass(frozen=True, slots=True)
class Step:
    """One decision of a sitting; `said` is empty for a skip."""

    item: int
    at: datetime
    said: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Before:
    """The decisions of a sitting that came before the steps that are known: how many, of these labels and
    failures, and since when."""

    handled: int = 0
    done: int = 0
    failures: int = 0
    began: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sitting:
    """`waiting` counts no further than a sitting goes; `last` are the latest decisions, of any sitting.

    A long sitting has more steps than `steps` holds: `before` says how many came earlier.
    """

    steps: tuple[Step, ...]
    waiting: int
    last: tuple[Decision, ...] = ()
    before: Before = Before()

    @property
    def done(self) -> int:
        return self.before.done + sum(bool(step.said) for step in self.steps)

    @property
    def handled(self) -> int:
        return self.before.handled + len(self.steps)

    @property
    def skipped(self) -> int:
        return self.handled - self.done

    @property
    def total(self) -> int:
        return min(self.handled + self.waiting, goal(self.handled))

    @property
    def place(self) -> int:
        """The number of the item at hand."""
        return min(self.handled + 1, max(self.total, 1))

    @property
    def pace(self) -> float | None:
        """Median seconds from claim to submit."""
        taken = [step.seconds for step in self.steps if step.seconds is not None]
        return median(taken) if taken else None

    @property
    def minutes_left(self) -> int | None:
        left = max(self.total - self.handled, 0)
        return ceil(self.pace * left / 60) if self.pace is not None and left else None

    @property
    def undoable(self) -> ReviewItem | None:
        """The item of the latest submit."""
        return next((decision.item for decision in self.last if decision.was_submitted), None)

    @property
    def done_share(self) -> float:
        return self.done / max(self.total, 1)

    @property
    def skipped_share(self) -> float:
        return self.skipped / max(self.total, 1)


def goal(handled: int) -> int:
    """Where the present stretch ends."""
    if handled < FIRST_GOAL:
        return FIRST_GOAL
    return FIRST_GOAL + FURTHER * ((handled - FIRST_GOAL) // FURTHER + 1)


def is_end(handled: int) -> bool:
    """Whether a stretch has just been finished."""
    beyond = handled - FIRST_GOAL
    return beyond >= 0 and beyond % FURTHER == 0


def sitting(queue: Queue, reviewer: User, known: tuple[Step, ...] | None = None) -> Sitting:
    """`known` are its steps, where they have just been asked for."""
    waiting = waiting_for(queue, reviewer, FIRST_GOAL + FURTHER)
    done = steps(queue, reviewer) if known is None else known
    return Sitting(done, waiting, tuple(last(queue, reviewer)), before(queue, reviewer, done))


def handled(queue: Queue, reviewer: User, known: tuple[Step, ...]) -> int:
    """How many decisions the sitting of these steps has."""
    return before(queue, reviewer, known).handled + len(known)


def steps(queue: Queue, reviewer: User) -> tuple[Step, ...]:
    """Those of the sitting that goes on, the latest first; none after a pause."""
    since = timezone.now() - LONGEST
    recent = decided(queue, reviewer).filter(Q(submitted_at__gte=since) | Q(skipped_at__gte=since))
    columns = ("item", "at", "current__verdict", "current__preference", "current__seconds")
    together: list[Step] = []
    later = timezone.now()
    for item, at, verdict, preference, seconds in recent.values_list(*columns)[:MOST_STEPS]:
        if later - at > PAUSE:
            break
        together.append(Step(item, at, verdict or preference or "", seconds))
        later = at
    return tuple(together)


def before(queue: Queue, reviewer: User, known: tuple[Step, ...]) -> Before:
    """Of a sitting with more steps than are listed; only then is anything asked."""
    if len(known) < MOST_STEPS:
        return Before()
    values: dict[str, Any] = {
        "queue": queue.pk,
        "reviewer": reviewer.pk,
        "since": timezone.now() - LONGEST,
        "first": known[-1].at,
        "pause": PAUSE,
    }
    with connection.cursor() as cursor:
        cursor.execute(BEFORE, values)
        return Before(*cursor.fetchone())


BEFORE = """
    WITH step AS (
        SELECT coalesce(a.submitted_at, a.skipped_at) AS at, a.state = 'submitted' AS done,
            l.verdict = 'fail' OR l.preference = 'both_bad' AS failed
        FROM reviewapp_assignment a JOIN reviewapp_reviewitem i ON i.id = a.item_id
        LEFT JOIN reviewapp_label l ON l.id = a.current_id
        WHERE i.queue_id = %(queue)s AND a.reviewer_id = %(reviewer)s AND a.state IN ('submitted', 'skipped')
            AND coalesce(a.submitted_at, a.skipped_at) >= %(since)s
            AND coalesce(a.submitted_at, a.skipped_at) < %(first)s
    ), apart AS (
        SELECT at, done, failed, lag(at, 1, %(first)s) OVER (ORDER BY at DESC) - at > %(pause)s AS is_pause
        FROM step
    )
    SELECT count(*), count(*) FILTER (WHERE done), count(*) FILTER (WHERE failed), min(at) FROM apart
    WHERE at > coalesce((SELECT max(at) FROM apart WHERE is_pause), '-infinity')
"""


def last(queue: Queue, reviewer: User) -> list[Decision]:
    question = Left("item__trace__input", TITLE * 2)
    rows = decided(queue, reviewer).select_related("current", "item").annotate(question=question)
    return [_decision(assignment) for assignment in rows[:SHOWN_DECISIONS]]


def decided(queue: Queue, reviewer: User) -> QuerySet[Assignment, Any]:
    """What this reviewer labelled or skipped, the latest first."""
    mine = Assignment.objects.filter(reviewer=reviewer, item__queue=queue)
    done = mine.filter(state__in=[State.SUBMITTED, State.SKIPPED])
    return done.annotate(at=Coalesce("submitted_at", "skipped_at")).order_by("-at", "-pk")


def waiting_for(queue: Queue, reviewer: User, most: int) -> int:
    """How many items this reviewer could still be given or holds now; counted no further than `most`."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"queue": queue.pk, "reviewer": reviewer.pk, "most": most})
        return int(cursor.fetchone()[0])


WAITING = """
    SELECT count(*) FROM (
        SELECT FROM reviewapp_reviewitem i WHERE i.queue_id = %(queue)s AND i.open_slots > 0
            AND (i.reserved_for = '{}' OR %(reviewer)s = ANY (i.reserved_for))
            AND NOT EXISTS (SELECT FROM reviewapp_assignment a
                WHERE a.item_id = i.id AND a.reviewer_id = %(reviewer)s AND a.state <> 'released')
        UNION ALL
        SELECT FROM reviewapp_assignment a JOIN reviewapp_reviewitem i ON i.id = a.item_id
        WHERE a.reviewer_id = %(reviewer)s AND a.state = 'leased' AND a.lease_until > clock_timestamp()
            AND i.queue_id = %(queue)s
        LIMIT %(most)s
    ) AS waiting
"""


def _decision(assignment: Any) -> Decision:
    label = assignment.current
    icon, words, tone = TONES.get(
        (label.verdict or label.preference) if label else "", ("minus", "skipped", "")
    )
    title = rendering.unmarked(assignment.question)[:TITLE] or f"Item {assignment.item_id}"
    return Decision(
        item=assignment.item,
        at=assignment.at,
        icon=icon,
        words=words,
        tone=tone,
        title=title if label else f"Skipped: {assignment.get_skip_reason_display().lower()}",
        why=", ".join(reasons(assignment.item.reasons)) if assignment.revealed_at else "",
        was_submitted=label is not None,
        is_told=label is not None and assignment.revealed_at is not None,
    )


def reasons(stored: Sequence[object]) -> list[str]:
    """Routes give {"code", "detail"}; the detail is words, the code a name."""
    rows = [row for row in stored if isinstance(row, dict)]
    return [str(row.get("detail") or str(row.get("code", "")).replace("_", " ")) for row in rows]


def ago(passed: timedelta) -> str:
    """ "0:41", "9:15", "2 h", "3 d"."""
    seconds = max(int(passed.total_seconds()), 0)
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02}"
    return f"{seconds // 3600} h" if seconds < 86_400 else f"{seconds // 86_400} d"
