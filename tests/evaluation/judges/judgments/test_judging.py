"""Judgments end once, in one state, with one result, whatever judge, worker and queue do meanwhile."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.db.models.functions import Now

from evaluation.judges.calls import client, protocol, rules
from evaluation.judges.calls.protocol import Question, Reply, Spec, Unanswered
from evaluation.judges.judgments import asking, claims, judging, outcomes
from evaluation.judges.judgments.outcomes import Outcome
from evaluation.judges.making import drafts, versions
from evaluation.judges.models import JudgeVersion, Judgment, Kind, Origin, Progress, RunKind
from ingest.models import AuditDraw, Project, Score, Trace
from tests.conftest import Api

pytestmark = pytest.mark.django_db
RULES = {"rules": [{"contains": "refund was sent", "weight": 0.9}]}


def traces(api: Api, project: Project, outputs: list[str]) -> list[Trace]:
    bodies = [
        {"id": f"t{i}", "input": "Where is my money?", "output": output, "started_at": "2026-01-01T00:00:00Z"}
        for i, output in enumerate(outputs)
    ]
    assert (
        api().post("/api/v1/traces", json.dumps(bodies), content_type="application/json").status_code == 200
    )
    return list(Trace.objects.filter(project=project).order_by("pk"))


def judge(project: Project, **parameters: Any) -> JudgeVersion:
    return versions.create(project, "helpful", Kind.RULES, parameters={**RULES, **parameters})


def draw(rows: list[Trace], u: list[float], audit: float = 0.2, judge: float = 0.5) -> None:
    AuditDraw.objects.bulk_create(
        [
            AuditDraw(trace=t, u=each, stratum="", audit=audit, judge=judge)
            for t, each in zip(rows, u, strict=True)
        ]
    )


def test_the_command_judges_what_was_drawn(api: Api, project: Project) -> None:
    rows = traces(
        api, project, ["Your refund was sent.", "I will look.", "I will look.", "Your refund was sent."]
    )
    draw(rows, [0.1, 0.3, 0.9, 0.45])
    version = judge(project)
    call_command("run_judge", "helpful")
    found = dict(Judgment.objects.values_list("trace__trace_id", "verdict"))
    assert found == {"t0": "fail", "t1": "pass", "t3": "fail"}
    assert dict(Judgment.objects.values_list("trace__trace_id", "origin"))["t0"] == Origin.AUDIT
    assert Judgment.objects.filter(version=version, snapshot=None).count() == 0
    assert Score.objects.get(trace=rows[0]).value == pytest.approx(0.15)
    call_command("run_judge", "helpful", asked="1")
    assert Judgment.objects.count() == 3


def test_a_larger_share_holds_the_smaller_one(api: Api, project: Project) -> None:
    traces(api, project, ["x"] * 40)
    judge(project)
    call_command("run_judge", "helpful", sample=0.3)
    first = set(Judgment.objects.values_list("trace", flat=True))
    call_command("run_judge", "helpful", sample=0.8)
    assert 0 < len(first) < 40
    assert first < set(Judgment.objects.values_list("trace", flat=True))


def test_commands_that_cannot_be_followed_say_why(project: Project, other_project: Project) -> None:
    with pytest.raises(CommandError, match="no judge nobody"):
        call_command("run_judge", "nobody")
    judge(project)
    with pytest.raises(CommandError, match="anchor"):
        call_command("run_judge", "helpful", anchors=True)
    judge(other_project)
    with pytest.raises(CommandError, match="add --project with one of elsewhere, refunds"):
        call_command("run_judge", "helpful")


def test_the_same_identity_is_one_version_and_any_change_another(project: Project) -> None:
    one = judge(project)
    assert judge(project).pk == one.pk
    other = judge(project, threshold=0.6)
    assert (other.number, other.judge_id) == (2, one.judge_id)
    with pytest.raises(drafts.Refused, match="no rule contain"):
        judge(project, rules=[{"contain": "typo"}])


def test_an_error_profile_is_kept_to_and_repeats(project: Project) -> None:
    parameters = {
        "rules": [{"contains": "bad"}],
        "errors": {"missed": 0.25, "false_alarms": 0.1, "seed": "a"},
    }

    def verdicts(output: str, seed: str) -> list[str]:
        spec = Spec("", "", "", {**parameters, "errors": {**parameters["errors"], "seed": seed}})  # type: ignore[dict-item]
        asked = (rules.ask(spec, Question(str(i), "", output)) for i in range(2000))
        return [protocol.parse(reply.text).verdict for reply in asked]

    assert 0.21 < verdicts("bad", "a").count("pass") / 2000 < 0.29
    assert 0.07 < verdicts("fine", "a").count("fail") / 2000 < 0.13
    assert verdicts("bad", "a") == verdicts("bad", "a") != verdicts("bad", "b")


def test_a_worker_that_died_leaves_its_judgment_to_the_next(api: Api, project: Project) -> None:
    rows = traces(api, project, ["Your refund was sent."])
    asking.ask_traces(
        judge(project), [(rows[0].pk, Origin.GIVEN)], asking.start(judge(project), RunKind.GIVEN)
    )
    [dead] = claims.claim()
    assert claims.claim() == []
    Judgment.objects.update(lease_until=Now() - timedelta(seconds=1))
    [alive] = claims.claim()
    late = Outcome(dead, Reply('{"verdict": "pass"}'))
    assert outcomes.finish(late) is False
    assert outcomes.finish(Outcome(alive, Reply('{"verdict": "fail"}'))) is True
    assert outcomes.finish(late) is False
    row = Judgment.objects.get()
    assert (row.verdict, row.attempts, row.progress) == ("fail", 2, Progress.DONE)


def test_attempts_end(api: Api, project: Project) -> None:
    rows = traces(api, project, ["x"])
    asking.ask_traces(
        judge(project), [(rows[0].pk, Origin.GIVEN)], asking.start(judge(project), RunKind.GIVEN)
    )
    for attempt in range(1, claims.MOST_ATTEMPTS + 1):
        [claimed] = claims.claim()
        assert claimed.attempts == attempt
        outcomes.finish(Outcome(claimed, Unanswered("the endpoint failed")))
        Judgment.objects.update(due_at=Now())
    assert claims.claim() == []
    row = Judgment.objects.get()
    assert (row.progress, row.reason, row.attempts) == (Progress.FAILED, "the endpoint failed", 4)


def test_workers_that_die_each_time_do_not_go_on_for_ever(api: Api, project: Project) -> None:
    rows = traces(api, project, ["x"])
    asking.ask_traces(
        judge(project), [(rows[0].pk, Origin.GIVEN)], asking.start(judge(project), RunKind.GIVEN)
    )
    for _ in range(claims.MOST_ATTEMPTS):
        assert len(claims.claim()) == 1
        Judgment.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert claims.claim() == []
    assert Judgment.objects.get().progress == Progress.FAILED


def test_what_was_never_asked_is_no_attempt(api: Api, project: Project) -> None:
    rows = traces(api, project, ["x"])
    asking.ask_traces(
        judge(project), [(rows[0].pk, Origin.GIVEN)], asking.start(judge(project), RunKind.GIVEN)
    )
    [claimed] = claims.claim()
    outcomes.finish(Outcome(claimed, Unanswered("used up", is_final=True), was_asked=False))
    row = Judgment.objects.get()
    assert (row.progress, row.attempts) == (Progress.STOPPED, 0)


def test_a_stopped_run_asks_no_more(api: Api, project: Project) -> None:
    rows = traces(api, project, ["x", "y"])
    run = asking.start(judge(project), RunKind.GIVEN)
    asking.ask_traces(run.version, [(row.pk, Origin.GIVEN) for row in rows], run)
    assert asking.stop(run) == 2
    assert judging.work(60) == 0
    assert asking.progress(run) == {"total": 2, "open": 0, "stopped": 2}


def test_a_trace_that_chance_chose_stays_random(api: Api, project: Project) -> None:
    rows = traces(api, project, ["x", "y"])
    version = judge(project)
    run = asking.start(version, RunKind.QUEUE)
    asking.ask_traces(version, [(row.pk, Origin.QUEUE) for row in rows], run)
    draw(rows, [0.3, 0.9])
    asking.ask_drawn(version)
    assert dict(Judgment.objects.values_list("trace__trace_id", "origin")) == {"t0": "sample", "t1": "queue"}
    assert asking.ask_drawn(version) == 0


def test_only_live_versions_are_planned_and_only_for_what_came_since(api: Api, project: Project) -> None:
    rows = traces(api, project, ["x", "y"])
    draw(rows, [0.1, 0.1])
    version = judge(project)
    assert asking.plan() == 0
    Trace.objects.filter(pk=rows[0].pk).update(first_seen=F("first_seen") - timedelta(days=1))
    JudgeVersion.objects.filter(pk=version.pk).update(stage="live", live_at=Now() - timedelta(hours=1))
    assert asking.plan() == 1
    assert asking.plan() == 0
    assert Judgment.objects.get().trace == rows[1]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"verdict": "pass"}', "pass"),
        ('```json\n{"verdict": "fail", "score": 1}\n```', "fail"),
        ('{"verdict": "PASS"}', "invalid"),
        ('{"verdict": "pass"} and more', "invalid"),
        ('{"verdict": "fail", "score": -0.1}', "invalid"),
        ('{"verdict": "fail", "confidence": "high"}', "invalid"),
        ('{"verdict": "fail", "rationale": {"a": 1}}', "invalid"),
        ("null", "invalid"),
        ("", "invalid"),
        ("[" * 5000, "invalid"),
    ],
)
def test_an_answer_is_taken_as_asked_or_is_invalid(text: str, verdict: str) -> None:
    answer = protocol.parse(text)
    assert answer.verdict == verdict
    assert bool(answer.reason) == (verdict == "invalid")


def test_what_it_costs_to_write_answers_does_not_grow_with_them(
    api: Api, project: Project, django_assert_max_num_queries: Any
) -> None:
    rows = traces(api, project, ["Your refund was sent."] * 20)
    version = judge(project)
    run = asking.start(version, RunKind.GIVEN)
    asking.ask_traces(version, [(row.pk, Origin.GIVEN) for row in rows], run)
    answers = [Outcome(each, Reply('{"verdict": "fail", "score": 0.75}')) for each in claims.claim()]
    assert len(answers) == 20
    with django_assert_max_num_queries(25):
        assert outcomes.finish_all(answers) == [True] * 20
    assert set(Judgment.objects.values_list("progress", "verdict", "score")) == {("done", "fail", 0.75)}
    assert Score.objects.filter(name="helpful", value=0.25).count() == 20
    assert outcomes.finish_all(answers) == [False] * 20


@pytest.mark.django_db(transaction=True)
def test_while_a_turn_waits_for_its_last_calls_other_endpoints_go_on(
    api: Api, project: Project, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call may last two minutes; what is due at another endpoint meanwhile is asked."""
    named = '[[endpoint]]\nname = "{0}"\nmodel = "openai/{0}-2026-08-11"\n'
    settings.JUDGES_FILE = str(tmp_path / "judges.toml")
    (tmp_path / "judges.toml").write_text(named.format("slow") + named.format("quick"))
    quick_is_asked = threading.Event()
    in_time: list[bool] = []

    def ask(call: client.Prepared) -> Reply:
        if call.endpoint.name == "slow":
            in_time.append(quick_is_asked.wait(60))
        else:
            quick_is_asked.set()
        return Reply('{"verdict": "pass"}')

    monkeypatch.setattr(client, "ask", ask)
    (row,) = traces(api, project, ["I will look."])
    for name in ("slow", "quick"):
        version = versions.create(project, name, Kind.LITELLM, endpoint=name, prompt="Well?")
        asking.ask_traces(version, [(row.pk, Origin.GIVEN)], asking.start(version, RunKind.GIVEN))
    Judgment.objects.filter(version__judge__name="quick").update(due_at=Now() + timedelta(seconds=1.5))
    assert judging.work(0.2) == 2
    assert in_time == [True]


@pytest.mark.django_db(transaction=True)
def test_a_slow_endpoint_holds_up_no_other(
    api: Api, project: Project, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = '[[endpoint]]\nname = "{0}"\nmodel = "openai/{0}-2026-08-11"\n'
    settings.JUDGES_FILE = str(tmp_path / "judges.toml")
    (tmp_path / "judges.toml").write_text(named.format("slow") + named.format("quick"))
    quick_are_asked = threading.Event()
    under_way, most, ended, quick, ended_before = 0, 0, 0, 0, -1

    def ask(call: client.Prepared) -> Reply:
        nonlocal under_way, most, ended, quick, ended_before
        if call.endpoint.name == "slow":
            under_way += 1
            most = max(most, under_way)
            quick_are_asked.wait(60)
            under_way, ended = under_way - 1, ended + 1
        else:
            quick += 1
            if quick == 30:
                ended_before = ended
                quick_are_asked.set()
        return Reply('{"verdict": "pass"}')

    monkeypatch.setattr(client, "ask", ask)
    rows = traces(api, project, ["I will look."] * 60)
    for name, chosen in (("slow", rows), ("quick", rows[:30])):
        version = versions.create(project, name, Kind.LITELLM, endpoint=name, prompt="Well?")
        run = asking.start(version, RunKind.GIVEN)
        asking.ask_traces(version, [(row.pk, Origin.GIVEN) for row in chosen], run)
    judging.work(60)
    of = Judgment.objects.filter(progress=Progress.DONE)
    assert of.filter(version__judge__name="quick").count() == 30
    assert of.filter(version__judge__name="slow").count() == 60
    assert ended_before == 0, "no quick one waited for a slow one"
    assert most <= claims.CHUNK
