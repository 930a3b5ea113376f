"""Pairs of live traffic: only what chance chose, up to the first item that waits, weighted for silence."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from evaluation.judges import (
    calibration,
    certificates,
    comparison,
    kept_figures,
    pairs,
    stages,
    versions,
    watching,
)
from evaluation.judges.models import JudgeVersion, Judgment, Kind
from evaluation.judges.statements import Scope
from ingest.models import AuditDraw, Project, Trace
from reviewapp.models import User
from reviewapp.review.models import Assignment, Label, Queue, ReviewItem, State
from tests.conftest import Person

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def queue(project: Project) -> Queue:
    from reviewapp.review import imported

    rubric = imported.rubric_for(project, [])
    return Queue.objects.create(project=project, slug="review", name="Review", rubric_version=rubric)


@pytest.fixture
def version(project: Project) -> JudgeVersion:
    return versions.create(project, "helpful", Kind.RULES, parameters={"rules": []})


class Story:
    """Adds audit items with their labels and verdicts."""

    def __init__(self, project: Project, queue: Queue, version: JudgeVersion) -> None:
        self.project, self.queue, self.version = project, queue, version
        self.count = 0

    def trace(self, u: float, audit: float = 0.5, judge: float = 0.8, stratum: str = "") -> Trace:
        self.count += 1
        trace = Trace.objects.create(
            project=self.project, trace_id=f"t{self.count}", started_at=NOW, route=stratum
        )
        AuditDraw.objects.create(trace=trace, u=u, stratum=stratum, audit=audit, judge=judge)
        return trace

    def item(self, u: float, *, lane: str = "audit", days: int = 0, **more: Any) -> ReviewItem:
        trace = self.trace(u, **more)
        is_audit = lane == "audit"
        item = ReviewItem.objects.create(
            queue=self.queue,
            trace=trace,
            subject=str(trace.pk),
            rubric_version=self.queue.rubric_version,
            lane=lane,
            rank=None if is_audit else 1.0,
            audit_rank=-u if is_audit else None,
            day=date(2026, 1, 1) if is_audit else None,
            u=u if is_audit else None,
        )
        ReviewItem.objects.filter(pk=item.pk).update(enqueued_at=NOW - timedelta(days=days))
        return item

    def label(self, item: ReviewItem, verdict: str, reviewer: User, **more: Any) -> Label:
        assignment = Assignment.objects.create(item=item, reviewer=reviewer, state=State.RELEASED)
        label = Label.objects.create(
            assignment=assignment,
            revision=1,
            kind="answer",
            via="page",
            reviewer=reviewer,
            rubric_version=self.queue.rubric_version,
            verdict=verdict,
            **more,
        )
        Assignment.objects.filter(pk=assignment.pk).update(
            state=State.SUBMITTED, current=label, counted=label, submitted_at=NOW
        )
        return label

    def judge(self, trace: Trace, verdict: str, origin: str = "audit", **more: Any) -> None:
        state = "invalid" if verdict == "invalid" else "done"
        Judgment.objects.create(
            version=self.version, trace=trace, origin=origin, progress=state, verdict=verdict,
            finished_at=NOW, **more,
        )  # fmt: skip

    def pair(self, u: float, human: str, judge: str, reviewer: User, **more: Any) -> ReviewItem:
        item = self.item(u, **more)
        self.label(item, human, reviewer)
        self.judge(item.trace, judge)
        return item

    def figures(self) -> dict[str, Any]:
        found: dict[str, Any] = calibration.compute(Scope(self.version))["api"]
        return found


@pytest.fixture
def story(project: Project, queue: Queue, version: JudgeVersion) -> Story:
    return Story(project, queue, version)


def test_labels_count_up_to_the_first_item_that_waits(story: Story, reviewer: Person) -> None:
    story.pair(0.1, "fail", "fail", reviewer.user)
    story.pair(0.2, "pass", "pass", reviewer.user)
    story.item(0.3)
    story.pair(0.4, "fail", "fail", reviewer.user)
    found = story.figures()
    assert found["n"] == 2
    assert found["excluded"] == {"waiting": 2}


def test_those_who_were_not_answered_are_stood_for(story: Story, reviewer: Person) -> None:
    story.pair(0.1, "fail", "fail", reviewer.user, stratum="a")
    story.item(0.2, days=20, stratum="a")
    story.pair(0.1, "pass", "pass", reviewer.user, stratum="b")
    found = story.figures()
    assert found["excluded"] == {"no_response": 1}
    assert found["base_rate"]["value"] == pytest.approx(2 / 3)


def test_what_a_reader_has_to_know_of_a_stratum(story: Story, reviewer: Person, lead: Person) -> None:
    story.pair(0.1, "fail", "fail", reviewer.user, stratum="a")
    story.item(0.2, days=20, stratum="a")
    for number in range(30):
        story.pair(number / 100, "pass", "pass", reviewer.user, stratum="b")
    warned, well = story.figures()["judge"]["strata"][::-1]
    assert (warned["stratum"], warned["drawn"], warned["answered"], warned["n"]) == ("a", 2, 1, 1)
    assert warned["warnings"] == ["under 80 % answered", "under 30 labels"]
    assert (well["stratum"], well["warnings"]) == ("b", [])
    told = lead.client.get("/projects/refunds/judges/helpful").content.decode()
    assert "31 of 32 drawn traces answered; 1 of 2 strata with a warning" in told


def test_a_skip_is_no_answer_and_holds_up_nothing(story: Story, reviewer: Person, lead: Person) -> None:
    skipped = story.item(0.05)
    Assignment.objects.create(
        item=skipped, reviewer=lead.user, state=State.SKIPPED, skip_reason="context", skipped_at=NOW
    )
    story.pair(0.1, "fail", "fail", reviewer.user)
    assert (story.figures()["n"], story.figures()["excluded"]) == (1, {"no_response": 1})


def test_the_risk_lane_enters_no_figure(story: Story, reviewer: Person) -> None:
    risky = story.item(0.9, lane="risk")
    story.label(risky, "fail", reviewer.user)
    story.judge(risky.trace, "pass", "queue")
    assert story.figures()["n"] == 0


def test_a_change_of_mind_after_the_reveal_enters_no_figure(story: Story, reviewer: Person) -> None:
    item = story.pair(0.1, "pass", "fail", reviewer.user)
    assignment = item.assignments.get()
    revised = Label.objects.create(
        assignment=assignment, revision=2, kind="post_reveal", via="page", reviewer=reviewer.user,
        rubric_version=item.rubric_version, verdict="fail",
    )  # fmt: skip
    Assignment.objects.filter(pk=assignment.pk).update(current=revised)
    assert story.figures()["confusion"] == {"tp": 0, "fp": 1, "fn": 0, "tn": 0}


def test_labels_that_were_not_blind_or_not_a_persons_enter_no_figure(
    story: Story, reviewer: Person, project: Project
) -> None:
    seen = story.item(0.1, days=20)
    story.label(seen, "fail", reviewer.user, blind=False)
    story.judge(seen.trace, "fail")
    by_token = story.item(0.2, days=20)
    story.label(by_token, "fail", reviewer.user, impersonated=True)
    story.judge(by_token.trace, "fail")
    assert story.figures()["n"] == 0


def test_labels_under_another_meaning_enter_no_figure(
    story: Story, project: Project, reviewer: Person
) -> None:
    from reviewapp.review import imported

    other = imported.rubric_for(project, ["tone"])
    JudgeVersion.objects.filter(pk=story.version.pk).update(rubric_version=other, meaning=2)
    story.version.refresh_from_db()
    story.pair(0.1, "fail", "fail", reviewer.user)
    found = story.figures()
    assert (found["n"], found["excluded"]) == (0, {"other_rubric_version": 1})


def test_invalid_verdicts_and_anchors_enter_no_figure(story: Story, reviewer: Person) -> None:
    story.pair(0.1, "fail", "invalid", reviewer.user)
    item = story.item(0.2)
    story.label(item, "fail", reviewer.user)
    story.judge(item.trace, "fail", "anchor", trial=1001)
    found = story.figures()
    assert (found["n"], found["excluded"]) == (0, {"invalid": 1, "not_judged": 1})
    assert found["invalid"]["count"] == 1


def test_the_judge_sample_sharpens_the_rate_and_queue_verdicts_do_not(
    story: Story, reviewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(220):
        fails = number % 10 == 0
        story.pair(number / 1000, "fail" if fails else "pass", "fail" if fails else "pass", reviewer.user)
    for number in range(60):
        story.judge(story.trace(0.6), "fail" if number % 5 == 0 else "pass", "sample")
        story.judge(story.trace(0.6), "fail", "queue")
    kept = calibration.compute(Scope(story.version))
    assert kept["page"]["raw"]["value"] == pytest.approx(0.2)
    ppi = kept["api"]["corrected"]["ppi"]
    assert 0.1 < ppi["value"] < 0.2
    assert ppi["low"] < ppi["value"] < ppi["high"]


def test_other_projects_are_out_of_reach(story: Story, reviewer: Person, other_project: Project) -> None:
    story.pair(0.1, "fail", "fail", reviewer.user)
    other = versions.create(other_project, "helpful", Kind.RULES, parameters={"rules": []})
    assert calibration.compute(Scope(other))["api"]["n"] == 0


def test_a_version_goes_live_by_its_figures_only(story: Story, reviewer: Person) -> None:
    with pytest.raises(stages.NotValidated, match="at least 20 labelled failures"):
        stages.promote(story.version, "leo")
    for number in range(250):
        verdict = "fail" if number % 8 == 0 else "pass"
        story.pair(number / 1000, verdict, verdict, reviewer.user)
    live = stages.promote(story.version, "leo")
    assert (live.stage, live.validation["by"]) == ("live", "leo")
    assert live.certificates.get().state == "TRUSTED"


def test_the_csv_tells_every_chosen_trace_and_quotes_formulas(story: Story, reviewer: Person) -> None:
    item = story.pair(0.1, "fail", "pass", reviewer.user)
    Trace.objects.filter(pk=item.trace_id).update(route="=1+1")
    story.item(0.3)
    rows = "".join(pairs.as_csv(Scope(story.version), "audit")).splitlines()
    assert len(rows) == 3
    assert "t1,fail,pass" in rows[1]
    assert "'=1+1" in rows[1]
    assert rows[2].endswith("waiting")
    assert comparison.digest(Scope(story.version)) == comparison.digest(Scope(story.version))


def test_agreement_that_has_fallen_takes_the_certificate_back(
    story: Story, reviewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LEAST_BASELINE", 150)
    monkeypatch.setattr("evaluation.statistics.watching.LEAST_BASELINE", 150)
    for number in range(200):
        verdict = "fail" if number % 5 == 0 else "pass"
        story.pair(number / 1000, verdict, verdict, reviewer.user)
    live = stages.promote(story.version, "leo")
    assert watching.watch_live() == 0
    Trace.objects.update(started_at=NOW - timedelta(days=9))
    for number in range(60):
        story.pair(0.3 + number / 1000, "fail", "pass" if number % 3 else "fail", reviewer.user)
    story.judge(story.trace(0.9), "pass", "queue")
    assert watching.watch_live() == 1
    assert watching.watch_live() == 0
    assert certificates.as_dict(certificates.current(live))["state"] == "STALE"
    assert kept_figures.of(Scope(live))["api"]["state"] == "STALE"
