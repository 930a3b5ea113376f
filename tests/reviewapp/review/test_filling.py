"""Routes are pulled into their queues: lanes, ranks that follow, what a human removed, doubled items."""

import pytest

from ingest.models import AuditDraw
from ingest.routing.models import Route
from reviewapp.review import items, queues
from reviewapp.review.models import ReviewItem
from tests.reviewapp.review.making import make_queue, make_traces

pytestmark = pytest.mark.django_db
LOW = {"code": "score_below", "detail": "judge .31", "rule": "Low score"}
DRAWN = {"code": "audit", "detail": "drawn", "rule": "Audit"}


def routed(trace, *reasons, priority=0.5, queue="review"):
    audit = DRAWN in reasons
    if audit:
        AuditDraw.objects.create(trace=trace, u=0.37, stratum="", audit=1.0, judge=0.1)
    return Route.objects.create(
        trace=trace, queue=queue, reasons=list(reasons), terms={"by": "rules"}, priority=priority, audit=audit
    )


def test_risk_and_drawn_traces_stand_in_their_lanes(queue, project):
    low, drawn, both = make_traces(project, 3)
    routed(low, LOW)
    routed(drawn, DRAWN)
    routed(both, LOW, DRAWN)
    assert queues.fill() == 3
    assert queues.fill() == 0
    lanes = {
        item.trace_id: (item.lane, item.rank is not None, item.audit_rank is not None)
        for item in ReviewItem.objects.all()
    }
    assert lanes == {
        low.pk: ("risk", True, False),
        drawn.pk: ("audit", False, True),
        both.pk: ("audit", True, True),
    }
    item = ReviewItem.objects.get(trace=drawn)
    assert (item.u, item.day.isoformat(), item.reasons) == (0.37, "2026-09-01", [DRAWN])


def test_a_rank_follows_its_route_and_the_last_reason_leaves_priority_nought(queue, project):
    (trace,) = make_traces(project, 1)
    route = routed(trace, LOW, priority=0.2)
    queues.fill()
    before = ReviewItem.objects.get().rank
    Route.objects.filter(pk=route.pk).update(priority=0.9, changed=True)
    queues.fill()
    item = ReviewItem.objects.get()
    assert item.priority == 0.9 and item.rank - before == pytest.approx(0.7)
    Route.objects.filter(pk=route.pk).update(reasons=[], priority=0.0, changed=True)
    queues.fill()
    assert (ReviewItem.objects.get().priority, ReviewItem.objects.get().reasons) == (0.0, [])


def test_what_a_human_removed_or_hastened_stays_so(queue, project):
    gone, wanted = make_traces(project, 2)
    routes = [routed(gone, LOW), routed(wanted, LOW)]
    queues.fill()
    items.remove(ReviewItem.objects.get(trace=gone), "leonie")
    assert items.enqueue(queue, [wanted.trace_id]).known == [wanted.trace_id]
    Route.objects.filter(pk__in=[route.pk for route in routes]).update(priority=0.8, changed=True)
    queues.fill()
    assert ReviewItem.objects.get(trace=gone).state == "removed"
    assert ReviewItem.objects.get(trace=wanted).priority == items.BY_HAND
    assert ReviewItem.objects.count() == 2


def test_routes_wait_for_a_queue_of_their_name_and_of_their_project(project, other_project):
    (trace,) = make_traces(project, 1)
    routed(trace, LOW, queue="later")
    make_queue(other_project, "later")
    queues.fill()
    assert not ReviewItem.objects.exists()
    later = make_queue(project, "later")
    queues.fill()
    assert ReviewItem.objects.get().queue == later


def test_audit_items_go_to_two_where_two_review(queue, project, rita, paul):
    traces = make_traces(project, 4)
    queue = queues.change(queue, double_minimum=2, double_share=0.0)
    for trace in traces:
        routed(trace, DRAWN)
    queues.fill()
    assert sorted(ReviewItem.objects.values_list("required", flat=True)) == [1, 1, 2, 2]
