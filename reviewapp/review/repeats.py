"""Hidden items that measure the reviewer: known ones, and the reviewer's own from a week ago or more.

They stand in the queue like all others, for one reviewer alone; nothing shows what they are.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection

from reviewapp.review import ranks
from reviewapp.review.models import Lane, Purpose, ReviewItem

# The share of a reviewer's labels that come again, once, and after how long.
SHARE, DAYS = 0.02, 7
# And the number of known items per label.
KNOWN_SHARE = 0.02
LIMIT = 200


def plan() -> int:
    """Put due repeats and known items into their queues; how many. A job: what is there is not put again."""
    return _plan(REPEATS, Purpose.REPEAT) + _plan(KNOWN, Purpose.KNOWN)


def _plan(query: str, purpose: Purpose) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, {"days": DAYS, "share": SHARE, "known": KNOWN_SHARE, "limit": LIMIT})
        due = cursor.fetchall()
    originals = ReviewItem.objects.in_bulk([item for item, _ in due])
    copies = [_copy(originals[item], reviewer, purpose) for item, reviewer in due]
    return len(ReviewItem.objects.bulk_create(copies, ignore_conflicts=True))


def _copy(original: ReviewItem, reviewer: int, purpose: Purpose) -> ReviewItem:
    """Ranked like a new item of the original's priority, so that its place tells nothing."""
    now = datetime.now(UTC)
    return ReviewItem(
        queue_id=original.queue_id,
        kind=original.kind,
        trace_id=original.trace_id,
        other_trace_id=original.other_trace_id,
        subject=f"{original.subject}:{purpose}:{reviewer}",
        purpose=purpose,
        original=original,
        rubric_version_id=original.rubric_version_id,
        lane=Lane.RISK,
        required=1,
        open_slots=1,
        priority=original.priority,
        rank=ranks.risk(original.priority, now),
        reasons=original.reasons,
        terms=original.terms,
        reserved_for=[reviewer],
        snapshot_id=original.snapshot_id,
        seen_revision=original.seen_revision,
        seen_other_revision=original.seen_other_revision,
        enqueued_at=now,
    )


# By a hash of the label, so that the same ones are chosen whenever it is asked.
REPEATS = """
    SELECT i.id, a.reviewer_id FROM reviewapp_assignment a
    JOIN reviewapp_reviewitem i ON i.id = a.item_id AND i.purpose = 'review' AND i.state = 'resolved'
    JOIN reviewapp_queue q ON q.id = i.queue_id AND q.archived_at IS NULL AND q.blind
    JOIN reviewapp_user u ON u.id = a.reviewer_id AND u.is_active
    WHERE a.state = 'submitted' AND a.counted_id IS NOT NULL AND a.revealed_at IS NULL
        AND a.submitted_at < now() - %(days)s * interval '1 day'
        AND a.submitted_at > now() - 4 * %(days)s * interval '1 day'
        AND (hashint8(a.counted_id) & 65535) < %(share)s * 65536
        AND NOT EXISTS (SELECT FROM reviewapp_reviewitem c WHERE c.queue_id = i.queue_id
            AND c.subject = i.subject || ':repeat:' || a.reviewer_id)
    ORDER BY a.submitted_at LIMIT %(limit)s
"""
# For reviewers of the last week: items that others settled by majority or a lead's decision.
KNOWN = """
    WITH busy AS (
        SELECT i.queue_id, a.reviewer_id, count(*) AS labels FROM reviewapp_assignment a
        JOIN reviewapp_reviewitem i ON i.id = a.item_id AND i.purpose = 'review'
        JOIN reviewapp_queue q ON q.id = i.queue_id AND q.archived_at IS NULL AND q.blind
        JOIN reviewapp_user u ON u.id = a.reviewer_id AND u.is_active
        WHERE a.state = 'submitted' AND a.submitted_at > now() - interval '7 days'
        GROUP BY i.queue_id, a.reviewer_id
    ), had AS (
        SELECT i.queue_id, r AS reviewer_id, count(*) AS known
        FROM reviewapp_reviewitem i, unnest(i.reserved_for) r
        WHERE i.purpose = 'known' AND i.enqueued_at > now() - interval '7 days' GROUP BY i.queue_id, r
    )
    SELECT k.id, b.reviewer_id FROM busy b
    LEFT JOIN had h USING (queue_id, reviewer_id)
    CROSS JOIN LATERAL (
        SELECT i.id FROM reviewapp_reviewitem i
        JOIN reviewapp_resolution r ON r.id = i.resolution_id AND r.method IN ('majority', 'adjudicated')
        WHERE i.queue_id = b.queue_id AND i.purpose = 'review' AND i.state = 'resolved'
            AND NOT EXISTS (SELECT FROM reviewapp_assignment a
                WHERE a.item_id = i.id AND a.reviewer_id = b.reviewer_id)
            AND NOT EXISTS (SELECT FROM reviewapp_reviewitem c WHERE c.queue_id = i.queue_id
                AND c.subject = i.subject || ':known:' || b.reviewer_id)
        ORDER BY hashint8(i.id) LIMIT 1
    ) k
    WHERE b.labels * %(known)s >= coalesce(h.known, 0) + 1
    LIMIT %(limit)s
"""
