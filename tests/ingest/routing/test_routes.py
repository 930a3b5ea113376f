"""Routes in the real database: decided once when a trace settles, again when something is said of it."""

import random
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction

from ingest import intake, rates, sampling, settling, tasks
from ingest.models import AuditDraw, Project, Score, Trace
from ingest.records import Batch
from ingest.routing import rules, storing
from ingest.routing.models import Route, RoutingRule, Signal, Unsettled
from tests.ingest.routing.stories import NOW, arrive, body, said, score, settle, settled

pytestmark = pytest.mark.django_db


def routes(project):
    """Everything that must not depend on the order of arrival, of routes with a reason."""
    found = Route.objects.standing().filter(trace__project=project).order_by("trace__trace_id", "queue")
    return list(found.values_list("trace__trace_id", "queue", "reasons", "terms", "priority", "audit"))


def details(project, trace_id="t1"):
    route = Route.objects.standing().filter(trace__project=project, trace__trace_id=trace_id).first()
    return [reason["detail"] for reason in route.reasons] if route else []


def without_audit(project):
    rules.create_default_rules(project)
    RoutingRule.objects.filter(project=project, name="Audit").delete()


def test_the_default_rules_take_what_a_new_project_should_see(project):
    without_audit(project)
    settled(project, "low", scores={"faithfulness": 0.25})
    settled(project, "fine", scores={"faithfulness": 0.9})
    settled(project, "silent")
    settled(project, "down", feedback=[said("down")])
    settled(project, "empty", output="")
    arrive(project, bodies=[body("unsure")], scores=[score("unsure", value=0.8, confidence=0.3)])
    settle(project)
    assert {name: details(project, name) for name in ("low", "fine", "silent", "down", "unsure")} == {
        "low": ["faithfulness .25 below .5"],
        "fine": [],
        "silent": [],
        "down": ["thumbs down by user"],
        "unsure": ["confidence of tone .3 below .5"],
    }
    assert "check failed: empty" in details(project, "empty")


def test_every_drawn_trace_is_routed_by_the_audit_rule(project):
    rules.create_default_rules(project)
    rates.set_by_hand(project, "", 0.3, 0.1, by="leo")
    arrive(project, bodies=[body(f"t{number}") for number in range(60)])
    settle(project)
    drawn = set(AuditDraw.objects.filter(drawn=True).values_list("trace_id", flat=True))
    # first_seen lies before the rate: everything was drawn.
    assert drawn == set(Route.objects.filter(audit=True).values_list("trace_id", flat=True))
    assert len(drawn) == 60


def test_experiments_are_neither_drawn_nor_routed_whatever_is_said(project):
    rules.create_default_rules(project)
    trace = settled(project, "t1", scores={"tone": 0.1}, environment="experiment")
    draw = AuditDraw.objects.get(trace=trace)
    assert (draw.excluded, draw.drawn, draw.audit, sampling.lane(draw)) == (True, False, 0.0, "")
    arrive(project, feedback=[said("t1")])
    settle(project)
    assert not Route.objects.exists()


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_repetition_before_settling_gives_the_same_routes(project, seed):
    story = [
        {"bodies": [body("t1", route="refund", tags={"tier": "gold"})]},
        {"bodies": [body("t2", output="", environment="playground")]},
        {"bodies": [body("t3", model="m", status="error", error="timed out")]},
        {"scores": [score("t1", value=0.9), score("t2", value=0.1), score("t3", "tone", 0.2)]},
        {"scores": [score("t1", value=0.3, at=NOW + timedelta(seconds=5))]},
        {"scores": [score("t1", "second", 0.1, confidence=0.2)]},
        {"feedback": [said("t1"), said("t3", user="bob")]},
        {"feedback": [said("t1", value="up", number=1.0, at=NOW + timedelta(seconds=9), key="later")]},
        {"feedback": [said("t3", "regenerate", "", None, key="r1")]},
    ]
    rules.create_default_rules(project)
    for part in story:
        arrive(project, **part)
    settle(project)
    expected = routes(project)
    assert [row[0] for row in expected] == ["t1", "t3"]
    chance = random.Random(seed)
    shuffled = Project.objects.create(slug="shuffled", secret=project.secret)
    rules.create_default_rules(shuffled)
    again = story + chance.sample(story, 5)
    chance.shuffle(again)
    for part in again:
        arrive(shuffled, **part)
        if chance.random() < 0.3:
            tasks.read_stale(rest=timedelta(0))
    settle(shuffled)
    assert routes(shuffled) == expected
    # And what comes after settling ends in the same routes, except for checks, which stay as they were.
    late = Project.objects.create(slug="late", secret=project.secret)
    rules.create_default_rules(late)
    arrive(late, bodies=[body for part in story[:3] for body in part["bodies"]])
    settle(late)
    rest = story[3:]
    chance.shuffle(rest)
    for part in rest:
        arrive(late, **part)
        settle(late)
    assert routes(late) == expected


def test_a_signal_after_settling_routes_and_taking_it_back_withdraws(project):
    without_audit(project)
    settled(project, "t1")
    assert not Route.objects.exists()
    arrive(project, feedback=[said("t1")])
    settle(project)
    assert details(project) == ["thumbs down by user"]
    Route.objects.update(changed=False)
    arrive(project, feedback=[said("t1", value="up", number=1.0, key="k2", at=NOW + timedelta(seconds=1))])
    settle(project)
    route = Route.objects.get()
    assert (route.reasons, route.priority, route.changed) == ([], 0.0, True)
    assert not Signal.objects.exists()


def test_what_says_nothing_new_leaves_the_route_as_it_was(project):
    without_audit(project)
    settled(project, "t1", scores={"tone": 0.2})
    Route.objects.update(changed=False)
    arrive(project, scores=[score("t1", value=0.2), score("t1", "note", None, label="fine", source="human")])
    assert Signal.objects.exists()
    settle(project)
    assert not Route.objects.filter(changed=True).exists()


def test_unsigned_feedback_from_browsers_raises_a_priority_once(project):
    without_audit(project)
    settled(project, "t1", scores={"tone": 0.2})
    before = Route.objects.get().priority
    first, *more = [said("t1", "report", "", None, key=f"f{number}") for number in range(5)]
    arrive(project, feedback=[replace(first, signed=False)])
    settle(project)
    once = Route.objects.get().priority
    arrive(project, feedback=[replace(each, signed=False) for each in more])
    settle(project)
    assert before < once == Route.objects.get().priority


def test_a_score_that_moves_to_another_trace_takes_its_reason_along(project):
    without_audit(project)
    settled(project, "t1", scores={"tone": 0.2})
    settled(project, "t2")
    later = NOW + timedelta(seconds=1)
    arrive(project, scores=[score("t2", value=0.2, key="t1:tone", at=later)])
    settle(project)
    assert (details(project, "t1"), details(project, "t2")) == ([], ["tone .2 below .5"])


def test_a_late_span_may_change_what_rules_ask(project):
    RoutingRule.objects.create(
        project=project, queue="ops", name="broken", conditions=[{"condition": "error"}]
    )
    settled(project, "t1")
    arrive(project, bodies=[body("t1", status="error", error="late")])
    settle(project)
    assert Trace.objects.get().status == "error"
    assert details(project) == ["error: late"]


def test_a_draw_is_never_taken_back(project):
    rules.create_default_rules(project)
    trace = settled(project, "t1")
    draw = AuditDraw.objects.filter(trace=trace).values().get()
    RoutingRule.objects.filter(name="Audit").delete()
    rates.set_by_hand(project, "", 0.0, 0.0, by="leo")
    arrive(project, feedback=[said("t1")])
    settle(project)
    route = Route.objects.get()
    assert route.audit
    assert [reason["code"] for reason in route.reasons] == ["thumbs_down", "audit"]
    assert AuditDraw.objects.filter(trace=trace).values().get() == draw


def test_learned_ranks_stand_until_a_signal_comes(project):
    without_audit(project)
    settled(project, "t1", scores={"tone": 0.2})
    route = Route.objects.get()
    Route.objects.update(changed=False)
    assert storing.rank([(route.pk, 0.77, {"by": "model 3"})]) == 1
    assert storing.rank([(route.pk, 0.77, {"by": "model 3"})]) == 0
    route.refresh_from_db()
    assert (route.priority, route.terms, route.changed) == (0.77, {"by": "model 3"}, True)
    arrive(project, feedback=[said("t1")])
    settle(project)
    assert Route.objects.get().terms["by"] == "rules"


def test_rules_of_one_project_take_nothing_of_another(project, other_project):
    rules.create_default_rules(other_project)
    settled(project, "t1", scores={"tone": 0.1})
    assert not Route.objects.exists()


def test_a_trace_that_breaks_its_rules_settles_bare_and_holds_up_no_other(project, monkeypatch):
    without_audit(project)
    arrive(project, bodies=[body("good"), body("bad")], scores=[score("good", value=0.1)])
    decide = settling.decide

    def breaks(given, facts):
        if facts.trace_id == "bad":
            raise ZeroDivisionError
        return decide(given, facts)

    monkeypatch.setattr(settling, "decide", breaks)
    settle(project)
    assert AuditDraw.objects.count() == 2
    assert details(project, "good") == ["tone .1 below .5"]
    assert not Unsettled.objects.exists()


def test_the_draw_does_not_depend_on_scores_and_keeps_to_its_share(project):
    rates.set_by_hand(project, "", 0.2, 0.1, by="leo")
    Trace.objects.all().delete()
    names = [f"t{number}" for number in range(1000)]
    scored = [score(name, value=(number % 2) / 2) for number, name in enumerate(names)]
    arrive(project, bodies=[body(name) for name in names], scores=scored)
    tasks.read_stale(rest=timedelta(0))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ingest_samplingrate SET effective_from = now() - interval '1 day'")
    Trace.objects.update(first_seen=NOW - settling.PATIENCE)
    tasks.settle_due()
    drawn = set(AuditDraw.objects.filter(drawn=True).values_list("trace_id", flat=True))
    low = set(Score.objects.filter(name="tone", value=0).values_list("trace_id", flat=True))
    # 4 standard deviations of a binomial share at .2
    assert abs(len(drawn) / 1000 - 0.2) < 4 * (0.2 * 0.8 / 1000) ** 0.5
    assert abs(len(drawn & low) / len(low) - 0.2) < 4 * (0.2 * 0.8 / len(low)) ** 0.5
    lanes = [sampling.lane(draw) for draw in AuditDraw.objects.all()]
    assert abs(lanes.count("judge") / 1000 - 0.1) < 4 * (0.1 * 0.9 / 1000) ** 0.5


@pytest.mark.django_db(transaction=True)
def test_a_statement_committed_while_its_trace_settles_is_not_overlooked(project):
    """It is not seen by the settling, so it has to leave a signal that settling does not take away."""
    without_audit(project)
    arrive(project, bodies=[body("t1")])
    tasks.read_stale(rest=timedelta(0))
    Trace.objects.update(first_seen=NOW - settling.PATIENCE)
    with transaction.atomic():
        intake.store(project, Batch(scores=[score("t1", value=0.1)]))
        other = threading.Thread(target=in_own_connection, args=[settling.settle_some])
        other.start()
        other.join(120)
    assert AuditDraw.objects.count() == 1
    assert not Route.objects.exists()
    assert tasks.rescore_signalled() == 1
    assert details(project) == ["tone .1 below .5"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_settle_each_trace_once(project):
    without_audit(project)
    names = [f"t{number}" for number in range(250)]
    arrive(project, bodies=[body(name) for name in names], scores=[score(name, value=0.1) for name in names])
    tasks.read_stale(rest=timedelta(0))
    Trace.objects.update(first_seen=NOW - settling.PATIENCE)
    settled_by = []
    workers = [
        threading.Thread(target=in_own_connection, args=[lambda: settled_by.append(tasks.settle_due())])
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert sum(settled_by) + tasks.settle_due() == 250
    assert AuditDraw.objects.count() == Route.objects.count() == 250
    assert not Unsettled.objects.exists()


def in_own_connection(work):
    try:
        work()
    finally:
        connections.close_all()
