"""From an uncertain number to labels, from a disagreement to an anchor or another reviewer."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evaluation.judges.against_people import comparison
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.making import versions
from evaluation.judges.models import Anchor, AnchorSet, AnsweredModel, JudgeVersion, Judgment, Kind
from evaluation.judges.pages import contents
from evaluation.judges.trust import kept_figures, remedies
from ingest.models import AuditDraw, Project, Trace
from reviewapp.review import items, labels, leases, queues, rubrics, snapshots
from reviewapp.review.actors import Actor
from reviewapp.review.models import Queue, ReviewItem
from tests.conftest import Person
from tests.evaluation.judges.lines import load, table
from tests.reviewapp.review.making import FAIL, filled, make_queue, make_traces

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue(project: Project) -> Queue:
    return make_queue(project)  # type: ignore[no-any-return, no-untyped-call]


@pytest.fixture
def version(project: Project, queue: Queue) -> JudgeVersion:
    rubric = queue.rubric_version
    return versions.create(project, "helpful", Kind.RULES, parameters={"rules": []}, rubric_version=rubric)


def draw(trace: Trace, u: float) -> Trace:
    AuditDraw.objects.create(trace=trace, u=u, stratum="", audit=0.5, judge=0.8)
    return trace


def test_the_budget_becomes_a_queue_of_drawn_traces_in_the_order_of_their_draw(
    project: Project, lead: Person, version: JudgeVersion
) -> None:
    drawn = [draw(t, u) for t, u in zip(make_traces(project, 4, "d"), (0.3, 0.1, 0.9, 0.2), strict=True)]
    make_traces(project, 2, "chosen")
    response = lead.client.post(reverse("label_more", args=["refunds", version.pk]), {"labels": "2"})
    assert response.status_code == 302
    made = Queue.objects.get(slug="calibrate-1")
    items = made.items.order_by("-audit_rank")
    assert [item.trace_id for item in items] == [drawn[1].pk, drawn[3].pk]
    assert all(item.lane == "audit" and item.rank is None for item in items)
    lease = leases.claim(made, lead.user)
    assert lease is not None
    labels.submit(lease.item, Actor(lead.user), lease.token, FAIL)
    Judgment.objects.create(
        version=version, trace=lease.item.trace, origin="audit", progress="done", verdict="fail"
    )
    assert comparison.compare(Scope(version)).n == 1, "its labels count in the figures"


def routed(trace: Trace) -> items.Routed:
    return items.Routed(trace.pk, [{"code": "audit"}], {}, 0.0, False, trace.draw, trace.started_at)


def test_what_waits_elsewhere_moves_into_the_budget_s_queue_and_nobody_is_asked_twice(
    project: Project, lead: Person, reviewer: Person, version: JudgeVersion, queue: Queue
) -> None:
    """The same people would label a trace in two queues, and one of their labels would count for nothing."""
    waits, begun, done, other = [
        draw(trace, u) for trace, u in zip(make_traces(project, 4, "d"), (0.3, 0.1, 0.2, 0.4), strict=True)
    ]
    items.from_routes(queue, [routed(each) for each in (waits, begun, done)])
    queue.items.update(required=1, open_slots=1)
    style = rubrics.publish(rubrics.create_empty(project, "style", "Style"), rubrics.content_of(None))
    another = queues.create(project, "style", rubric_version=style)
    items.from_routes(another, [routed(other)])
    lease = leases.claim(queue, reviewer.user)
    assert lease is not None and lease.item.trace_id == begun.pk
    second = leases.claim(queue, lead.user)
    assert second is not None and second.item.trace_id == done.pk
    labels.submit(second.item, Actor(lead.user), second.token, FAIL)
    made = remedies.label_more(version, 50, "leo")
    assert set(made.queue.items.values_list("trace", flat=True)) == {waits.pk, other.pk}
    assert "1 of them waited in other queues" in made.words
    assert ReviewItem.objects.get(queue=queue, trace=waits).state == "removed"
    assert ReviewItem.objects.get(queue=queue, trace=begun).state == "open"
    assert ReviewItem.objects.get(queue=another).state == "open", "another question of the same trace"
    with pytest.raises(remedies.Refused, match=r"2 drawn traces .* wait in Calibrate helpful already"):
        remedies.label_more(version, 50, "leo")
    assert Queue.objects.filter(slug__startswith="calibrate-").count() == 1


def test_a_budget_without_drawn_traces_or_without_a_rubric_says_what_to_do(
    project: Project, lead: Person, version: JudgeVersion
) -> None:
    with pytest.raises(remedies.Refused, match="raise the audit share"):
        remedies.label_more(version, 5, "leo")
    bare = versions.create(project, "bare", Kind.RULES, parameters={"rules": []})
    with pytest.raises(remedies.Refused, match="names no rubric"):
        remedies.label_more(bare, 5, "leo")
    address = reverse("label_more", args=["refunds", version.pk])
    told = lead.client.post(address, {"labels": "x" * 40}, follow=True).content.decode()
    assert "raise the audit share" in told


def test_a_disagreement_becomes_an_anchor_of_a_new_set(lead: Person, version: JudgeVersion) -> None:
    first, second = make_traces(version.judge.project, 2, "a")
    for trace in (first, second):
        Judgment.objects.create(version=version, trace=trace, origin="audit", progress="done", verdict="pass")
    address = reverse("add_anchor", args=["refunds", version.pk])
    refused = lead.client.post(address, {"trace": second.pk, "verdict": "fail"}, follow=True)
    assert "There is no anchor set yet" in refused.content.decode()
    old = AnchorSet.objects.create(judge=version.judge, name="anchors 1", frozen_at=timezone.now())
    remedies_snapshot = snapshots.of_trace(first)
    Anchor.objects.create(anchor_set=old, trace=first, snapshot=remedies_snapshot, verdict="pass")
    lead.client.post(address, {"trace": second.pk, "verdict": "fail"})
    newest = AnchorSet.objects.order_by("-pk").first()
    assert newest is not None and newest.frozen_at and newest.pk != old.pk
    assert dict(newest.anchors.values_list("trace", "verdict")) == {first.pk: "pass", second.pk: "fail"}
    assert old.anchors.count() == 1, "what was frozen stays as it was"
    second.refresh_from_db()
    assert second.held
    for fields in ({"trace": second.pk, "verdict": "x"}, {"trace": "9" * 18, "verdict": "fail"}, {}):
        assert lead.client.post(address, fields).status_code == 404


def test_another_reviewer_is_asked_in_another_round(
    lead: Person, queue: Queue, version: JudgeVersion
) -> None:
    (item,) = filled(queue, 1)
    Judgment.objects.create(
        version=version, trace=item.trace, origin="audit", progress="done", verdict="pass"
    )
    address = reverse("second_reviewer", args=["refunds", version.pk])
    told = lead.client.post(address, {"trace": item.trace_id}, follow=True).content.decode()
    assert "is already waiting for another reviewer" in told
    lease = leases.claim(queue, lead.user)
    assert lease is not None
    labels.submit(lease.item, Actor(lead.user), lease.token, FAIL)
    lead.client.post(address, {"trace": item.trace_id})
    assert ReviewItem.objects.get(round=2).trace_id == item.trace_id


@pytest.mark.parametrize("name", ["label_more", "add_anchor", "second_reviewer"])
def test_only_leads_of_the_project_have_these_doors(
    name: str, version: JudgeVersion, reviewer: Person, stranger: Person, lead: Person, other_project: Project
) -> None:
    address = reverse(name, args=["refunds", version.pk])
    assert reviewer.client.post(address).status_code == 403
    assert stranger.client.post(address).status_code == 404
    assert lead.client.get(address).status_code == 405
    theirs = versions.create(other_project, "theirs", Kind.RULES, parameters={"rules": []})
    assert lead.client.post(reverse(name, args=["refunds", theirs.pk])).status_code == 404


def test_long_parameters_are_folded(lead: Person, project: Project) -> None:
    rules = [{"contains": f"<b>phrase number {n}"} for n in range(200)]
    versions.create(project, "wordy", Kind.RULES, parameters={"rules": rules})
    told = lead.client.get("/projects/refunds/judges/wordy").content.decode()
    head = told[told.index("<dt>Parameters") : told.index("<dt>Criterion")]
    summary = head[head.index("<summary>") : head.index("</summary>")]
    assert len(summary) < 300 and "phrase number 199" in head and "<b>" not in head


def weekly(weeks: int) -> list[dict[str, object]]:
    now = timezone.now()
    lines = []
    for number, each in enumerate(table(weeks * 4, 0, 0, weeks * 4)):
        week = number % weeks
        each["timestamp"] = (now - timedelta(weeks=weeks - week)).isoformat()
        each["slice"] = {"model": "orion-2" if week > weeks // 2 else "orion-1", "route": "x"}
        each["labels"] = [{"annotator": name, "verdict": each["labels"][0]["verdict"]} for name in ("a", "b")]
        lines.append(each)
    return lines


def test_changes_and_the_ceiling_of_people_stand_in_the_chart(lead: Person, project: Project) -> None:
    load(project, weekly(6))
    told = lead.client.get("/projects/refunds/judges/helpful").content.decode()
    assert "model orion-2" in told and told.count('class="event"') >= 1
    assert 'class="ceiling"' in told and "people 1.00" in told
    found = versions.find(project, "helpful")
    assert found is not None
    scope = Scope(found.versions.get())
    context = contents.tell(scope, contents.Asked(), kept_figures.look(scope))
    (marker,) = context["markers"]
    assert marker.letter == "a" and 0 < marker.x < 100 and "orion-1" not in marker.words


def test_the_line_breaks_where_another_model_began_to_answer(lead: Person, project: Project) -> None:
    load(project, weekly(6))
    version = JudgeVersion.objects.get()

    def runs() -> list[int]:
        told = lead.client.get("/projects/refunds/judges/helpful?measure=agreement").content.decode()
        return [len(path.split()) for path in re.findall(r'class="line s1" points="([^"]+)"', told)]

    (whole,) = runs()
    for weeks, model in ((9, "orion-1"), (3, "orion-2")):
        at = timezone.now() - timedelta(weeks=weeks)
        AnsweredModel.objects.create(version=version, model=model, first_at=at)
    before, since = runs()
    assert before + since == whole and min(before, since) >= 2
