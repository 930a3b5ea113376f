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

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce, Left
from django.utils import timezone

from reviewapp import rendering
from reviewapp.models import User
from reviewapp.review.models import Assignment, Queue, ReviewItem, State

PAUSE = timedelta(minutes=30)
# A sitting ends here for the first time, then after every further stretch.
FIRST_GOAL = 40
FURTHER = 20
MOST_DECISIONS = 400
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
    seconds: float | None

    @property
    def ago(self) -> str:
        return ago(timezone.now() - self.at)


@dataclass(frozen=True, slots=True)
class Sitting:
    """`place` is the number of the item at hand; `waiting` counts no further than a sitting goes."""

    decisions: tuple[Decision, ...]
    waiting: int
    # The latest decisions in the queue, also those before the pause.
    before: tuple[Decision, ...] = ()

    @property
    def done(self) -> int:
        return sum(decision.was_submitted for decision in self.decisions)

    @property
    def handled(self) -> int:
        return len(self.decisions)

    @property
    def skipped(self) -> int:
        return self.handled - self.done

    @property
    def total(self) -> int:
        return min(self.handled + self.waiting, goal(self.handled))

    @property
    def place(self) -> int:
        return min(self.handled + 1, max(self.total, 1))

    @property
    def pace(self) -> float | None:
        """Median seconds from claim to submit."""
        taken = [decision.seconds for decision in self.decisions if decision.seconds is not None]
        return median(taken) if taken else None

    @property
    def minutes_left(self) -> int | None:
        left = max(self.total - self.handled, 0)
        return ceil(self.pace * left / 60) if self.pace is not None and left else None

    @property
    def done_share(self) -> float:
        return self.done / max(self.total, 1)

    @property
    def skipped_share(self) -> float:
        return self.skipped / max(self.total, 1)

    @property
    def is_over(self) -> bool:
        """Whether a stretch has just been finished."""
        beyond = self.handled - FIRST_GOAL
        return beyond >= 0 and beyond % FURTHER == 0

    @property
    def last(self) -> tuple[Decision, ...]:
        return self.before

    @property
    def began(self) -> datetime | None:
        return self.decisions[-1].at if self.decisions else None


def goal(handled: int) -> int:
    """Where the present stretch ends."""
    if handled < FIRST_GOAL:
        return FIRST_GOAL
    return FIRST_GOAL + FURTHER * ((handled - FIRST_GOAL) // FURTHER + 1)


def sitting(queue: Queue, reviewer: User, now: datetime | None = None) -> Sitting:
    """The sitting that goes on, or an empty one after a pause; the latest decision first."""
    decisions = last(queue, reviewer, MOST_DECISIONS)
    together: list[Decision] = []
    later = now or timezone.now()
    for decision in decisions:
        if later - decision.at > PAUSE:
            break
        together.append(decision)
        later = decision.at
    waiting = open_to(queue, reviewer)[: FIRST_GOAL + FURTHER].count()
    return Sitting(tuple(together), waiting, tuple(decisions[:SHOWN_DECISIONS]))


def open_to(queue: Queue, reviewer: User) -> QuerySet[ReviewItem, Any]:
    """Items that this reviewer could still be given, and those held now."""
    mine = Assignment.objects.filter(item=OuterRef("pk"), reviewer=reviewer).exclude(state=State.RELEASED)
    free = ReviewItem.objects.filter(queue=queue, open_slots__gt=0).exclude(Exists(mine))
    held = ReviewItem.objects.filter(
        pk__in=Assignment.objects.held().filter(item__queue=queue, reviewer=reviewer).values("item")
    )
    return free.values("pk").union(held.values("pk"), all=True)


def last(queue: Queue, reviewer: User, most: int) -> list[Decision]:
    decided = (
        Assignment.objects.filter(
            reviewer=reviewer, item__queue=queue, state__in=[State.SUBMITTED, State.SKIPPED]
        )
        .select_related("current", "item")
        .annotate(at=Coalesce("submitted_at", "skipped_at"), question=Left("item__trace__input", TITLE * 2))
        .order_by("-at", "-pk")
    )
    return [_decision(assignment) for assignment in decided[:most]]


def _decision(assignment: Any) -> Decision:
    label = assignment.current
    said = (label.verdict or label.preference) if label else ""
    icon, words, tone = TONES.get(said, ("minus", "skipped", ""))
    title = rendering.unmarked(assignment.question)[:TITLE] or f"Item {assignment.item_id}"
    return Decision(
        item=assignment.item,
        at=assignment.at,
        icon=icon,
        words=words,
        tone=tone,
        title=title if label else f"Skipped: {assignment.get_skip_reason_display().lower()}",
        why=why(assignment.item) if assignment.revealed_at else "",
        was_submitted=label is not None,
        seconds=label.seconds if label else None,
    )


def why(item: ReviewItem) -> str:
    """The reasons of an item in one line. Only for whoever may see them."""
    return ", ".join(reasons(item.reasons))


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
