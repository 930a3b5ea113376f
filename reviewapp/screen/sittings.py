"""How far is this reviewer in this sitting, and what were the last decisions?

A sitting is read from the rows: one's decisions in a queue without a long pause between them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil

from django.utils import timezone

from reviewapp import rendering
from reviewapp.models import User
from reviewapp.review import claimable, rows
from reviewapp.review.models import Assignment, Queue, SkipReason, State

PAUSE = timedelta(minutes=30)
# A sitting ends here for the first time, then after every further stretch.
FIRST_GOAL = 40
FURTHER = 20
MOST_TIMED = 400
# A pace is told of so many items, and leaves out those that lay open while nobody was there: longer than a
# lease, but never what a hard item may take.
LEAST_TIMED = 5
LEAST_PAUSE = 300
LONGEST = timedelta(hours=16)
EVER = datetime.min.replace(tzinfo=UTC)
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
    """A label or a skip of this reviewer, for the rail; `item` is its id."""

    item: int
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
class Sitting:
    """Of `handled` decisions `done` are labels, `failures` of these failures; of `timed` of them `median` is
    that of the seconds from claim to submit, pauses left out. `waiting` counts no further than a sitting
    goes, and one item among them is held already if `is_holding`. `last` are the latest decisions, of any
    sitting.
    """

    handled: int
    done: int
    failures: int
    began: datetime | None
    ended: datetime | None
    timed: int
    median: float | None
    waiting: int
    is_holding: bool
    last: tuple[Decision, ...] = ()

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
        """Seconds for an item; unknown after a few."""
        return self.median if self.timed >= LEAST_TIMED else None

    @property
    def minutes_left(self) -> int | None:
        left = max(self.total - self.handled, 0)
        return ceil(self.pace * left / 60) if self.pace is not None and left else None

    @property
    def undoable(self) -> int | None:
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


def sitting(queue: Queue, reviewer: User, known: Sitting | None = None) -> Sitting:
    """With the last decisions; `known` is what `count` has just told."""
    return replace(known or count(queue, reviewer), last=tuple(last(queue, reviewer)))


def count(queue: Queue, reviewer: User) -> Sitting:
    """The sitting that goes on, in figures: nothing is handled after a pause."""
    values = {
        "queue": queue.pk,
        "reviewer": reviewer.pk,
        "most": FIRST_GOAL + FURTHER,
        "since": timezone.now() - LONGEST,
        "pause": PAUSE,
        "longest": longest(queue),
    }
    found = rows.one(COUNT, values)
    assert found is not None
    return Sitting(*found)


# What this reviewer could still be given or holds now. Items are taken in the order of an index, the newest
# first, since what is old has often been labelled by the reader and waits for others.
WAITING = f"""
    SELECT count(*), coalesce(bool_or(is_held), false) FROM (
        SELECT true AS is_held FROM reviewapp_assignment a JOIN reviewapp_reviewitem i ON i.id = a.item_id
        WHERE a.reviewer_id = %(reviewer)s AND a.state = 'leased' AND a.lease_until > clock_timestamp()
            AND i.queue_id = %(queue)s
        UNION ALL
        (SELECT false FROM reviewapp_reviewitem i
        WHERE i.queue_id = %(queue)s AND i.state = 'open' AND {claimable.ITEM}
            AND EXISTS (SELECT FROM reviewapp_queue q WHERE q.id = %(queue)s AND {claimable.QUEUE})
        ORDER BY i.enqueued_at DESC LIMIT %(most)s)
        LIMIT %(most)s
    ) AS waiting
"""  # noqa: S608 - our own names
# Labels and skips of this reviewer in the queue since a time, each by its own index. A change of mind after
# the reveal is no decision more, and takes no other time.
DECIDED = """
    SELECT a.id, a.counted_id, a.submitted_at AS at FROM reviewapp_assignment a
    WHERE a.reviewer_id = %(reviewer)s AND a.state = 'submitted' AND a.submitted_at >= %(since)s
        AND (SELECT queue_id FROM reviewapp_reviewitem WHERE id = a.item_id) = %(queue)s
    ORDER BY a.submitted_at DESC {limit}"""
SKIPPED = """
    SELECT a.id, NULL, a.skipped_at FROM reviewapp_assignment a
    WHERE a.reviewer_id = %(reviewer)s AND a.state = 'skipped' AND a.skipped_at >= %(since)s
        AND (SELECT queue_id FROM reviewapp_reviewitem WHERE id = a.item_id) = %(queue)s
    ORDER BY a.skipped_at DESC {limit}"""
COUNT = f"""
    WITH step AS (({DECIDED.format(limit="")}) UNION ALL ({SKIPPED.format(limit="")})), apart AS (
        SELECT step.at, l.id IS NOT NULL AS done, l.verdict = 'fail' OR l.preference = 'both_bad' AS failed,
            l.seconds, lag(step.at, 1, clock_timestamp()) OVER (ORDER BY step.at DESC) - step.at
                > %(pause)s AS is_pause
        FROM step LEFT JOIN reviewapp_label l ON l.id = step.counted_id
        -- what a token says in one's name is not said at the screen
        WHERE l.impersonated IS NOT TRUE
    )
    SELECT done.*, waiting.* FROM (
        SELECT count(*), count(*) FILTER (WHERE done), count(*) FILTER (WHERE failed), min(at), max(at),
            count(seconds) FILTER (WHERE seconds <= %(longest)s),
            percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE seconds <= %(longest)s)
        FROM apart WHERE at > coalesce((SELECT max(at) FROM apart WHERE is_pause), '-infinity')
    ) AS done, ({WAITING}) AS waiting
"""  # noqa: S608 - our own names


def longest(queue: Queue) -> int:
    """As many seconds as an item may take that was worked on all the time."""
    return max(queue.lease_seconds, LEAST_PAUSE)


def waiting_for(queue: Queue, reviewer: User, most: int) -> int:
    """How many items this reviewer could still be given or holds now; counted no further than `most`."""
    found = rows.one(WAITING, {"queue": queue.pk, "reviewer": reviewer.pk, "most": most})
    assert found is not None
    return int(found[0])


def seconds(queue: Queue, reviewer: User, told: Sitting) -> list[float]:
    """What the labels of the sitting took, in their order; the latest, where there are more than a chart
    shows. What a token said in one's name meanwhile is none of them."""
    if told.began is None:
        return []
    mine = Assignment.objects.filter(reviewer=reviewer, item__queue=queue, state=State.SUBMITTED)
    timed = mine.filter(
        submitted_at__gte=told.began, counted__seconds__isnull=False, counted__impersonated=False
    )
    latest = timed.order_by("-submitted_at", "-pk").values_list("counted__seconds", flat=True)[:MOST_TIMED]
    return [taken for taken in reversed(list(latest)) if taken is not None]


def last(queue: Queue, reviewer: User) -> list[Decision]:
    values = {
        "queue": queue.pk,
        "reviewer": reviewer.pk,
        "since": EVER,
        "most": SHOWN_DECISIONS,
        "length": 2 * TITLE,
    }
    return [_decision(*row) for row in rows.every(LAST, values)]


LAST = f"""
    WITH latest AS (
        ({DECIDED.format(limit="LIMIT %(most)s")}) UNION ALL ({SKIPPED.format(limit="LIMIT %(most)s")})
    )
    SELECT a.item_id, latest.at, a.skip_reason, coalesce(l.verdict, ''),
        -- as the reader saw the two: a is what stood first
        CASE WHEN a.display_order = 'ba' AND l.preference IN ('a', 'b')
            THEN translate(l.preference, 'ab', 'ba') ELSE coalesce(l.preference, '') END,
        l.id IS NOT NULL, a.revealed_at IS NOT NULL, i.reasons, left(t.input, %(length)s)
    FROM latest JOIN reviewapp_assignment a ON a.id = latest.id
    JOIN reviewapp_reviewitem i ON i.id = a.item_id
    LEFT JOIN reviewapp_label l ON l.id = a.current_id LEFT JOIN ingest_trace t ON t.id = i.trace_id
    ORDER BY latest.at DESC, a.id DESC LIMIT %(most)s
"""  # noqa: S608 - our own names


def _decision(
    item: int,
    at: datetime,
    skipped: str,
    verdict: str,
    preference: str,
    has_label: bool,
    is_revealed: bool,
    stored: str,
    question: str | None,
) -> Decision:
    icon, words, tone = TONES.get(verdict or preference, ("minus", "skipped", ""))
    title = title_of(item, question)
    return Decision(
        item=item,
        at=at,
        icon=icon,
        words=words,
        tone=tone,
        title=title if has_label else f"Skipped: {SkipReason(skipped).label.lower()}",
        why=", ".join(reasons(json.loads(stored))) if is_revealed else "",
        was_submitted=has_label,
        is_told=has_label and is_revealed,
    )


def title_of(item: int, question: str | None) -> str:
    """The name of an item in a line: the beginning of what was asked."""
    return rendering.unmarked((question or "")[: 2 * TITLE])[:TITLE] or f"Item {item}"


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
