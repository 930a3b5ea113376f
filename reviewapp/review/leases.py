"""Who holds which item: claim, heartbeat, release, skip, and what happens when a lease runs out.

A lease is an Assignment in state `leased`; its token alone lets it submit. All clocks are the database's.
Locks are taken in one order everywhere: the item, then the assignment.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from time import sleep
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from reviewapp.models import User
from reviewapp.review import answers, claimable, marks, rows, seats, snapshots, standing, turns
from reviewapp.review.models import (
    Assignment,
    ItemKind,
    ItemState,
    Lane,
    Queue,
    ReviewItem,
    SkipReason,
    Snapshot,
    State,
)
from reviewapp.review.refusals import ItemClosed, LeaseLost, NotAllowed
from reviewapp.review.standing import Outdated, Standing

# A claim that lost a race, or found only what others have locked just now, looks again so often; each time it
# has waited twice as long, as a machine that is busy keeps a lock for longer.
ATTEMPTS = 5
LOCKED_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Lease:
    """`item` comes with queue, rubric version and snapshot. `display_order` of a pair: "ab" or "ba".

    `skipped_before`: the same reviewer has skipped it, and there is nothing else left. `seconds_left` were
    left by the database's clock, whatever this machine's says, when the lease was read.
    """

    item: ReviewItem
    assignment_id: int
    token: UUID
    expires_at: datetime
    seconds_left: int
    display_order: str
    skipped_before: bool = False
    # Whether the snapshot is what the trace holds now, as far as the claim's own statement saw.
    is_shown: bool = False
    draft: dict[str, Any] | None = None
    # Of the item's row, as the claim left it (review.standing).
    version: str = ""


# One statement: lock the first free item, insert or reuse the assignment, and take a slot only if that
# succeeded. The check of open_slots holds for the newest version of the row, as PostgreSQL looks again after
# it has the lock.
FRESH = f"""
    SELECT i.id FROM reviewapp_reviewitem i
    WHERE {marks.CLAIMABLE} {{unless}}
    ORDER BY i.{{rank}} DESC, i.id LIMIT 1 FOR NO KEY UPDATE OF i SKIP LOCKED
"""  # noqa: S608 - our own names
FROM_MARK = f"""
        AND i.rank <= {marks.BEGINNING}"""
SKIPPED = f"""
    SELECT i.id FROM reviewapp_reviewitem i
    JOIN reviewapp_assignment s ON s.item_id = i.id AND s.reviewer_id = %(reviewer)s AND s.state = 'skipped'
    WHERE i.queue_id = %(queue)s AND i.open_slots > 0
        AND {claimable.IS_FOR_READER}
    ORDER BY s.skipped_at, i.id LIMIT 1 FOR NO KEY UPDATE OF i SKIP LOCKED
"""  # noqa: S608 - our own names
ONE = f"""
    SELECT i.id FROM reviewapp_reviewitem i
    WHERE i.id = %(item)s AND i.queue_id = %(queue)s AND i.open_slots > 0
        AND {claimable.IS_FOR_READER}
    FOR NO KEY UPDATE OF i
"""  # noqa: S608 - our own names
ANY_LEFT = f"""
    SELECT EXISTS (SELECT FROM reviewapp_reviewitem i WHERE {marks.CLAIMABLE.format(rank="rank")})
        OR EXISTS (SELECT FROM reviewapp_reviewitem i WHERE {marks.CLAIMABLE.format(rank="audit_rank")})
"""  # noqa: S608 - our own names
TAKE = f"""
    WITH picked AS ({{choice}}),
    assigned AS (
        INSERT INTO reviewapp_assignment AS a
            (item_id, reviewer_id, state, token, lease_until, claimed_at, display_order, skip_reason)
        SELECT id, %(reviewer)s, 'leased', gen_random_uuid(),
            clock_timestamp() + %(seconds)s * interval '1 second', clock_timestamp(),
            CASE WHEN random() < 0.5 THEN 'ab' ELSE 'ba' END, ''
        FROM picked
        ON CONFLICT (item_id, reviewer_id) DO UPDATE SET state = 'leased', token = excluded.token,
            lease_until = excluded.lease_until, claimed_at = excluded.claimed_at
            WHERE a.state IN ('released', 'skipped')
        RETURNING id, item_id, token, lease_until, display_order
    ),
    taken AS (
        UPDATE reviewapp_reviewitem i SET open_slots = i.open_slots - 1
        FROM assigned WHERE i.id = assigned.item_id RETURNING i.*, {standing.ITEM} AS version
    ){{noted}}
    SELECT assigned.id, assigned.token, assigned.lease_until, assigned.display_order,
        (SELECT revision FROM ingest_trace WHERE id = taken.trace_id),
        {{other_revision}},
        (SELECT body FROM reviewapp_draft d WHERE d.assignment_id = assigned.id),
        {{claims}}, taken.version, {{columns}}, {{shown}}
    FROM picked LEFT JOIN assigned ON true LEFT JOIN taken ON true
        LEFT JOIN reviewapp_snapshot s ON s.id = taken.snapshot_id
"""  # noqa: S608 - our own names
OTHER_REVISION = "(SELECT revision FROM ingest_trace WHERE id = taken.other_trace_id)"
RANKS = {Lane.RISK: "rank", Lane.AUDIT: "audit_rank"}
# What nobody asks of an item that was claimed, or of what is shown of it.
UNREAD_OF_ITEM, UNREAD_OF_SNAPSHOT = ("enqueued_at", "removed_at", "removed_by", "added_by"), ("created_at",)


def claim(queue: Queue, reviewer: User) -> Lease | None:
    """The next item for this reviewer, held for `lease_seconds`; None when there is none.

    Each call gives another item (the page fetches the next one ahead). Raises NotAllowed.
    """
    if queue.paused or queue.archived_at:
        return None
    check_admission(queue, reviewer)
    lease = _claim(queue, reviewer)
    while lease is not None and _has_changed(lease) and not _is_held(lease):
        # What is shown has just changed, which voids the leases: also this one, of a second ago.
        lease = _claim(queue, reviewer)
    return lease


def claim_at_once(queue: Queue, reviewer: User, read: Standing) -> Lease:
    """The same with a queue that was read before, where that and the token still stand.

    Raises NotAllowed, and Outdated when anything is different or there is nothing: `claim` then knows.
    """
    if queue.paused or queue.archived_at:
        raise Outdated
    check_admission(queue, reviewer)
    lease = _first(queue, reviewer, read)
    if lease is None or (_has_changed(lease) and not _is_held(lease)):
        raise Outdated
    return lease


def _has_changed(lease: Lease) -> bool:
    return not lease.is_shown and snapshots.look(lease.item)


def _claim(queue: Queue, reviewer: User) -> Lease | None:
    for attempt in range(ATTEMPTS):
        if lease := _first(queue, reviewer):
            return lease
        # No mark hides anything; were one to, as after changes of rows with the triggers off, it ends here.
        if lease := _take(queue, reviewer, taking(queue.kind, Lane.RISK)):
            return lease
        if rows.one(ANY_LEFT, {"queue": queue.pk, "reviewer": reviewer.pk}) == (False,):
            break
        # All that is left is locked by others, who may leave it open: to go home now would leave it undone.
        sleep(LOCKED_SECONDS * 2**attempt)
    return _take(queue, reviewer, _taking(queue.kind, SKIPPED), skipped=True)


def _first(queue: Queue, reviewer: User, read: Standing | None = None) -> Lease | None:
    """In the order of the lanes, from the reviewer's mark on; nothing if what was read no longer stands."""
    stands = standing.DOOR_STANDS if read else ""
    if lease := _take(queue, reviewer, simply_taking(queue.kind, stands), read=read):
        return lease
    turn = seats.turn(queue, reviewer)
    if turn.has_expired:
        expire()
    for lane in turn.lanes:
        begun = FROM_MARK if lane == Lane.RISK else ""
        if lease := _take(queue, reviewer, taking(queue.kind, lane, begun + stands), read=read):
            return lease
    return None


def _take(
    queue: Queue,
    reviewer: User,
    statement: str,
    *,
    item: int | None = None,
    skipped: bool = False,
    read: Standing | None = None,
) -> Lease | None:
    values = {
        "queue": queue.pk,
        "reviewer": reviewer.pk,
        "seconds": queue.lease_seconds,
        "item": item,
        "every": queue.audit_every,
        **(read.values() if read else {}),
    }
    for _ in range(ATTEMPTS):
        row = rows.one(statement, values)
        if row is None:
            return None
        assignment, token, until, order, revision, other_revision, typed, claims, version, *loaded = row
        if assignment is not None:
            if claims is not None and claims % marks.EVERY == 0:
                marks.renew(queue, reviewer)
            held = _item(queue, loaded)
            seen = held.snapshot_id is not None and (held.seen_revision, held.seen_other_revision)
            is_shown = seen == (revision, other_revision)
            draft = json.loads(typed) if typed else None
            left = queue.lease_seconds
            return Lease(held, assignment, token, until, left, order, skipped, is_shown, draft, version)
    return None


@cache
def simply_taking(kind: str, stands: str) -> str:
    """What most claims are: the risk lane's turn. Who is remembered, which `stands` says, mostly has a seat;
    for who has none it finds nothing, and their turn is asked for."""
    unless = seats.UNLESS_OTHERWISE_SEATED if stands else seats.UNLESS_OTHERWISE
    choice = FRESH.format(rank=RANKS[Lane.RISK], unless=FROM_MARK + unless + stands)
    return _taking(kind, choice, seats.NOTED_SEATED if stands else seats.NOTED[Lane.RISK])


@cache
def taking(kind: str, lane: Lane, unless: str = "") -> str:
    return _taking(kind, FRESH.format(rank=RANKS[lane], unless=unless), seats.NOTED[lane])


def _taking(kind: str, choice: str, noted: str = "") -> str:
    item = rows.columns(ReviewItem, "taken", *UNREAD_OF_ITEM)
    shown = rows.columns(Snapshot, "s", *UNREAD_OF_SNAPSHOT)
    claims = "(SELECT claims FROM noted)" if noted else "NULL"
    return TAKE.format(
        choice=choice,
        columns=item,
        shown=shown,
        noted=f", noted AS ({noted})" if noted else "",
        claims=claims,
        other_revision=OTHER_REVISION if kind == ItemKind.PAIR else "NULL",
    )


def _item(queue: Queue, row: Sequence[Any]) -> ReviewItem:
    """From the statement's own row: to ask for it again would cost more than the claim."""
    width = len(rows.fields(ReviewItem, *UNREAD_OF_ITEM))
    item = rows.made(ReviewItem, row[:width], *UNREAD_OF_ITEM)
    # One that was stored while the statement waited for the item's row is not in its view: it is read later.
    if item.snapshot_id is not None and row[width] is not None:
        rows.link(item, "snapshot", rows.made(Snapshot, row[width:], *UNREAD_OF_SNAPSHOT))
    rows.link(item, "queue", queue)
    rows.link(item, "rubric_version", answers.version_of(item.rubric_version_id))
    return item


def of_item(lease: Lease, item: ReviewItem) -> Lease:
    """The same lease with its item as `items.find` gives it."""
    return replace(lease, item=item)


def _is_held(lease: Lease) -> bool:
    return Assignment.objects.filter(pk=lease.assignment_id, token=lease.token).exists()


def check_admission(queue: Queue, reviewer: User) -> None:
    if not seats.admits(queue, reviewer):
        raise NotAllowed("This queue is for named reviewers, and you are not one of them. Ask a lead.")


def held(queue: Queue, reviewer: User) -> list[Lease]:
    """The leases that still run, the oldest first: where a reviewer who comes back resumes."""
    running = Assignment.objects.held().filter(item__queue=queue, reviewer=reviewer)
    related = ("draft", "item__snapshot", "item__rubric_version__rubric", "item__trace", "item__other_trace")
    found = running.select_related(*related).defer("item__trace__search", "item__other_trace__search")
    timed = found.annotate(left=F("lease_until") - Now()).order_by("claimed_at", "pk")
    leases = [_lease(assignment) for assignment in timed]
    for lease in leases:
        lease.item.queue = queue
    return leases


def begin(lease: Lease, reviewer: User, after: ReviewItem) -> None:
    """The work on this one begins where that on `after` ended: it waited, held, in the meantime.

    All that wait with it are moved alike, which keeps their order. What began later stays: a submit that
    comes twice takes no time away.
    """
    values = {"queue": lease.item.queue_id, "reviewer": reviewer.pk, "begun": lease.assignment_id}
    rows.change(BEGIN, values | {"after": after.pk})


BEGIN = """
    UPDATE reviewapp_assignment a
    SET claimed_at = least(clock_timestamp(), a.claimed_at + (done.at - first.claimed_at))
    FROM reviewapp_assignment first, reviewapp_reviewitem i, (
        SELECT greatest(submitted_at, skipped_at) AS at FROM reviewapp_assignment
        WHERE item_id = %(after)s AND reviewer_id = %(reviewer)s
    ) AS done
    WHERE first.id = %(begun)s AND first.claimed_at < done.at
        AND i.id = a.item_id AND i.queue_id = %(queue)s
        AND a.reviewer_id = %(reviewer)s AND a.state = 'leased' AND a.lease_until > clock_timestamp()
"""


def _lease(assignment: Any) -> Lease:
    assert assignment.token is not None and assignment.lease_until is not None
    return Lease(
        assignment.item,
        assignment.pk,
        assignment.token,
        assignment.lease_until,
        max(int(assignment.left.total_seconds()), 0),
        assignment.display_order,
        assignment.skipped_at is not None,
        draft=assignment.draft.body if hasattr(assignment, "draft") else None,
    )


def reclaim(item: ReviewItem, reviewer: User) -> Lease:
    """Take this item (again): after an expiry, to open one by its address. Raises ItemClosed, NotAllowed.

    One that the reviewer holds is given as it is.
    """
    queue = item.queue
    check_admission(queue, reviewer)
    if queue.archived_at:
        raise ItemClosed("This queue is archived.")
    if queue.paused and not Assignment.objects.filter(item=item, reviewer=reviewer).exists():
        raise ItemClosed("This queue is paused: it hands out nothing new.")
    expire()
    mine = next((lease for lease in held(queue, reviewer) if lease.item.pk == item.pk), None)
    lease = mine or _take(queue, reviewer, _taking(queue.kind, ONE), item=item.pk)
    if lease is None:
        raise ItemClosed(_why_closed(item, reviewer))
    if _has_changed(lease) and not _is_held(lease):
        return reclaim(item, reviewer)
    return lease


def _why_closed(item: ReviewItem, reviewer: User) -> str:
    if Assignment.objects.filter(item=item, reviewer=reviewer, state=State.SUBMITTED).exists():
        return "You have already labelled this item; undo takes the label back."
    if ReviewItem.objects.filter(pk=item.pk, state=ItemState.REMOVED).exists():
        return "This item was removed from the queue."
    return "Others have taken this item in the meantime. What you typed is kept as your draft."


def heartbeat(item: ReviewItem, reviewer: User, token: UUID) -> datetime:
    """Renew the lease; until when it now runs. Raises LeaseLost."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reviewapp_assignment a SET lease_until = clock_timestamp() "
            "+ (SELECT q.lease_seconds FROM reviewapp_queue q WHERE q.id = %s) * interval '1 second' "
            "WHERE a.item_id = %s AND a.reviewer_id = %s AND a.token = %s AND a.state = 'leased' "
            "AND a.lease_until > clock_timestamp() RETURNING a.lease_until",
            [item.queue_id, item.pk, reviewer.pk, token],
        )
        row = cursor.fetchone()
    if row is None:
        raise lost(item, reviewer)
    until: datetime = row[0]
    return until


def release(item: ReviewItem, reviewer: User, token: UUID) -> None:
    """Give the item back, at its place for everyone. Raises LeaseLost."""
    _give_back(item, reviewer, token, state=State.RELEASED)


@transaction.atomic
def skip(item: ReviewItem, reviewer: User, token: UUID, reason: SkipReason) -> None:
    """Give the item back to others; it comes last in one's own order. Raises LeaseLost."""
    _give_back(item, reviewer, token, state=State.SKIPPED, skip_reason=reason, skipped_at=Now())
    turns.pass_on(item, reviewer)


def put_back(item: ReviewItem, reviewer: User, token: UUID) -> None:
    """As if one that was skipped before had not been taken: for the reason, and at the place in one's own
    order, that it had. Raises LeaseLost."""
    _give_back(item, reviewer, token, state=State.SKIPPED)


@transaction.atomic
def _give_back(item: ReviewItem, reviewer: User, token: UUID, **becomes: object) -> None:
    ReviewItem.objects.select_for_update(no_key=True).only("pk").get(pk=item.pk)
    mine = Assignment.objects.held().filter(item=item, reviewer=reviewer, token=token)
    if not mine.update(token=None, lease_until=None, **becomes):
        raise lost(item, reviewer)
    _free_slot([item.pk])


def _free_slot(items: list[int]) -> None:
    """One slot for each id; the items are locked."""
    for pk in items:
        ReviewItem.objects.filter(pk=pk, state=ItemState.OPEN).update(open_slots=F("open_slots") + 1)


def lost(item: ReviewItem, reviewer: User) -> LeaseLost:
    """Why the token no longer counts, in words that say what to do."""
    found = ReviewItem.objects.filter(pk=item.pk).values_list("state", "open_slots").first()
    state, open_slots = found or (ItemState.REMOVED, 0)
    mine = Assignment.objects.filter(item=item, reviewer=reviewer).first()
    if mine is None:
        return LeaseLost("You do not hold this item. Claim it first.", can_reclaim=open_slots > 0)
    if mine.state == State.SUBMITTED:
        return LeaseLost("You have already labelled this item; undo takes the label back.")
    if state == ItemState.REMOVED:
        return LeaseLost("This item was removed from the queue in the meantime.")
    if Assignment.objects.held().filter(pk=mine.pk).exists():
        return LeaseLost("Another window of yours holds this item under a newer token.", can_reclaim=True)
    if open_slots > 0 or mine.state == State.LEASED:
        return LeaseLost(
            "You no longer hold this item: the time ran out, it was given back, or more of the trace "
            "arrived. It is still free: take it again.",
            can_reclaim=True,
        )
    return LeaseLost("Your lease expired, and others have taken the item since. What you typed is kept.")


@transaction.atomic
def expire(limit: int = 500) -> int:
    """Free the slots of leases that have run out; how many. The worker's job; claim does it too."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, [limit])
        items = [pk for (pk,) in cursor.fetchall()]
        if not items:
            return 0
        cursor.execute(
            "UPDATE reviewapp_assignment SET state = 'released', token = NULL, lease_until = NULL "
            "WHERE item_id = ANY(%s) AND state = 'leased' AND lease_until <= clock_timestamp() "
            "RETURNING item_id",
            [items],
        )
        freed = [pk for (pk,) in cursor.fetchall()]
    _free_slot(freed)
    return len(freed)


# Whoever holds an item's lock just now deals with it; the next look comes soon.
DUE = """
    SELECT i.id FROM reviewapp_reviewitem i
    WHERE i.id IN (SELECT item_id FROM reviewapp_assignment
        WHERE state = 'leased' AND lease_until <= statement_timestamp() ORDER BY lease_until LIMIT %s)
    ORDER BY i.id FOR NO KEY UPDATE OF i SKIP LOCKED
"""
