"""Beside what a judge said stands how far it is to be trusted, as computed before the reveal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evaluation.judges.against_people.statements import Scope
from evaluation.judges.judgments import judging, running
from evaluation.judges.making import versions
from evaluation.judges.models import CalibrationPoint, JudgeVersion, Judgment
from evaluation.judges.trust import calibration, certificates, kept_figures
from evaluation.revealing import standing
from ingest.models import Project
from reviewapp.review import items, labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, ReviewItem
from tests.conftest import Person
from tests.evaluation.judges.lines import load, table
from tests.evaluation.judges.pairwise import duels
from tests.reviewapp.review.making import FAIL, filled, make_queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(project: Project) -> JudgeVersion:
    """It misses 10 of 50 failures."""
    load(project, table(40, 10, 5, 145, pi=0.2))
    found = versions.find(project, "helpful")
    assert found is not None
    return found.versions.select_related("judge").get()


@pytest.fixture
def item(project: Project, version: JudgeVersion) -> ReviewItem:
    (item,) = filled(make_queue(project), 1)
    Judgment.objects.create(
        version=version, trace=item.trace, origin="sample", progress="done", verdict="pass", rationale="fine"
    )
    return item


def revealed(person: Person, item: ReviewItem) -> str:
    return person.client.get(reverse("judge_reveal", args=["refunds", item.pk])).content.decode()


def submit(person: Person, item: ReviewItem) -> None:
    lease = leases.reclaim(item, person.user)
    labels.submit(lease.item, Actor(person.user), lease.token, FAIL)


def test_after_the_own_submit_the_badge_says_what_the_judge_misses(
    version: JudgeVersion, item: ReviewItem, reviewer: Person
) -> None:
    figures = kept_figures.of(Scope(version))["api"]
    assert "misses" not in revealed(reviewer, item)
    submit(reviewer, item)
    said = revealed(reviewer, item)
    low, high = (round(100 * (1 - figures["tpr"][end])) for end in ("high", "low"))
    assert f">{figures['state']}</span>" in said
    assert f'this judge misses 20 % of failures <span class="faint">({low}–{high}, n = 50)</span>' in said
    assert "as of" not in said


def test_figures_that_were_never_computed_are_not_computed_here(
    version: JudgeVersion, item: ReviewItem, reviewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "compute", lambda *_, **__: pytest.fail("computed"))
    submit(reviewer, item)
    said = revealed(reviewer, item)
    assert "fine" in said and "badge" not in said and "not calibrated yet" in said
    assert not CalibrationPoint.objects.exists()


def test_what_is_older_than_a_day_tells_its_day(version: JudgeVersion) -> None:
    kept_figures.of(Scope(version))
    assert (fresh := standing.of(version)) is not None and fresh.as_of is None
    then = timezone.now() - timedelta(days=3)
    CalibrationPoint.objects.update(computed_at=then)
    assert (old := standing.of(version)) is not None and old.as_of == then


def test_what_no_longer_holds_is_stale(version: JudgeVersion) -> None:
    kept_figures.of(Scope(version))
    certificates.issue(version)
    version.certificates.update(stale_reason="its prompt has changed")
    assert (found := standing.of(version)) is not None and found.state == "STALE"


def test_figures_of_another_form_are_not_read(version: JudgeVersion) -> None:
    kept_figures.of(Scope(version))
    CalibrationPoint.objects.update(watermark="0.old")
    assert standing.of(version) is None


def test_a_judge_without_labels_says_why_nothing_is_known(item: ReviewItem, reviewer: Person) -> None:
    version = Judgment.objects.get(trace=item.trace).version
    kept_figures.of(Scope(version))
    point = CalibrationPoint.objects.get()
    unknown = {"value": None, "low": None, "high": None, "n": 0, "why_null": "no failures"}
    point.figures["api"]["tpr"] = unknown
    point.save()
    submit(reviewer, item)
    assert "whether this judge misses failures is not known: no failures" in revealed(reviewer, item)


@pytest.fixture
def pair(project: Project) -> tuple[JudgeVersion, ReviewItem]:
    """Of four pairs a judge of pairs agrees with people on three; a fifth waits for the reviewer."""
    duel = duels.pairs(project, 5)
    version = duels.judge(project)
    running.on_queue(version, duel, "leo")
    judging.work(60)
    duels.label(duel, ["a", "a", "a", "b"], "rosa")
    return version, ReviewItem.objects.get(queue=duel, open_slots=1)


@pytest.mark.parametrize(("order", "words"), [("ab", "A is better"), ("ba", "B is better")])
def test_of_a_pair_the_judge_is_told_by_the_readers_letters_and_how_often_it_agrees(
    pair: tuple[JudgeVersion, ReviewItem], reviewer: Person, lead: Person, order: str, words: str
) -> None:
    _, item = pair
    lease = leases.reclaim(item, reviewer.user)
    Assignment.objects.filter(pk=lease.assignment_id).update(display_order=order)
    labels.submit(item, Actor(reviewer.user), lease.token, labels.Answer(preference="both_bad"))
    said = revealed(reviewer, item)
    assert words in said and "not calibrated yet" in said
    lead.client.get("/projects/refunds/judges/chooser")
    said = revealed(reviewer, item)
    assert "this judge agrees with people on 60 % of pairs" in said and "n = 5)" in said
    assert "badge" not in said and "not calibrated yet" not in said
    CalibrationPoint.objects.update(computed_at=timezone.now() - timedelta(days=3))
    kept_figures.refresh()
    assert "as of" in revealed(reviewer, item), "it stays however long nobody looks"


def test_what_a_judge_said_of_a_pair_does_not_stand_by_one_of_its_answers(
    pair: tuple[JudgeVersion, ReviewItem], project: Project, lead: Person
) -> None:
    _, item = pair
    (alone,) = items.enqueue(make_queue(project, "alone"), [item.trace.trace_id]).added
    assert "No judge has said anything about this answer." in revealed(lead, alone)
    assert "chooser" in revealed(lead, item)
