"""Who may work a queue, and from which lane does a reviewer's next item come?

Every so-many-th claim of a reviewer is served from the audit lane. New reviewers begin at different places,
so that many who come for a few items each do not all begin with the risk lane.
"""

from __future__ import annotations

from django.db import connection

from reviewapp.models import User
from reviewapp.review.models import AssignedTo, Assignee, Lane, Queue


def admits(queue: Queue, reviewer: User) -> bool:
    """Whether this reviewer may claim from the queue; that the project is theirs is the door's to know."""
    if queue.assignment == AssignedTo.OPEN:
        return True
    return Assignee.objects.filter(queue=queue, membership__user=reviewer).exists()


def lanes(queue: Queue, reviewer: User) -> tuple[Lane, Lane]:
    """The lanes in the order in which they are asked."""
    with connection.cursor() as cursor:
        cursor.execute(SINCE_AUDIT, {"queue": queue.pk, "reviewer": reviewer.pk, "every": queue.audit_every})
        (since_audit,) = cursor.fetchone()
    if since_audit + 1 >= queue.audit_every:
        return Lane.AUDIT, Lane.RISK
    return Lane.RISK, Lane.AUDIT


def note(queue: Queue, reviewer: User, lane: Lane) -> None:
    values = {"queue": queue.pk, "reviewer": reviewer.pk, "every": queue.audit_every}
    with connection.cursor() as cursor:
        cursor.execute(NOTE_AUDIT if lane is Lane.AUDIT else NOTE_RISK, values)


SINCE_AUDIT = """
    SELECT coalesce(
        (SELECT since_audit FROM reviewapp_seat WHERE queue_id = %(queue)s AND reviewer_id = %(reviewer)s),
        (SELECT count(*) FROM reviewapp_seat WHERE queue_id = %(queue)s) %% %(every)s)
"""
NOTE_AUDIT = """
    INSERT INTO reviewapp_seat (queue_id, reviewer_id, since_audit) VALUES (%(queue)s, %(reviewer)s, 0)
    ON CONFLICT (queue_id, reviewer_id) DO UPDATE SET since_audit = 0
"""
NOTE_RISK = """
    INSERT INTO reviewapp_seat AS s (queue_id, reviewer_id, since_audit)
    SELECT %(queue)s, %(reviewer)s, count(*) %% %(every)s + 1 FROM reviewapp_seat WHERE queue_id = %(queue)s
    ON CONFLICT (queue_id, reviewer_id) DO UPDATE SET since_audit = s.since_audit + 1
"""
