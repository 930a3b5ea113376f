"""Where does the look for a reviewer's next item begin, when much that stands before it is done already?

In a queue that several label, one who is far ahead has labelled thousands of items that are still open for
others. The seat holds a mark: when it was made, nothing of a greater rank could be claimed by this reviewer.
Whatever was opened since, by whom and however, is written down (models.openings), so the look begins at the
mark or at the first of those, whichever comes first. A mark is made only while nobody is about to open
anything: what is not yet committed, and therefore not seen, holds the lock that the maker asks for.
"""

from __future__ import annotations

from django.db import transaction

from reviewapp.models import User
from reviewapp.review import claimable, rows
from reviewapp.review.models import Queue
from reviewapp.review.models.openings import key

# At every so-many-th claim of a reviewer.
EVERY = 32
# Marks of reviewers who have not claimed for this many openings are dropped, and with them the openings.
KEPT = 10_000

# What this reviewer could be given from a lane, were it not for others who have it locked now.
CLAIMABLE = f"i.queue_id = %(queue)s AND i.{{rank}} IS NOT NULL AND {claimable.ITEM}"
BEGINNING = """coalesce((
        SELECT greatest(m.passed_rank, (
            SELECT max(o.rank) FROM reviewapp_opening o
            LEFT JOIN reviewapp_reviewitem c ON c.id = o.item_id
            WHERE o.queue_id = m.queue_id AND o.id > m.passed_at AND o.rank > m.passed_rank
                AND (o.item_id IS NULL OR (c.open_slots > 0 AND coalesce((
                    SELECT b.state FROM reviewapp_assignment b WHERE b.item_id = o.item_id
                    AND b.reviewer_id = m.reviewer_id), 'released') = 'released'))))
        FROM reviewapp_seat m WHERE m.queue_id = %(queue)s AND m.reviewer_id = %(reviewer)s
            AND m.passed_rank IS NOT NULL), 'Infinity')"""


def renew(queue: Queue, reviewer: User) -> bool:
    """Bring the reviewer's mark up to where things stand; False when others are at it or about to open."""
    values = {"queue": queue.pk, "reviewer": reviewer.pk, "kept": KEPT}
    with transaction.atomic():
        # A statement of its own: the next one sees all that was committed before the lock was had.
        locked = rows.one(LOCK, values)
        if locked is None or not locked[0] or rows.one(RENEW, values) is None:
            return False
        rows.change(LET_GO, values)
        rows.change(FORGET, values)
    return True


# Nothing here waits for another, since those who open anything may have to wait for this.
LOCK = f"SELECT pg_try_advisory_xact_lock({key('%(queue)s::bigint')})"
RENEW = f"""
    UPDATE reviewapp_seat SET
        passed_rank = coalesce((SELECT i.rank FROM reviewapp_reviewitem i
            WHERE {CLAIMABLE.format(rank="rank")} ORDER BY i.rank DESC, i.id LIMIT 1), '-Infinity'),
        passed_at = coalesce((SELECT max(id) FROM reviewapp_opening WHERE queue_id = %(queue)s), 0)
    WHERE id = (SELECT id FROM reviewapp_seat
        WHERE queue_id = %(queue)s AND reviewer_id = %(reviewer)s FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING passed_rank
"""  # noqa: S608 - our own names
LET_GO = """
    UPDATE reviewapp_seat SET passed_rank = NULL WHERE id IN (SELECT id FROM reviewapp_seat
        WHERE queue_id = %(queue)s AND passed_rank IS NOT NULL AND passed_at + %(kept)s <
            (SELECT max(id) FROM reviewapp_opening WHERE queue_id = %(queue)s)
        FOR NO KEY UPDATE SKIP LOCKED)
"""
FORGET = """
    DELETE FROM reviewapp_opening WHERE id IN (SELECT id FROM reviewapp_opening
        WHERE queue_id = %(queue)s AND id <= (SELECT min(passed_at) FROM reviewapp_seat
            WHERE queue_id = %(queue)s AND passed_rank IS NOT NULL)
        FOR UPDATE SKIP LOCKED)
"""
