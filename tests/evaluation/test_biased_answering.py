"""Reviewers answer part of what waits, the riskiest first: the audit lane alone still tells the true rate."""

import random

import pytest

from evaluation.statistics.intervals import share
from ingest.models import AuditDraw
from ingest.routing.models import Route
from reviewapp.review import labels, leases, queues
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import Assignment, ReviewItem
from tests.reviewapp.review.making import make_queue, make_reviewer, make_traces

pytestmark = pytest.mark.django_db

TRACES, DRAWN, FAILING, CAPACITY = 300, 0.4, 0.15, 160
# Two normal distributions so far apart have an AUC of .75.
APART = 0.954


def test_what_is_answered_of_the_audit_lane_is_a_random_sample_whatever_the_priority(project):
    people = [make_reviewer(project, f"r{n}") for n in range(3)]
    fails = answered = risky_fails = risky = 0
    for seed in range(3):
        chance = random.Random(seed)
        queue = make_queue(project, f"queue-{seed}", double_share=0.0, double_minimum=0)
        truth = routed(project, queue, chance)
        for step in range(CAPACITY):
            person = people[step % 3]
            lease = leases.claim(queue, person)
            said = Answer(verdict="fail" if truth[lease.item.trace_id] else "pass")
            labels.submit(lease.item, Actor(person), lease.token, said)
        done = set(Assignment.objects.filter(item__queue=queue, state="submitted").values_list("item__trace"))
        done = {pk for (pk,) in done}
        drawn = list(
            ReviewItem.objects.filter(queue=queue, u__isnull=False).order_by("u").values_list("trace", "u")
        )
        cutoff = min(u for pk, u in drawn if pk not in done)
        counted = [pk for pk, u in drawn if u < cutoff]
        # A quarter of the claims went to the lane, in the order of u and nothing else.
        assert len(counted) >= CAPACITY / 4 - 3 and set(counted) <= done
        fails, answered = fails + sum(truth[pk] for pk in counted), answered + len(counted)
        risky_fails, risky = risky_fails + sum(truth[pk] for pk in done), risky + len(done)
    told, naive = share(fails, answered), share(risky_fails, risky)
    assert told.low < FAILING < told.high
    assert naive.low > FAILING


def routed(project, queue, chance):
    """Traces whose priority knows a little of what is wrong with them; by id whether they fail."""
    truth = {}
    for trace in make_traces(project, TRACES, prefix=queue.slug):
        fails = truth[trace.pk] = chance.random() < FAILING
        u, signal = chance.random(), chance.gauss(APART if fails else 0.0, 1.0)
        reasons = [{"code": "score_below", "detail": "", "rule": "Low score"}]
        if u < DRAWN:
            AuditDraw.objects.create(trace=trace, u=u, stratum="", audit=DRAWN, judge=0.1)
            reasons.append({"code": "audit", "detail": "drawn", "rule": "Audit"})
        Route.objects.create(
            trace=trace, queue=queue.slug, reasons=reasons, terms={"by": "rules"},
            priority=1 / (1 + 2.718 ** -signal), audit=u < DRAWN,
        )  # fmt: skip
    queues.fill()
    return truth
