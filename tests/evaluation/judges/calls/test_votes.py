"""Several samples to a judgment: one result by vote, every call an attempt, whatever happens in between."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from evaluation.judges.calls import budget, protocol, votes
from evaluation.judges.calls.protocol import Reply
from evaluation.judges.judgments import asking, claims, judging, outcomes
from evaluation.judges.judgments.outcomes import Outcome
from evaluation.judges.making import drafts, versions
from evaluation.judges.models import (
    AnsweredModel,
    EndpointHealth,
    JudgeVersion,
    Judgment,
    Kind,
    Origin,
    Progress,
    Reservation,
    RunKind,
)
from ingest.models import Project, Score, Trace
from tests.conftest import Api
from tests.evaluation.judges.stub import GOOD, Stub

pytestmark = pytest.mark.django_db


def asked(api: Api, project: Project, samples: int, count: int = 1, **parameters: Any) -> JudgeVersion:
    bodies = [{"id": f"t{i}", "input": "Where?", "output": "Here."} for i in range(count)]
    api().post("/api/v1/traces", json.dumps(bodies), content_type="application/json")
    version = versions.create(
        project, "panel", Kind.LITELLM, endpoint="orion", parameters={"samples": samples, **parameters}
    )
    chosen = [(pk, Origin.GIVEN) for pk in Trace.objects.order_by("pk").values_list("pk", flat=True)]
    asking.ask_traces(version, chosen, asking.start(version, RunKind.GIVEN))
    return version


def work_off() -> None:
    for _ in range(6):
        judging.work(60)
        EndpointHealth.objects.update(closed_until=None)
        Judgment.objects.open().update(due_at=Now(), lease_until=None)


@pytest.mark.parametrize(
    ("ways", "verdict", "confidence", "score"),
    [
        (["good", "good", "pass"], "fail", 2 / 3, 2 / 3),
        (["pass", "good", "pass"], "pass", 2 / 3, 1 / 3),
        (["pass", "pass", "pass"], "pass", 1.0, 0.0),
        (["pass", "prose", "pass"], "pass", 1.0, 0.0),
        (["pass", "prose", "good"], "fail", 0.5, 0.5),
        (["prose", "empty", "html"], "invalid", None, None),
    ],
)
def test_the_vote_decides_and_its_share_is_the_confidence(
    api: Api, project: Project, stub: Stub, ways: list[str], verdict: str, confidence: float, score: float
) -> None:
    asked(api, project, 3)
    stub.ways = list(ways)
    work_off()
    row = Judgment.objects.get()
    assert (row.verdict, row.confidence, row.score) == (verdict, confidence, score)
    assert row.progress == ("invalid" if verdict == "invalid" else "done")
    assert len(row.votes) == len(stub.calls) == row.attempts == 3
    assert row.cost_usd == pytest.approx(3 * 0.002)
    assert budget.spent() == pytest.approx(3 * 0.002)
    assert Score.objects.count() == (verdict != "invalid")


def test_failures_between_votes_are_attempts_too(api: Api, project: Project, stub: Stub) -> None:
    asked(api, project, 3)
    stub.ways = ["500", "good", "429", "500", "pass", "good"]
    work_off()
    row = Judgment.objects.get()
    assert (row.progress, row.verdict, row.attempts, len(stub.calls)) == ("done", "fail", 6, 6)
    assert [vote["verdict"] for vote in row.votes] == ["fail", "pass", "fail"]


def test_votes_that_never_become_enough_are_no_verdict(api: Api, project: Project, stub: Stub) -> None:
    asked(api, project, 3)
    stub.ways = ["good", "500"]
    work_off()
    row = Judgment.objects.get()
    assert (row.progress, row.verdict, row.attempts) == ("failed", "", 1 + claims.MOST_ATTEMPTS)
    assert len(stub.calls) == row.attempts
    assert row.cost_usd == pytest.approx(0.002)
    assert not Reservation.objects.exists()


def test_the_budget_holds_in_the_middle_of_a_vote(
    api: Api, project: Project, stub: Stub, settings: Any
) -> None:
    settings.JUDGE_MONTHLY_BUDGET = 0.045
    asked(api, project, 5)
    work_off()
    row = Judgment.objects.get()
    assert (row.progress, row.verdict) == (Progress.STOPPED, "")
    assert len(stub.calls) == row.attempts == len(row.votes) < 5
    assert budget.spent() <= settings.JUDGE_MONTHLY_BUDGET


def test_a_worker_that_comes_back_late_adds_no_vote(api: Api, project: Project, stub: Stub) -> None:
    asked(api, project, 3)
    (late,) = claims.claim()
    Judgment.objects.update(lease_until=Now() - timedelta(seconds=1))
    (again,) = claims.claim()
    assert outcomes.finish(Outcome(again, Reply(GOOD)))
    assert not outcomes.finish(Outcome(late, Reply('{"verdict": "pass"}')))
    row = Judgment.objects.get()
    assert [vote["verdict"] for vote in row.votes] == ["fail"]
    assert (row.attempts, row.progress) == (2, Progress.WAITING)


def test_workers_killed_at_each_call_give_up_in_the_end(api: Api, project: Project, stub: Stub) -> None:
    asked(api, project, 3)
    (first,) = claims.claim()
    outcomes.finish(Outcome(first, Reply(GOOD)))
    for _ in range(claims.MOST_ATTEMPTS):
        assert len(claims.claim()) == 1
        Judgment.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert claims.claim() == []
    assert Judgment.objects.get().progress == Progress.FAILED


def test_the_number_of_samples_is_pinned(project: Project) -> None:
    def made(**parameters: Any) -> JudgeVersion:
        return versions.create(project, "rules", Kind.RULES, parameters={"rules": [], **parameters})

    one = made()
    assert made(samples=1).pk == one.pk
    assert made(samples=3).fingerprint != one.fingerprint
    for wrong in (2, 0, -1, 11, 1.0, True, "3"):
        with pytest.raises(drafts.Refused, match="odd number from 1 to 9"):
            made(samples=wrong)
    with pytest.raises(drafts.Refused, match="temperature 0"):
        made(samples=3, temperature=0)


def test_a_pair_without_a_majority_is_a_tie() -> None:
    told = [{"verdict": "a"}, {"verdict": "b"}, {"verdict": "invalid"}]
    assert votes.counted(told, of_pair=True).preference == "tie"
    won = votes.counted([{"verdict": "b"}, {"verdict": "b"}, {"verdict": "a"}], of_pair=True)
    assert (won.preference, won.confidence) == ("b", 2 / 3)


def test_a_rule_judge_may_say_another_thing_each_time(api: Api, project: Project) -> None:
    bodies = [{"id": f"t{i}", "input": "?", "output": "Fine."} for i in range(30)]
    api().post("/api/v1/traces", json.dumps(bodies), content_type="application/json")
    version = versions.create(
        project,
        "noisy",
        Kind.RULES,
        parameters={"rules": [], "errors": {"false_alarms": 0.4}, "samples": 5},
    )
    chosen = [(pk, Origin.GIVEN) for pk in Trace.objects.values_list("pk", flat=True)]
    asking.ask_traces(version, chosen, asking.start(version, RunKind.GIVEN))
    judging.work(60)
    said = Judgment.objects.all()
    assert {row.progress for row in said} == {"done"}
    assert len({row.confidence for row in said}) > 1
    alone = sum(row.votes[0]["verdict"] == "fail" for row in said)
    assert 0 < sum(row.verdict == "fail" for row in said) < alone + 5


def test_another_model_behind_the_alias_is_noted(api: Api, project: Project, stub: Stub) -> None:
    from evaluation.judges.judgments import answered

    version = asked(api, project, 1)
    judging.work(60)
    assert AnsweredModel.objects.get().model.endswith("orion-mini-2026-08-11")
    assert answered.staleness(version) == ""
    stub.model = "orion-mini-2026-10-30"
    Judgment.objects.update(progress="waiting", verdict="")
    judging.work(60)
    assert "orion-mini-2026-10-30 has answered instead of orion-mini-2026-08-11" in answered.staleness(
        version
    )


def test_a_judge_of_rules_changes_its_model_in_the_time_of_its_traces(api: Api, project: Project) -> None:
    """But its anchors are old traces that are judged again now: they do not move the change back."""
    bodies = [
        {"id": f"t{month}", "input": "?", "output": "Fine.", "started_at": f"2026-0{month}-01T00:00:00Z"}
        for month in (1, 5)
    ]
    api().post("/api/v1/traces", json.dumps(bodies), content_type="application/json")
    later = {"from": "2026-04-01", "model": "orion-2026-03-30"}
    errors = {"model": "orion-2026-01-01", "later": later}
    version = versions.create(project, "rules", Kind.RULES, parameters={"rules": [], "errors": errors})
    chosen = [(pk, Origin.GIVEN) for pk in Trace.objects.values_list("pk", flat=True)]
    asking.ask_traces(version, chosen, asking.start(version, RunKind.GIVEN))
    judging.work(60)
    first, last = Trace.objects.order_by("started_at")
    again = protocol.FIRST_ANCHOR_TRIAL + 1
    Judgment.objects.create(version=version, trace=first, trial=again, origin=Origin.ANCHOR)
    judging.work(60)
    assert Judgment.objects.get(trial=again).progress == "done"
    heard = dict(AnsweredModel.objects.values_list("model", "first_at"))
    assert heard == {"orion-2026-01-01": first.started_at, "orion-2026-03-30": last.started_at}
