"""Judge moved, system moved, both, neither, or too few labels to say: by anchors and by people."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from evaluation.judges.against_people.statements import Scope
from evaluation.judges.calls.protocol import FIRST_ANCHOR_TRIAL
from evaluation.judges.making import versions
from evaluation.judges.models import (
    Anchor,
    AnchorSet,
    AnsweredModel,
    JudgeVersion,
    Judgment,
    Kind,
    Origin,
    Progress,
)
from evaluation.judges.pages import drift_panel
from evaluation.judges.stability import drift, rounds
from evaluation.judges.trust import calibration, certificates, kept_figures, stages, watching
from evaluation.statistics import change
from evaluation.statistics.change import Mover
from ingest.models import AuditDraw, Project, Trace
from ingest.models import Scope as TokenScope
from reviewapp.models import User
from reviewapp.review import imported, snapshots
from reviewapp.review.models import Assignment, Label, Queue, ReviewItem, State
from tests.conftest import Api, Person

pytestmark = pytest.mark.django_db
ANCHORS = 100
NOW = timezone.now()
BEGAN = NOW - timedelta(days=14)


@pytest.fixture
def frozen(project: Project) -> list[Trace]:
    """Anchors that all fail."""
    made = AnchorSet.objects.create(judge=version(project, 1).judge, name="anchors 1", frozen_at=Now())
    rows = Trace.objects.bulk_create(
        Trace(project=project, trace_id=f"t{n}", started_at=NOW, input="?", output=f"Answer {n}.")
        for n in range(ANCHORS)
    )
    kept = snapshots.of_trace(rows[0])
    Anchor.objects.bulk_create(
        Anchor(anchor_set=made, trace=trace, snapshot=kept, verdict="fail") for trace in rows
    )
    return rows


def version(project: Project, number: int) -> JudgeVersion:
    return versions.create(project, "helpful", Kind.RULES, parameters={"rules": [], "n": number})


def judged(by: JudgeVersion, rows: list[Trace], trial: int, right: int, at: datetime = NOW) -> None:
    Judgment.objects.bulk_create(
        Judgment(
            version=by,
            trace=trace,
            trial=FIRST_ANCHOR_TRIAL + trial,
            origin=Origin.ANCHOR,
            progress=Progress.DONE,
            verdict="fail" if place < right else "pass",
            finished_at=at,
        )
        for place, trace in enumerate(rows)
    )


def twice(by: JudgeVersion, rows: list[Trace], *, lost: int) -> None:
    right = len(rows) * 9 // 10
    judged(by, rows, 0, right=right, at=BEGAN)
    judged(by, rows, 1, right=right - lost)


def test_a_version_that_has_not_answered_the_anchors_may_not_go_live(
    project: Project, frozen: list[Trace]
) -> None:
    first, second = (version(project, number) for number in (1, 2))
    judged(first, frozen, 0, 90)
    judged(second, frozen[:40], 0, 40)
    judged(second, frozen[20:60], 1, 40)
    assert (rounds.asked(first), rounds.asked(second)) == ((100, 100), (60, 100))
    said = dict(stages.validate(second)[0].conditions)
    assert said["nearly all anchors answered (60 of 100; Runs asks about them)"] is False
    AnchorSet.objects.all().delete()
    assert rounds.asked(second) is None


def test_a_version_that_moved_has_moved_also_when_the_next_one_is_right(
    project: Project, frozen: list[Trace]
) -> None:
    first, second = version(project, 1), version(project, 2)
    twice(first, frozen, lost=13)
    judged(second, frozen, 0, right=90)
    found = rounds.compare(first)
    assert (len(found.lost), len(found.won), found.against, found.has_moved) == (13, 0, "", True)
    assert found.p == pytest.approx(2 * 0.5**13)
    assert [each.right.value for each in found.rounds] == [0.9, 0.77, 0.9]
    after = rounds.compare(second)
    assert (len(after.lost), len(after.won), after.against, after.span) == (0, 13, first.label, None)
    judged(second, frozen, 1, right=89)
    own = rounds.compare(second)
    assert (len(own.lost), len(own.won), own.against, own.has_moved) == (1, 0, "", False)


def test_a_question_that_is_asked_each_night_has_to_be_answered_more_clearly(
    project: Project, frozen: list[Trace], people: People
) -> None:
    """Nine of a hundred lost say at the first look that it moved, and not at the twelfth."""
    by = version(project, 1)
    judged(by, frozen, 0, right=90, at=BEGAN)
    judged(by, frozen, 1, right=81)
    first = rounds.compare(by)
    assert (first.look, first.p, first.has_moved) == (1, 2 * 0.5**9, True)
    for trial in range(2, 13):
        judged(by, frozen, trial, right=81)
    later = rounds.compare(by)
    assert (later.look, later.p, later.has_moved) == (12, first.p, None)
    assert later.p_looks == pytest.approx(2 * first.p / change.spent(12)), "and there are two questions"
    people.say(STEADY, BEFORE)
    people.say(WORSE, SINCE)
    system = told(by).system
    assert system is not None
    assert (system.at_look.value, system.at_look.n) == (system.difference.value, system.difference.n)
    assert (system.at_look.low or 0) < (system.difference.low or 0)
    assert (system.at_look.high or 0) > (system.difference.high or 0)


def test_a_judge_that_moved_by_its_anchors_is_trusted_no_more_until_it_is_validated_again(
    project: Project, frozen: list[Trace], lead: Person
) -> None:
    """Without a single label of the time since: that is what anchors are for."""
    by = version(project, 1)
    JudgeVersion.objects.filter(pk=by.pk).update(stage="live", live_at=BEGAN)
    by.refresh_from_db()
    certificate = certificates.issue(by, "leo")
    type(certificate).objects.update(issued_at=BEGAN + timedelta(days=1), state="TRUSTED")
    judged(by, frozen, 0, right=90, at=BEGAN)
    judged(by, frozen, 1, right=90, at=BEGAN + timedelta(days=2))
    assert certificates.holds(by), "it answers as it did"
    judged(by, frozen, 2, right=75, at=BEGAN + timedelta(days=3))
    assert not certificates.holds(by)
    assert kept_figures.of(Scope(by))["api"]["state"] == "STALE"
    page = lead.client.get("/projects/refunds/judges/helpful?version=v1").content.decode()
    assert "The judge moved by its anchors (15 lost, 0 won" in page
    assert watching.watch_live() == 1
    for trial in range(3, 14):
        judged(by, frozen, trial, right=81, at=BEGAN + timedelta(days=1 + trial))
    assert rounds.compare(by).has_moved is None
    assert not certificates.holds(by), "what was found once is not forgotten by looking again"
    certificates.issue(by, "leo")
    type(certificate).objects.update(state="TRUSTED")
    judged(by, frozen, 14, right=81, at=NOW + timedelta(days=1))
    assert (certificates.holds(by), watching.watch_live()) == (True, 0)
    assert kept_figures.of(Scope(by))["api"]["state"] != "STALE"


def test_one_round_of_the_first_version_compares_with_nothing(project: Project, frozen: list[Trace]) -> None:
    first = version(project, 1)
    judged(first, frozen, 0, right=20)
    assert rounds.compare(first).difference.why_null == rounds.NO_ROUNDS.why_null
    assert rounds.compare(version(project, 2)).p is None
    assert drift_panel.tell(first, None, "").verdict == ""
    assert drift.as_dict(drift.tell(first, None))["verdict"] is None


def test_too_few_anchors_say_nothing_of_the_judge(project: Project, frozen: list[Trace]) -> None:
    """Three of nineteen lost: neither that it moved nor that it did not."""
    first = version(project, 1)
    judged(first, frozen[:19], 0, right=19)
    judged(first, frozen, 1, right=16)
    found = rounds.compare(first)
    assert (found.p, found.has_moved) == (None, None)
    assert found.difference.why_null == "19 anchors were judged in both rounds, 20 needed"
    judged(first, frozen, 2, right=100)
    whole = rounds.compare(first)
    assert (whole.difference.n, whole.look) == (100, 1), "what broke off is left out"


def test_a_round_under_way_hides_no_earlier_one(project: Project, frozen: list[Trace]) -> None:
    first = version(project, 1)
    twice(first, frozen, lost=13)
    judged(first, frozen[:12], 2, right=12)
    found = rounds.compare(first)
    assert (len(found.lost), found.look, found.has_moved) == (13, 1, True)


def test_a_judge_that_leans_to_the_other_side_has_moved_though_it_is_right_as_often(
    project: Project, frozen: list[Trace]
) -> None:
    """Half of the anchors pass: it misses fifteen more failures and spares twenty good answers more."""
    first = version(project, 1)
    Anchor.objects.filter(trace__in=frozen[50:]).update(verdict="pass")
    judged(first, frozen, 0, right=70, at=BEGAN)
    judged(first, frozen, 1, right=40)
    found = rounds.compare(first)
    assert (len(found.lost), len(found.won), found.p) == (10, 20, pytest.approx(0.0987, abs=1e-4))
    judged(first, frozen, 2, right=35)
    even = rounds.compare(first)
    assert (len(even.lost), len(even.won), even.to_fail, even.to_pass) == (15, 20, 0, 35)
    assert (even.p or 0) > 0.4
    assert (even.has_moved, even.leaning.value) == (True, -0.35)
    side = drift.as_dict(drift.tell(first, None))["judge"]
    assert side["leaning"] | {"difference": None} == {
        "to_fail": 0, "to_pass": 35, "p": even.p_leaning, "difference": None,
    }  # fmt: skip


class People:
    """Settled audit labels of both sides of a moment."""

    def __init__(self, project: Project, reviewer: User) -> None:
        rubric = imported.rubric_for(project, [])
        self.queue = Queue.objects.create(project=project, slug="review", name="R", rubric_version=rubric)
        self.project, self.reviewer, self.count = project, reviewer, 0

    def say(self, verdicts: str, at: datetime, *, blind: bool = True, lane: str = "audit") -> None:
        """`verdicts` as "f" and "p", one trace each."""
        traces = Trace.objects.bulk_create(
            Trace(project=self.project, trace_id=f"l{self.count + n}", started_at=at)
            for n in range(len(verdicts))
        )
        self.count += len(verdicts)
        draws = [AuditDraw(trace=each, u=each.pk % 997 / 1000, audit=1.0, judge=1.0) for each in traces]
        AuditDraw.objects.bulk_create(draws)
        is_audit = lane == "audit"
        items = ReviewItem.objects.bulk_create(
            ReviewItem(
                queue=self.queue, trace=draw.trace, subject=str(draw.trace.pk), lane=lane,
                rubric_version=self.queue.rubric_version, rank=None if is_audit else 1.0,
                audit_rank=-draw.u if is_audit else None, day=at.date() if is_audit else None,
                u=draw.u if is_audit else None, enqueued_at=NOW - timedelta(days=20),
            )
            for draw in draws
        )  # fmt: skip
        given = Assignment.objects.bulk_create(
            Assignment(item=item, reviewer=self.reviewer, state=State.RELEASED) for item in items
        )
        labels = Label.objects.bulk_create(
            Label(
                assignment=assignment, revision=1, kind="answer", via="page", reviewer=self.reviewer,
                rubric_version=self.queue.rubric_version, blind=blind,
                verdict={"f": "fail", "p": "pass"}[said],
            )
            for assignment, said in zip(given, verdicts, strict=True)
        )  # fmt: skip
        for assignment, label in zip(given, labels, strict=True):
            assignment.state, assignment.submitted_at = State.SUBMITTED, NOW
            assignment.current = assignment.counted = label
        Assignment.objects.bulk_update(given, ["state", "submitted_at", "current", "counted"])


@pytest.fixture
def people(project: Project, reviewer: Person) -> People:
    return People(project, reviewer.user)


BEFORE, SINCE = BEGAN - timedelta(days=3), NOW - timedelta(days=3)
STEADY = "f" * 12 + "p" * 108
WORSE = "f" * 48 + "p" * 72
TOO_FEW = "too few labels to say whether the system did."


def told(by: JudgeVersion) -> drift.Drift:
    return drift.tell(by, calibration.compute(Scope(by))["page"]["system"])


@pytest.mark.parametrize(
    ("lost", "since", "mover", "words"),
    [
        (13, STEADY, Mover.JUDGE, "The judge moved, the system did not."),
        (0, WORSE, Mover.SYSTEM, "The system moved, the judge did not."),
        (13, WORSE, Mover.BOTH, "Both moved, the judge and the system."),
        (0, STEADY, Mover.NEITHER, "Neither moved, not the judge and not the system."),
        (
            0,
            "fppp" * 7,
            Mover.TOO_FEW,
            f"The judge did not move; {TOO_FEW}",
        ),
        (13, "", Mover.TOO_FEW, f"The judge moved; {TOO_FEW}"),
        (4, WORSE, Mover.TOO_FEW, "The system moved; too few anchors to say whether the judge did."),
    ],
)
def test_what_moved(
    project: Project, frozen: list[Trace], people: People, lost: int, since: str, mover: Mover, words: str
) -> None:
    by = version(project, 1)
    # Four of forty anchors: no move shows, and one of ten points may hide.
    twice(by, frozen if lost != 4 else frozen[:40], lost=lost)
    people.say(STEADY, BEFORE)
    people.say(since, SINCE)
    found = told(by)
    assert found.system is not None
    assert (found.system.before.n, found.system.since.n) == (120, len(since))
    assert (found.mover, drift_panel.words(found)) == (mover, words)


def test_only_settled_audit_labels_of_the_two_windows_speak_for_the_system(
    project: Project, frozen: list[Trace], people: People
) -> None:
    by = version(project, 1)
    twice(by, frozen, lost=0)
    people.say(STEADY, BEFORE)
    people.say("f" * 40, BEFORE, blind=False)
    people.say("f" * 40, BEFORE, lane="risk")
    people.say("f" * 40, BEGAN - timedelta(days=29))
    people.say("f" * 40, NOW + timedelta(minutes=1))
    people.say(STEADY, SINCE)
    found = told(by).system
    assert found is not None
    assert (found.before.n, found.since.n) == (120, 120)
    assert found.before.value == pytest.approx(0.1)
    # The judge has no part in it: it judged none of these traces.
    assert not Judgment.objects.filter(trial=1).exists()


def test_the_moment_another_model_answers_parts_the_labels(project: Project, frozen: list[Trace]) -> None:
    by = version(project, 1)
    twice(by, frozen, lost=13)
    first = rounds.compare(by).span
    assert first is not None
    assert (first.began, first.ended, first.is_told) == (BEGAN, NOW, False)
    changed = NOW - timedelta(days=40)
    AnsweredModel.objects.create(version=by, model="orion-1", first_at=NOW - timedelta(days=80))
    AnsweredModel.objects.create(version=by, model="orion-2", first_at=changed)
    moment = rounds.compare(by).span
    assert moment is not None
    assert (moment.began, moment.is_told) == (changed, True)
    assert moment.since == (NOW - timedelta(days=28), NOW)
    assert moment.before == (changed - timedelta(days=28), changed)
    JudgeVersion.objects.filter(pk=by.pk).update(kind=Kind.LITELLM)
    by.refresh_from_db()
    outside = rounds.compare(by).span
    assert outside is not None
    assert not outside.is_told, "a model's change before both rounds is not what they compare"


def test_the_page_tells_it_and_leads_to_the_traces(
    project: Project, frozen: list[Trace], people: People, lead: Person
) -> None:
    by = version(project, 1)
    twice(by, frozen, lost=13)
    people.say(STEADY, BEFORE)
    people.say(STEADY, SINCE)
    shown: Any = lead.client.get(f"/projects/{project.slug}/judges/helpful").content.decode()
    assert "The judge moved, the system did not." in shown
    assert "13 lost, 0 won" in shown
    assert f"from={(BEGAN - timedelta(days=28)).date().isoformat()}" in shown
    assert "drawn=true" in shown
    assert f'/traces/t{ANCHORS - 23}"' in shown, "each anchor that turned leads to its trace"
    sliced = lead.client.get(f"/projects/{project.slug}/judges/helpful?window=7d").content.decode()
    assert "The judge moved, the system did not." in sliced, "rounds know no window"


def test_newer_rounds_wait_for_their_labels_to_be_counted(
    project: Project, frozen: list[Trace], people: People
) -> None:
    by = version(project, 1)
    twice(by, frozen, lost=0)
    kept = kept_figures.of(Scope(by))["page"]["system"]
    assert drift.tell(by, kept).system is not None
    judged(by, frozen, 2, right=90, at=NOW + timedelta(minutes=5))
    later = drift.tell(by, kept)
    assert later.system is None
    assert drift_panel.words(later) == "The judge did not move; labels are being counted."
    assert drift.tell(by, kept_figures.of(Scope(by))["page"]["system"]).system is not None


def test_the_api_tells_both_sides(api: Api, project: Project, frozen: list[Trace], people: People) -> None:
    by = version(project, 1)
    twice(by, frozen, lost=13)
    people.say(STEADY, BEFORE)
    people.say(WORSE, SINCE)
    client: Client = api(TokenScope.QUALITY_READ)
    found = json.loads(client.get("/api/v1/judges/helpful/calibration").content)["judge"]["drift"]
    assert (found["verdict"], found["judge"]["moved"], found["system"]["moved"]) == ("both", True, True)
    assert (found["judge"]["lost"], found["judge"]["won"]) == (13, 0)
    assert found["system"]["difference"]["value"] == pytest.approx(0.3)
