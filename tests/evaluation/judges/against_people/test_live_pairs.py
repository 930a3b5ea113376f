"""Pairs of live traffic: only what chance chose, up to the first item that waits, weighted for silence."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from evaluation.judges.against_people import comparison, pairs
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.making import versions
from evaluation.judges.models import Certificate, JudgeVersion, Judgment, Kind
from evaluation.judges.trust import calibration, certificates, kept_figures, remedies, stages, watching
from evaluation.statistics import paired
from ingest.models import AuditDraw, Project, Trace
from ingest.models import Scope as TokenScope
from reviewapp.models import User
from reviewapp.review import response
from reviewapp.review.models import Assignment, Label, Queue, ReviewItem, State
from tests.conftest import Api, Person

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


def test_a_new_judge_is_told_what_people_have_labelled_already(
    story: Story, reviewer: Person, lead: Person
) -> None:
    for u in (0.1, 0.2):
        story.label(story.item(u), "pass", reviewer.user)
    told = lead.client.get("/projects/refunds/judges/helpful").content.decode()
    assert "This judge has judged none of the 2 traces that people labelled." in told
    assert '<a class="button primary" href="#running">Let it judge</a>' in told


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


def test_to_ask_for_more_labels_takes_none_away(story: Story, reviewer: Person) -> None:
    """A day that was over stays over when what nobody answered in it is asked for once more."""
    for u in (0.1, 0.3):
        story.pair(u, "fail", "fail", reviewer.user)
    given_up = story.item(0.2, days=20)
    assert story.figures()["n"] == 2
    rubric = story.queue.rubric_version
    version = versions.create(story.project, "asking", Kind.RULES, rubric_version=rubric)
    made = remedies.label_more(version, 5, "leo")
    assert (made.count, made.moved) == (1, 1)
    assert story.figures()["n"] == 2
    assert story.figures()["excluded"] == {"no_response": 1}
    assert response.by_stratum(story.project)[""] == response.Response(2, 3)
    story.label(made.queue.items.get(), "pass", reviewer.user)
    story.judge(given_up.trace, "pass")
    assert story.figures()["n"] == 3


def test_one_person_in_two_queues_is_no_second_opinion(
    story: Story, reviewer: Person, lead: Person, queue: Queue
) -> None:
    first = story.pair(0.1, "fail", "fail", reviewer.user)
    other = Queue.objects.create(
        project=queue.project, slug="other", name="Other", rubric_version=queue.rubric_version
    )
    again = ReviewItem.objects.create(
        queue=other, trace=first.trace, subject=first.subject, rubric_version=other.rubric_version,
        lane="audit", rank=None, audit_rank=-0.1, day=first.day, u=0.1,
    )  # fmt: skip
    story.label(again, "pass", reviewer.user)
    found = story.figures()
    assert (found["n"], found["excluded"]) == (1, {}), "what was said first counts"
    assert found["human_human"]["agreement"]["n"] == 0
    story.label(again, "pass", lead.user)
    assert story.figures()["human_human"]["agreement"]["n"] == 1


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


def test_a_version_is_held_against_the_live_one_on_the_traces_that_both_judged(
    story: Story, reviewer: Person, project: Project, api: Api, lead: Person
) -> None:
    """The live one is wrong on ten more; five verdicts are invalid; thirty traces it alone judged."""
    for number in range(300):
        human = "fail" if number % 5 == 0 else "pass"
        wrong = number % 3 == 0 and number < 90
        story.pair(
            number / 1000, human, {"fail": "pass", "pass": "fail"}[human] if wrong else human, reviewer.user
        )
    live = stages.promote(story.version, "leo")
    assert live.validation["beside"] is None
    story.version = versions.create(project, "helpful", Kind.RULES, parameters={"rules": [], "n": 2})
    few = kept_figures.of(Scope(story.version))["page"]["beside"]
    assert few["difference"]["why_null"] == "0 labelled traces were judged by both, 30 needed"
    with pytest.raises(
        stages.NotValidated, match="30 needed; ask this version about what was drawn by chance"
    ):
        stages.promote(story.version, "leo")
    told = lead.client.get("/projects/refunds/judges/helpful?version=v2").content.decode()
    assert "Not compared with v1: 0 labelled traces were judged by both, 30 needed." in told
    traces = Trace.objects.order_by("pk")[:270]
    for number, trace in enumerate(traces):
        human = "fail" if number % 5 == 0 else "pass"
        wrong = (number % 3 == 0 and number < 54) or number in (200, 201)
        said = {"fail": "pass", "pass": "fail"}[human] if wrong else human
        story.judge(trace, "invalid" if number in (100, 101, 102) else said)
    Judgment.objects.filter(version=live, trace__in=[traces[103], traces[104]]).update(
        progress="invalid", verdict="invalid"
    )
    kept = kept_figures.of(Scope(story.version))["page"]["beside"]
    assert (kept["version"], kept["gained"], kept["lost"], kept["invalid"]) == ("v1", 12, 2, 5)
    gap = kept["difference"]
    assert (gap["n"], gap["value"]) == (265, pytest.approx(10 / 265))
    assert (gap["low"], gap["high"]) == pytest.approx(paired.tango(12, 2, 265))
    told = lead.client.get("/projects/refunds/judges/helpful?version=v2").content.decode()
    assert "Beside v1, on the 265 labelled traces that both judged: <b>+3.8 points</b>" in told
    client = api(TokenScope.QUALITY_READ)
    asked = client.get("/api/v1/judges/helpful/calibration?version=v2&window=7d").json()["judge"]
    assert asked["validation"]["beside"] == kept
    assert asked["validation"]["allowed"] is True
    now_live = stages.promote(story.version, "leo")
    assert now_live.validation["beside"] == kept
    live.refresh_from_db()
    assert live.stage == "retired"


def test_what_the_live_version_judges_later_is_compared_too(
    story: Story, reviewer: Person, project: Project
) -> None:
    for number in range(40):
        story.pair(number / 1000, "pass", "pass", reviewer.user)
    live = story.version
    JudgeVersion.objects.filter(pk=live.pk).update(stage="live")
    story.version = versions.create(project, "helpful", Kind.RULES, parameters={"rules": [], "n": 2})
    for trace in Trace.objects.order_by("pk"):
        story.judge(trace, "pass")
    Judgment.objects.filter(version=live, trace=Trace.objects.latest("pk")).delete()
    kept_figures.of(Scope(live)), kept_figures.of(Scope(story.version))

    def compared() -> int:
        return int(kept_figures.of(Scope(story.version))["page"]["beside"]["difference"]["n"])

    assert compared() == 39
    second, story.version = story.version, live
    Judgment.objects.create(
        version=live, trace=Trace.objects.latest("pk"), origin="audit", progress="done", verdict="pass",
        finished_at=NOW + timedelta(seconds=1),
    )  # fmt: skip
    story.version = second
    assert compared() == 40


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


def trusted(story: Story, reviewer: Person, pairs: int = 90) -> JudgeVersion:
    for number in range(pairs):
        verdict = "fail" if number % 3 == 0 else "pass"
        story.pair(number / 1000, verdict, verdict, reviewer.user)
    return stages.promote(story.version, "leo")


def state(version: JudgeVersion) -> tuple[str, str]:
    """Of the badge, and of the certificate."""
    told = kept_figures.of(Scope(version))["api"]["state"]
    return told, certificates.as_dict(certificates.current(version))["state"]


def test_the_alarm_rings_though_labels_come_days_after_their_traces(
    story: Story, reviewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate is renewed with each label, so its date says nothing of when the alarm was new."""
    monkeypatch.setattr(watching, "LEAST_BASELINE", 80)
    monkeypatch.setattr("evaluation.statistics.watching.LEAST_BASELINE", 80)
    live = trusted(story, reviewer)
    Trace.objects.update(started_at=NOW - timedelta(days=9))
    JudgeVersion.objects.update(live_at=NOW - timedelta(days=6))
    late = [
        story.pair(0.3 + n / 1000, "fail", "pass" if n % 3 else "fail", reviewer.user).trace_id
        for n in range(60)
    ]
    Trace.objects.filter(pk__in=late).update(started_at=NOW - timedelta(days=3))
    kept_figures.forget([live])
    assert watching.watch_live() == 1
    assert state(live) == ("STALE", "STALE")
    assert "agreement alarm on" in certificates.current(live).stale_reason
    certificates.issue(live, "leo")
    assert watching.watch_live() == 0, "an alarm that was answered is not told again"


def test_years_of_being_right_hide_no_fall(story: Story, reviewer: Person) -> None:
    """Far too few pairs for the detector, and an agreement over all times that is still good."""
    live = trusted(story, reviewer, 200)
    Trace.objects.update(started_at=NOW - timedelta(days=70))
    kept_figures.forget([live])
    assert watching.watch_live() == 0
    for n in range(60):
        story.pair(0.3 + n / 1000, "pass", "fail" if n % 2 else "pass", reviewer.user)
    figures = kept_figures.of(Scope(live))
    assert figures["api"]["agreement"]["low"] > 0.8
    assert (figures["page"]["recent"]["value"], figures["page"]["recent"]["n"]) == (0.5, 60)
    assert watching.watch_live() == 1
    assert certificates.current(live).stale_reason.startswith("the whole interval of four weeks' agreement")
    assert state(live) == ("STALE", "STALE")


def test_to_be_validated_again_ends_what_was_taken_back(story: Story, reviewer: Person) -> None:
    live = trusted(story, reviewer)
    certificates.take_back(live, "the alarm rang")
    assert state(live) == ("STALE", "STALE")
    stages.promote(live, "leo")
    assert state(live) == ("TRUSTED", "TRUSTED")
    assert certificates.holds(live)


def test_a_certificate_runs_out_where_no_label_comes(story: Story, reviewer: Person) -> None:
    live = trusted(story, reviewer)
    Certificate.objects.update(issued_at=NOW - timedelta(days=5))
    watching.watch_live()
    assert live.certificates.count() == 1, "a day alone proves nothing"
    Certificate.objects.update(expires_at=NOW - timedelta(days=1))
    kept_figures.forget([live])
    watching.watch_live()
    assert state(live) == ("STALE", "STALE")
    assert "no label has arrived since" in kept_figures.of(Scope(live))["page"]["finding"]["reasons"][0]
    story.pair(0.3, "fail", "fail", reviewer.user)
    watching.watch_live()
    assert state(live) == ("TRUSTED", "TRUSTED")


def test_an_endpoint_that_names_another_model_ends_trust(
    story: Story, reviewer: Person, settings: Any, tmp_path: Path
) -> None:
    """The pinned model can no longer be asked, whatever its labels say."""
    listed = tmp_path / "judges.toml"
    listed.write_text('[[endpoint]]\nname = "orion"\nmodel = "openai/orion-2026-08-11"\n')
    settings.JUDGES_FILE = str(listed)
    story.version = versions.create(story.project, "asked", Kind.LITELLM, endpoint="orion")
    live = trusted(story, reviewer)
    assert state(live) == ("TRUSTED", "TRUSTED")
    listed.write_text('[[endpoint]]\nname = "orion"\nmodel = "openai/orion-2027-01-01"\n')
    os.utime(listed, (1, 1))
    assert state(live) == ("STALE", "STALE")
    assert not certificates.holds(live)
    finding = kept_figures.of(Scope(live))["page"]["finding"]
    assert finding["reasons"] == [
        "the endpoint orion names openai/orion-2027-01-01 now instead of openai/orion-2026-08-11"
    ]


def test_a_live_version_can_be_retired_and_go_live_again(
    story: Story, reviewer: Person, lead: Person, project: Project
) -> None:
    live = trusted(story, reviewer)
    Judgment.objects.create(version=live, trace=story.trace(0.9), origin="sample")
    path = f"/projects/{project.slug}/judge-versions/{live.pk}"
    assert reviewer.client.post(f"{path}/retire").status_code == 403
    told = lead.client.post(f"{path}/retire", follow=True).content.decode()
    assert "no longer judges; 1 that waited will not be judged" in told
    live.refresh_from_db()
    assert (live.stage, state(live)) == ("retired", ("STALE", "STALE"))
    assert Judgment.objects.filter(progress="stopped").count() == 1
    assert "Go live again" in told
    lead.client.post(f"{path}/go-live")
    live.refresh_from_db()
    assert (live.stage, live.retired_at, state(live)) == ("live", None, ("TRUSTED", "TRUSTED"))
