"""Learning in the background: from labels of reviewers, to the routes of what waits, and nowhere else."""

from __future__ import annotations

import pytest
from django.utils import timezone

from evaluation.ranking import refit
from evaluation.ranking.models import RankingModel
from ingest.models import Feedback, Project, Score, Trace
from ingest.routing.models import Route
from reviewapp.review import imported
from reviewapp.review.models import Assignment, Label, Queue, ReviewItem, State
from reviewapp.screen import revealing
from tests.conftest import Person

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def queue_of(project: Project) -> Queue:
    rubric = imported.rubric_for(project, [])
    return Queue.objects.create(project=project, slug="review", name="Review", rubric_version=rubric)


def item(queue: Queue, number: int, *, thumbs_down: bool, open_slots: int = 1) -> ReviewItem:
    trace = Trace.objects.create(
        project=queue.project, trace_id=f"t{queue.pk}-{number}", started_at=NOW, output="An answer."
    )
    if thumbs_down:
        Feedback.objects.create(
            project=queue.project, key=f"f{trace.pk}", trace=trace, target_kind="trace",
            target_key=trace.trace_id, sha256=b"0" * 32, kind="thumbs", value="down", number=0.0,
            occurred_at=NOW,
        )  # fmt: skip
    terms = {"by": "rules", "p_fail": 0.1, "severity": 2.0, "uncertainty": 0.5, "novelty": 1.0, "signals": {}}
    Route.objects.create(
        trace=trace, queue=queue.slug, reasons=[{"code": "x", "detail": ""}], terms=terms, priority=0.3
    )
    return ReviewItem.objects.create(
        queue=queue, trace=trace, subject=str(trace.pk), rubric_version=queue.rubric_version, rank=1.0,
        open_slots=open_slots,
    )  # fmt: skip


def label(of: ReviewItem, verdict: str, reviewer: Person) -> None:
    assignment = Assignment.objects.create(item=of, reviewer=reviewer.user, state=State.RELEASED)
    row = Label.objects.create(
        assignment=assignment, revision=1, kind="answer", via="page", reviewer=reviewer.user,
        rubric_version=of.rubric_version, verdict=verdict,
    )  # fmt: skip
    Assignment.objects.filter(pk=assignment.pk).update(
        state=State.SUBMITTED, current=row, counted=row, submitted_at=NOW
    )


def learned(project: Project, reviewer: Person, count: int = 120) -> Queue:
    queue = queue_of(project)
    for number in range(count):
        fails = number % 4 == 0
        label(item(queue, number, thumbs_down=fails, open_slots=0), "fail" if fails else "pass", reviewer)
    return queue


def test_what_waits_is_ranked_by_what_was_learned(project: Project, reviewer: Person) -> None:
    queue = learned(project, reviewer)
    quiet, loud = item(queue, 900, thumbs_down=False), item(queue, 901, thumbs_down=True)
    assert refit.refit_due() == 1
    assert refit.rank_waiting() == 2
    p = {
        route.trace_id: route.terms["p_fail"] for route in Route.objects.filter(terms__by__startswith="model")
    }
    assert p[loud.trace_id] > 0.3 > p[quiet.trace_id]
    route = Route.objects.get(trace=loud.trace)
    # The rules' severity stays; the doubt is about what was learned.
    doubt = 4 * p[loud.trace_id] * (1 - p[loud.trace_id])
    assert route.priority == pytest.approx(p[loud.trace_id] * 2.0 * (1 + doubt), abs=1e-4)
    assert refit.rank_waiting() == 0
    assert refit.refit_due() == 0


def test_too_few_labels_leave_it_to_the_rules(project: Project, reviewer: Person) -> None:
    queue = learned(project, reviewer, 36)
    waiting = item(queue, 900, thumbs_down=True)
    assert (refit.refit_due(), refit.rank_waiting()) == (0, 0)
    assert Route.objects.get(trace=waiting.trace).terms["by"] == "rules"


def test_another_projects_items_keep_their_ranks(
    project: Project, other_project: Project, reviewer: Person
) -> None:
    learned(project, reviewer)
    theirs = item(queue_of(other_project), 1, thumbs_down=True)
    refit.refit_due()
    refit.rank_waiting()
    assert RankingModel.objects.get().project == project
    assert Route.objects.get(trace=theirs.trace).terms["by"] == "rules"


def test_what_no_fit_has_ranked_yet_comes_first(project: Project, reviewer: Person, monkeypatch) -> None:
    """Fits that follow each other closely would else rank the same first items again and again."""
    monkeypatch.setattr(refit, "TURN", 2)
    monkeypatch.setattr(refit, "TURN_SECONDS", 0)
    queue = learned(project, reviewer)
    waiting = [item(queue, 900 + number, thumbs_down=False).trace_id for number in range(5)]
    for _ in range(3):
        refit.refit(project, 120)
        assert refit.rank_waiting() > 0
    ranked = Route.objects.filter(terms__by__startswith="model")
    assert set(ranked.values_list("trace", flat=True)) == set(waiting)
    monkeypatch.setattr(refit, "TURN_SECONDS", 60)
    refit.refit(project, 120)
    assert (refit.rank_waiting(), refit.rank_waiting()) == (5, 0)


def test_all_that_the_specification_names_is_known_of_a_trace(project: Project) -> None:
    of = item(queue_of(project), 1, thumbs_down=True)
    Trace.objects.filter(pk=of.trace_id).update(
        model="m-1", prompt_version="v2", route="refund", status="error", output="x" * 5000
    )
    kept = {"project": project, "trace": of.trace, "target_kind": "trace", "target_key": of.trace.trace_id}
    for key, more in (
        ("llm", {"name": "faithfulness", "value": 0.2, "confidence": 0.7, "source": "llm"}),
        ("touchstone:check:empty", {"name": "check.empty", "value": 0.0, "source": "code"}),
    ):
        Score.objects.create(**kept, key=key, sha256=b"1" * 32, timestamp=NOW, **more)
    for number in range(3):
        Feedback.objects.create(
            **kept, key=f"anyone-{number}", sha256=b"1" * 32, kind="report", occurred_at=NOW, signed=False
        )
    found = refit.known_of([of.trace_id])[of.trace_id].item
    assert (found.judge, len(found.text)) == (pytest.approx(0.8), refit.TEXT)
    assert found.signals == {
        "thumbs_low": 1.0, "unsigned": 1.0, "check_empty": 1.0, "doubt": pytest.approx(0.3),
        "route=refund": 1.0, "model=m-1": 1.0, "prompt=v2": 1.0, "error": 1.0,
        "length": pytest.approx(8.517, abs=0.001), "novelty": 1.5,
    }  # fmt: skip


def test_the_words_say_who_ranked(project: Project, reviewer: Person) -> None:
    queue = learned(project, reviewer)
    waiting = item(queue, 900, thumbs_down=True)
    terms = lambda: Route.objects.get(trace=waiting.trace).terms  # noqa: E731
    assert revealing.terms(terms(), 0.3).startswith("priority .30, by rules: P(fail) .10, severity 2")
    refit.refit_due()
    refit.rank_waiting()
    assert "learned from labels: P(fail)" in revealing.terms(terms(), 1.0)
