"""What each claim and each page asks reads no whole table, however the queues beside this one stand."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.utils import timezone

from reviewapp import waiting
from reviewapp.review import counters, labels, leases, seats, standing
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, ItemKind, Lane, ReviewItem
from reviewapp.screen import mine, sittings
from tests.reviewapp.review.making import PASS, filled, make_queue

ASKED = {
    "the usual claim": leases.simply_taking(ItemKind.TRACE, ""),
    "a claim by one remembered": leases.simply_taking(ItemKind.TRACE, standing.DOOR_STANDS),
    "a claim from the audit lane": leases.taking(ItemKind.TRACE, Lane.AUDIT),
    "whose turn it is": seats.TURN,
    "the progress of a sitting": sittings.COUNT,
    "the last decisions": sittings.LAST,
    "what waits": sittings.WAITING,
    "what waits in any queue": waiting.STATEMENT,
    "what each queue has for one": mine.NOW,
}

# The assignment is found by its item alone.
ONE_OF_THE_ITEMS = r"Index Cond: \(item_id = i(_\d+)?\.id\)\n\s+Filter: \(\(reviewer_id \+ 0\) = "


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


def values_for(queue, reviewer):
    return {
        "queue": queue.pk,
        "reviewer": reviewer.pk,
        "seconds": 600,
        "every": 4,
        "standing_token": 1,
        "standing_door": "",
        "since": sittings.EVER,
        "pause": sittings.PAUSE,
        "longest": 900,
        "most": 60,
        "length": 80,
        "project": queue.project_id,
        # As few of so few items as of many.
        "looked_at": 20,
        "decides": True,
        "queues": [queue.pk],
    }


@pytest.mark.django_db
def test_items_are_found_by_an_index(queue, beside, rita):
    filled(queue, 1000)
    values = values_for(queue, rita)
    with connection.cursor() as cursor:
        # What tests before have left of rolled back rows makes the table look longer than it is.
        cursor.execute("SET LOCAL seq_page_cost = 0.1")
        cursor.execute("ANALYZE reviewapp_reviewitem")
        for what, statement in ASKED.items():
            cursor.execute(f"EXPLAIN {statement}", values)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan on reviewapp_reviewitem" not in plan, f"{what}:\n{plan}"


@pytest.mark.django_db
def test_what_a_reviewer_has_done_is_not_looked_through_for_each_item(queue, rita, paul):
    """In a large table PostgreSQL would do so for a newcomer, of whom it believes that they have still done
    as little as when it last counted."""
    Assignment.objects.bulk_create(
        Assignment(item=item, reviewer=paul, state="released") for item in filled(queue, 1000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE reviewapp_assignment")
        cursor.execute("ANALYZE reviewapp_reviewitem")
        for what in (
            "the usual claim",
            "what waits",
            "what waits in any queue",
            "what each queue has for one",
        ):
            cursor.execute(f"EXPLAIN {ASKED[what]}", values_for(queue, rita))
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert re.search(ONE_OF_THE_ITEMS, plan), f"{what}:\n{plan}"


def test_the_recount_of_all_queues_reads_each_label_a_few_times_and_not_once_an_item(queue, rita):
    number = 120
    filled(queue, number)
    for _ in range(number):
        lease = leases.claim(queue, rita)
        labels.submit(lease.item, Actor(rita), lease.token, PASS)
    with connection.cursor() as cursor:
        # As it is planned where few rows are expected, which is how it once read all labels for each item.
        for way in ("seqscan", "hashjoin", "mergejoin", "material"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {counters.AUDIT}", [queue.project_id, queue.project_id]
        )
        ((told,),) = cursor.fetchall()
    plan = told if isinstance(told, list) else json.loads(told)
    assert rows_of(plan[0]["Plan"]) < 40 * number


def rows_of(node):
    """How many rows it and all below it gave or threw away."""
    thrown = sum(count for name, count in node.items() if name.startswith("Rows Removed by"))
    own = (node["Actual Rows"] + thrown) * node["Actual Loops"]
    return own + sum(rows_of(each) for each in node.get("Plans", []))
