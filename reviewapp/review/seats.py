"""Who may work a queue, and from which lane does a reviewer's next item come?

Every so-many-th claim of a reviewer is served from the audit lane. New reviewers begin at different places,
so that many who come for a few items each do not all begin with the risk lane.
"""

from __future__ import annotations

from dataclasses import dataclass

from reviewapp.models import User
from reviewapp.review import rows
from reviewapp.review.models import AssignedTo, Assignee, Lane, Queue


def admits(queue: Queue, reviewer: User) -> bool:
    """Whether this reviewer may claim from the queue; that the project is theirs is the door's to know."""
    if queue.assignment == AssignedTo.OPEN:
        return True
    return Assignee.objects.filter(queue=queue, membership__user=reviewer).exists()


@dataclass(frozen=True, slots=True)
class Turn:
    """The lanes in the order in which they are asked, and whether leases have run out meanwhile."""

    lanes: tuple[Lane, ...]
    has_expired: bool


def turn(queue: Queue, reviewer: User) -> Turn:
    found = rows.one(TURN, {"queue": queue.pk, "reviewer": reviewer.pk, "every": queue.audit_every})
    assert found is not None
    since_audit, audit_waits, has_expired = found
    if not audit_waits and not has_expired:
        return Turn((Lane.RISK,), has_expired)
    is_due = since_audit + 1 >= queue.audit_every
    return Turn((Lane.AUDIT, Lane.RISK) if is_due else (Lane.RISK, Lane.AUDIT), has_expired)


SINCE_AUDIT = """coalesce(
        (SELECT since_audit FROM reviewapp_seat WHERE queue_id = %(queue)s AND reviewer_id = %(reviewer)s),
        (SELECT count(*) FROM reviewapp_seat WHERE queue_id = %(queue)s) %% %(every)s)"""
# Asked for the first in the order of an index, and not whether there is any: PostgreSQL would look for any
# from the beginning of the table on, which is a look at all of it where another queue has some and this one
# has none.
AUDIT_WAITS = """((SELECT audit_rank FROM reviewapp_reviewitem
        WHERE queue_id = %(queue)s AND open_slots > 0 AND audit_rank IS NOT NULL
        ORDER BY audit_rank DESC LIMIT 1) IS NOT NULL)"""
HAS_EXPIRED = """((SELECT lease_until FROM reviewapp_assignment
        WHERE state = 'leased' AND lease_until <= statement_timestamp()
        ORDER BY lease_until LIMIT 1) IS NOT NULL)"""
TURN = f"SELECT {SINCE_AUDIT}, {AUDIT_WAITS}, {HAS_EXPIRED}"
# A condition of the claim's statement: it is simply the risk lane's turn, as at most claims.
UNLESS_OTHERWISE = f"""
        AND NOT {HAS_EXPIRED}
        AND NOT ({AUDIT_WAITS} AND {SINCE_AUDIT} + 1 >= %(every)s)"""
# The same for one who has a seat, and false for others: theirs need not be counted, and PostgreSQL takes the
# longer to begin a statement the more is asked in it.
UNLESS_OTHERWISE_SEATED = f"""
        AND NOT {HAS_EXPIRED}
        AND (SELECT since_audit FROM reviewapp_seat
            WHERE queue_id = %(queue)s AND reviewer_id = %(reviewer)s)
            < CASE WHEN {AUDIT_WAITS} THEN %(every)s - 1 ELSE 2147483647 END"""  # noqa: S608 - our own names
# Parts of the claim's statement: they note the lane if `assigned` holds a row. The seats are counted for
# whoever has none yet alone.
NOTED = {
    Lane.AUDIT: """
        INSERT INTO reviewapp_seat AS s (queue_id, reviewer_id, since_audit, claims)
        SELECT %(queue)s, %(reviewer)s, 0, 1 FROM assigned
        ON CONFLICT (queue_id, reviewer_id) DO UPDATE SET since_audit = 0, claims = s.claims + 1
        RETURNING claims""",
    Lane.RISK: f"""
        INSERT INTO reviewapp_seat AS s (queue_id, reviewer_id, since_audit, claims)
        SELECT %(queue)s, %(reviewer)s, {SINCE_AUDIT} + 1, 1 FROM assigned
        ON CONFLICT (queue_id, reviewer_id) DO UPDATE SET since_audit = s.since_audit + 1,
            claims = s.claims + 1
        RETURNING claims""",  # noqa: S608 - our own names
}
NOTED_SEATED = """
        UPDATE reviewapp_seat s SET since_audit = s.since_audit + 1, claims = s.claims + 1
        FROM assigned WHERE s.queue_id = %(queue)s AND s.reviewer_id = %(reviewer)s
        RETURNING claims"""
