"""A second judge looks through a queue before people do: it moves open items, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from evaluation.judges import tasks
from evaluation.judges.judgments import judging, running, triage
from evaluation.judges.making import versions
from evaluation.judges.models import JudgeRun, JudgeVersion, Judgment, Kind, RunKind
from ingest.models import AuditDraw, Project
from reviewapp.review import items, leases
from reviewapp.review import triage as moving
from reviewapp.review.models import Lane, Queue, ReviewItem
from tests.conftest import Api, Person
from tests.evaluation.judges.answering import answered
from tests.reviewapp.review.making import make_queue, make_reviewer, make_traces

pytestmark = pytest.mark.django_db
RULES = {"rules": [{"contains": "promise", "weight": 0.9}], "errors": {"noise": 0.0}}


@pytest.fixture
def waiting(project: Project) -> Queue:
    """Four items by hand; the answers of the last two promise too much."""
    answered(project, {f"t-{i:05}": "We promise." if i > 1 else "We look." for i in range(4)})
    queue: Queue = make_queue(project, "review")
    items.enqueue(queue, [f"t-{i:05}" for i in range(4)])
    return queue


def judge(project: Project) -> JudgeVersion:
    return versions.create(project, "second", Kind.RULES, parameters=RULES)


def order(queue: Queue) -> list[str]:
    return list(queue.items.order_by("-rank", "pk").values_list("trace__trace_id", flat=True))


def run(queue: Queue, **how: Any) -> None:
    running.on_queue(judge(queue.project), queue, "leo", **how)
    judging.work(60)
    triage.weigh_waiting()


def test_what_it_fails_comes_first_and_says_why(waiting: Queue) -> None:
    before = {item.pk: (item.priority, item.rank) for item in waiting.items.all()}
    run(waiting)
    assert order(waiting)[:2] == ["t-00002", "t-00003"]
    for item in waiting.items.select_related("trace"):
        factor = moving.factor(0.85 if item.trace.trace_id > "t-00001" else 0.12)
        priority, rank = before[item.pk]
        assert item.priority == pytest.approx(priority * factor, abs=1e-4)
        assert item.rank - rank == pytest.approx(item.priority - priority, abs=1e-4)
        assert (item.state, item.open_slots) == ("open", 1)
        assert [reason["code"] for reason in item.reasons].count("triage") == 1
    assert triage.weigh_waiting() == 0, "once for each verdict"
    last = waiting.items.get(trace__trace_id="t-00003")
    assert last.reasons[-1]["detail"] == "second v1: fail, 0.85 that it fails"


def test_a_route_that_decides_again_is_weighed_again_from_its_own_priority(waiting: Queue) -> None:
    run(waiting)
    item = waiting.items.get(trace__trace_id="t-00003")
    ReviewItem.objects.filter(pk=item.pk).update(terms={}, reasons=[], priority=0.5, rank=item.rank)
    assert triage.weigh_waiting() == 1
    item.refresh_from_db()
    assert item.priority == pytest.approx(0.5 * moving.factor(0.85), abs=1e-4)


def test_what_chance_drew_and_what_is_done_stay(waiting: Queue, project: Project) -> None:
    drawn, done = waiting.items.order_by("pk")[2:4]
    AuditDraw.objects.create(trace=drawn.trace, u=0.01, stratum="", audit=1, judge=0)
    ReviewItem.objects.filter(pk=drawn.pk).update(lane=Lane.AUDIT, audit_rank=-1.0, u=0.01, day="2026-01-01")
    ReviewItem.objects.filter(pk=done.pk).update(state="resolved", open_slots=0)
    before = list(ReviewItem.objects.filter(pk__in=(drawn.pk, done.pk)).order_by("pk").values())
    run(waiting)
    assert Judgment.objects.count() == 2, "neither is asked about"
    assert list(ReviewItem.objects.filter(pk__in=(drawn.pk, done.pk)).order_by("pk").values()) == before


def test_a_blind_reviewer_sees_nothing_of_it_before_the_submit(
    waiting: Queue, project: Project, api: Api, reviewer: Person
) -> None:
    run(waiting)
    page = reviewer.client.get("/projects/refunds/queues/review/review").content.decode()
    assert "We promise." in page
    assert "second v1" not in page and "triage" not in page
    told = reviewer.client.get("/projects/refunds/traces/t-00003").content.decode()
    assert "second v1" not in told and ">0.15<" not in told


def test_a_standing_run_asks_about_what_comes_later_until_it_is_stopped(
    waiting: Queue, project: Project, lead: Person
) -> None:
    run(waiting, standing=True)
    make_traces(project, 1, prefix="late")
    items.enqueue(waiting, ["late-00000"])
    assert tasks.triage_waiting() == 1
    judging.work(60)
    assert tasks.triage_waiting() == 1
    standing = JudgeRun.objects.get(kind=RunKind.QUEUE)
    assert (
        "stands"
        in lead.client.get(f"/projects/refunds/judge-versions/{standing.version_id}/runs").content.decode()
    )
    lead.client.post(f"/projects/refunds/judge-runs/{standing.pk}/stop")
    make_traces(project, 1, prefix="later")
    items.enqueue(waiting, ["later-00000"])
    assert triage.ask_standing() == 0


def test_an_item_that_somebody_holds_is_still_theirs(waiting: Queue, project: Project) -> None:
    rita = make_reviewer(project, "rita")
    lease = leases.claim(waiting, rita)
    run(waiting)
    held = ReviewItem.objects.get(pk=lease.item.pk)
    assert held.open_slots == 0
    assert held.assignments.filter(state="leased", token=lease.token).exists()


def test_the_doors(waiting: Queue, lead: Person, api: Api, project: Project, other_project: Project) -> None:
    version = judge(project)
    page = lead.client.get("/projects/refunds/judges/second").content.decode()
    assert "Look through the queue" in page
    address = f"/projects/refunds/judge-versions/{version.pk}/run"
    told = lead.client.post(address, {"what": "queue", "queue": "review"}, follow=True).content.decode()
    assert "4 to judge" in told
    make_queue(other_project, "theirs")
    for queue in ("", "theirs", "nowhere"):
        told = lead.client.post(address, {"what": "queue", "queue": queue}, follow=True).content.decode()
        assert "hoose" in told or "valid choice" in told
    with pytest.raises(CommandError, match="no queue theirs for this judge; there are: review"):
        call_command("run_judge", "second", queue="theirs", project="refunds")
    call_command("run_judge", "second", queue="review", project="refunds")
    client = api()
    sent = {"queue": "review", "version": "1"}

    def post(body: Any, name: str = "second") -> Any:
        return client.post(f"/api/v1/judges/{name}/runs", json.dumps(body), content_type="application/json")

    answer = post(sent)
    assert (answer.status_code, answer.json()["asked"]) == (201, 4 - 4)
    assert post({"queue": "theirs"}).status_code == 404
    assert post({"queue": 3}).status_code == 422
    assert post(sent, "nobody").status_code == 404
    assert api("quality:read").post("/api/v1/judges/second/runs", sent).status_code == 403
