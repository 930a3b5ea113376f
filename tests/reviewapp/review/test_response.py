"""Of what was drawn: what was answered, what was given up, and what still waits."""

from datetime import timedelta

import pytest
from django.db.models import F

from ingest.models import AuditDraw
from reviewapp.review import items, labels, leases, response
from reviewapp.review.actors import Actor
from reviewapp.review.models import Lane, ReviewItem, SkipReason
from reviewapp.review.response import Response
from tests.reviewapp.review.making import PASS, make_queue, make_reviewer, make_traces

pytestmark = pytest.mark.django_db


@pytest.fixture
def drawn(project):
    """Four drawn traces in a queue, and one of the risk lane."""
    queue = make_queue(project)
    traces = make_traces(project, 5)
    for n, trace in enumerate(traces[:4]):
        AuditDraw.objects.create(trace=trace, u=n / 10, stratum="refunds", audit=1.0, judge=0.1)
    added = items.enqueue(queue, [trace.trace_id for trace in traces]).added
    ReviewItem.objects.filter(pk__in=[item.pk for item in added[:4]]).update(
        lane=Lane.AUDIT, audit_rank=1.0, u=0.1, day="2026-09-01"
    )
    return queue, added


def test_what_waits_is_not_asked_yet(project, drawn):
    assert response.by_stratum(project) == {}


def test_answers_skips_and_what_waited_too_long(project, other_project, drawn):
    _, added = drawn
    rita = make_reviewer(project, "rita")
    answered = leases.reclaim(items.find(project, added[0].pk), rita)
    labels.submit(answered.item, Actor(rita), answered.token, PASS)
    risk = leases.reclaim(items.find(project, added[4].pk), rita)
    labels.submit(risk.item, Actor(rita), risk.token, PASS)
    assert response.by_stratum(project) == {"refunds": Response(1, 1)}
    skipped = leases.reclaim(items.find(project, added[1].pk), rita)
    leases.skip(skipped.item, rita, skipped.token, SkipReason.CONTEXT)
    old = ReviewItem.objects.filter(pk=added[2].pk)
    old.update(enqueued_at=F("enqueued_at") - timedelta(days=15))
    found = response.by_stratum(project)["refunds"]
    assert (found, found.is_low) == (Response(1, 3), True)
    old.update(enqueued_at=F("enqueued_at") - timedelta(days=15))
    assert response.by_stratum(project) == {"refunds": Response(1, 2)}
    assert response.by_stratum(other_project) == {}


def test_the_rates_page_tells_it(project, lead, drawn):
    _, added = drawn
    rita = make_reviewer(project, "rita")
    lease = leases.reclaim(items.find(project, added[0].pk), rita)
    leases.skip(lease.item, rita, lease.token, SkipReason.CONTEXT)
    AuditDraw.objects.update(stratum="")
    added[0].trace.__class__.objects.update(started_at="2999-01-01T00:00Z")
    page = lead.client.get("/projects/refunds/rates/stratum?stratum=").content.decode()
    assert "chip amber" in page and "rest on the few traces" in page
