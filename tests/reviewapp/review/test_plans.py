"""What each claim and each page asks reads no whole table, however the queues beside this one stand."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from reviewapp import waiting
from reviewapp.review import leases, seats
from reviewapp.review.models import Lane, ReviewItem
from reviewapp.screen import mine, sittings
from tests.reviewapp.review.making import filled, make_queue

ASKED = {
    "the usual claim": leases.taking(Lane.RISK, leases.FROM_MARK + seats.UNLESS_OTHERWISE),
    "a claim from the audit lane": leases.taking(Lane.AUDIT),
    "whose turn it is": seats.TURN,
    "the progress of a sitting": sittings.COUNT,
    "the last decisions": sittings.LAST,
    "what waits": sittings.WAITING,
    "what waits in any queue": waiting.STATEMENT,
    "what each queue has for one": mine.NOW,
}


@pytest.fixture(params=["alone", "beside another"])
def beside(request, project):
    """Another queue, all of the audit lane: in the table as a whole that looks common. Or none: nearly all
    items are this queue's."""
    if request.param == "alone":
        return None
    other = make_queue(project, "beside")
    filled(other, 1000)
    ReviewItem.objects.filter(queue=other).update(lane=Lane.AUDIT, audit_rank=0.5, u=0.5, day=timezone.now())
    return other


@pytest.mark.django_db
def test_items_are_found_by_an_index(queue, beside, rita):
    filled(queue, 1000)
    values = {
        "queue": queue.pk,
        "reviewer": rita.pk,
        "seconds": 600,
        "every": 4,
        "since": sittings.EVER,
        "pause": sittings.PAUSE,
        "most": 60,
        "length": 80,
        "project": queue.project_id,
        # As few of so few items as of many.
        "looked_at": 20,
        "decides": True,
        "queues": [queue.pk],
    }
    with connection.cursor() as cursor:
        # What tests before have left of rolled back rows makes the table look longer than it is.
        cursor.execute("SET LOCAL seq_page_cost = 0.1")
        cursor.execute("ANALYZE reviewapp_reviewitem")
        for what, statement in ASKED.items():
            cursor.execute(f"EXPLAIN {statement}", values)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan on reviewapp_reviewitem" not in plan, f"{what}:\n{plan}"
