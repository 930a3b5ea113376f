"""Learning in the background: from labels of reviewers, to the routes of what waits, and nowhere else."""

from __future__ import annotations

import pytest
from django.utils import timezone

from evaluation.ranking import refit
from evaluation.ranking.models import RankingModel
from ingest.models import Feedback, Project, Trace
from ingest.routing.models import Route
from reviewapp.review import imported
from reviewapp.review.models import Assignment, Label, Queue, ReviewItem, State
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
    assert route.priority == pytest.approx(p[loud.trace_id] * 2.0 * 1.5, abs=1e-4)
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
