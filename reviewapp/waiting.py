"""How much waits for this member? For the navigation, so on nearly every page: bounded, and one statement."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from reviewapp.models import Membership, Role
from reviewapp.review import claimable

# Beyond this nobody counts, nor do we.
MOST = 99
# How many of a queue's open items are looked at, the newest first: what is old there has often been labelled
# by the reader and waits for others.
LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """Up to `MOST`; `is_more`: there is more than the number says, or more than was looked at."""

    number: int = 0
    is_more: bool = False

    @property
    def short(self) -> str:
        return f"{self.number}{'+' * self.is_more}"

    @property
    def words(self) -> str:
        return f"{self.number}{' or more' * self.is_more} waiting"


@dataclass(frozen=True, slots=True)
class Work:
    """`to_label`: what the member could be given now; `to_decide`: what waits for a lead, told to leads."""

    to_label: Waiting = Waiting()
    to_decide: Waiting = Waiting()


def for_member(membership: Membership) -> Work:
    values = {
        "project": membership.project_id,
        "reviewer": membership.user_id,
        "most": MOST + 1,
        "looked_at": LOOKED_AT,
        "decides": Role(membership.role).allows(Role.LEAD),
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, values)
        to_label, is_cut, to_decide = cursor.fetchone() or (0, False, 0)
    return Work(_capped(to_label, is_cut), _capped(to_decide))


def _capped(counted: int, is_cut: bool = False) -> Waiting:
    return Waiting(min(counted, MOST), counted > MOST or (is_cut and counted > 0))


# Each part is bounded whatever the planner believes of the tables: the order is that of an index.
STATEMENT = f"""
    WITH admitting AS MATERIALIZED (
        SELECT q.id FROM reviewapp_queue q WHERE q.project_id = %(project)s AND {claimable.QUEUE}
    ),
    free AS MATERIALIZED (
        SELECT count(*) AS number FROM (
            SELECT FROM admitting q CROSS JOIN LATERAL (
                SELECT i.id, i.open_slots, i.reserved_for FROM reviewapp_reviewitem i
                WHERE i.queue_id = q.id AND i.state = 'open'
                ORDER BY i.enqueued_at DESC LIMIT %(looked_at)s
            ) i
            WHERE {claimable.ITEM} LIMIT %(most)s
        ) counted
    )
    SELECT free.number,
        CASE WHEN free.number < %(most)s THEN EXISTS (
            SELECT FROM admitting q CROSS JOIN LATERAL (
                SELECT FROM reviewapp_reviewitem i WHERE i.queue_id = q.id AND i.state = 'open'
                ORDER BY i.enqueued_at DESC OFFSET %(looked_at)s LIMIT 1
            ) further
        ) ELSE false END,
        CASE WHEN %(decides)s THEN (SELECT count(*) FROM (
            SELECT FROM reviewapp_queue q CROSS JOIN LATERAL (
                SELECT FROM reviewapp_reviewitem i
                WHERE i.queue_id = q.id AND i.state = 'adjudication' AND i.purpose = 'review'
                ORDER BY i.enqueued_at DESC LIMIT %(most)s
            ) i
            WHERE q.project_id = %(project)s LIMIT %(most)s
        ) undecided) ELSE 0 END
    FROM free
"""  # noqa: S608 - our own names
