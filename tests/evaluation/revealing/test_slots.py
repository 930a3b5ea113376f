"""What the top floor adds to the review screens comes after one's own submit, and to nobody else."""

import json
import re

import pytest
from django.urls import reverse

from evaluation.golden.draft import candidates, cases
from evaluation.golden.models import Candidate, GoldenCase
from evaluation.golden.published import versions
from evaluation.judges.making import versions as judge_versions
from evaluation.judges.models import Judgment, Kind
from evaluation.runs.models import CaseResult, CiRun
from reviewapp.review import items, labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import Assignment, Label
from reviewapp.screen.sittings import SHOWN_DECISIONS
from tests.reviewapp.review.making import FAIL, PASS, filled, make_queue, make_reviewer, make_traces

pytestmark = pytest.mark.django_db
CANARY = "canary-91c2"


@pytest.fixture
def item(project):
    """Two peers found it failing and wrote a canary, and a judge did the same; a third label is wanting."""
    queue = make_queue(project, overlap=3)
    (item,) = filled(queue, 1)
    answer = Answer(verdict="fail", corrected_output=CANARY, note=CANARY)
    for name in ("rosa", "ron"):
        submit(queue, make_reviewer(project, name), answer)
    version = judge_versions.create(project, "helpful", Kind.RULES, parameters={"rules": []})
    Judgment.objects.create(
        version=version, trace=item.trace, origin="sample", progress="done", verdict="fail", score=0.91,
        confidence=0.8, rationale=CANARY,
    )  # fmt: skip
    return item


def submit(queue, user, answer=PASS):
    lease = leases.claim(queue, user)
    return labels.submit(lease.item, Actor(user), lease.token, answer)


def slots(item):
    return {
        name: reverse(name, args=["refunds", item.pk])
        for name in ("judge_reveal", "label_effects")
    }  # fmt: skip


def told(response):
    return response.content.decode() + json.dumps(dict(response.headers))


def test_before_the_own_submit_the_slots_tell_nothing(item, reviewer):
    for address in slots(item).values():
        response = reviewer.client.get(address)
        assert response.status_code == 200 and response.content == b"", address
        assert CANARY not in told(response)
    leases.claim(item.queue, reviewer.user)
    assert reviewer.client.get(slots(item)["judge_reveal"]).content == b""
    response = reviewer.client.post(
        reverse("propose_candidate", args=["refunds", item.pk]), HTTP_HX_REQUEST="true"
    )
    assert response.status_code == 404 and not Candidate.objects.exists()


def test_what_peers_confirmed_is_not_told_to_who_has_not_answered(item, reviewer, lead):
    submit(item.queue, make_reviewer(item.queue.project, "rob"), FAIL)
    effects = slots(item)["label_effects"]
    assert "Propose" in lead.client.get(effects).content.decode()
    assert reviewer.client.get(effects).content == b""
    assert reviewer.client.post(reverse("propose_candidate", args=["refunds", item.pk])).status_code == 404
    assert not Candidate.objects.exists()


def test_after_it_the_judge_stands_beside_the_people(item, reviewer):
    submit(item.queue, reviewer.user)
    told_by = reviewer.client.get(slots(item)["judge_reveal"]).content.decode()
    assert CANARY in told_by and "helpful" in told_by and "P(fail) .91" in told_by
    assert Assignment.objects.get(item=item, reviewer=reviewer.user).revealed_at
    page = reviewer.client.get(reverse("item", args=["refunds", item.pk])).content.decode()
    assert slots(item)["judge_reveal"] in page and slots(item)["label_effects"] in page
    item.refresh_from_db()
    assert item.resolution.confirmed
    assert "Propose as a golden case" in reviewer.client.get(slots(item)["label_effects"]).content.decode()


def test_what_waits_in_another_blind_queue_stays_hidden(project, item, reviewer, lead):
    submit(item.queue, reviewer.user)
    candidate = candidates.propose(project, item.pk, "rosa")
    Candidate.objects.filter(pk=candidate.pk).update(title=CANARY)
    listed = reverse("golden_candidates", args=["refunds"])
    # Submitted and not opened yet: that someone proposes it would tell what they said.
    assert CANARY not in told(reviewer.client.get(listed))
    labels.reveal(item, Actor(reviewer.user))
    assert CANARY in told(reviewer.client.get(listed))
    items.enqueue(make_queue(project, "other"), [item.trace.trace_id])
    for address in (*slots(item).values(), listed):
        assert CANARY not in told(reviewer.client.get(address)), address
    assert reviewer.client.get(slots(item)["label_effects"]).content == b""
    assert CANARY in told(lead.client.get(slots(item)["judge_reveal"]))
    assert CANARY in told(lead.client.get(listed))


def test_an_undone_label_closes_it_again(item, reviewer):
    submit(item.queue, reviewer.user)
    labels.undo(item, Actor(reviewer.user))
    assert reviewer.client.get(slots(item)["judge_reveal"]).content == b""


def test_of_several_versions_the_live_one_speaks(project, item, lead):
    old = judge_versions.find(project, "helpful").versions.get()
    old.stage = "retired"
    old.save()
    live = judge_versions.create(project, "helpful", Kind.RULES, parameters={"rules": [], "x": 1})
    live.stage = "live"
    live.save()
    Judgment.objects.create(version=live, trace=item.trace, origin="sample", progress="done", verdict="pass")
    page = lead.client.get(slots(item)["judge_reveal"]).content.decode()
    assert CANARY not in page and "Pass" in page


def test_beside_a_decision_that_was_opened_stands_what_the_judge_said(project, item, reviewer, stranger):
    address = reverse("judged_lately", args=["refunds", item.queue.slug])
    rail = reverse("review", args=["refunds", item.queue.slug])
    items.enqueue(item.queue, [trace.trace_id for trace in make_traces(project, 2, prefix="more")])
    lease = leases.reclaim(item, reviewer.user)
    labels.submit(item, Actor(reviewer.user), lease.token, FAIL)
    type(Judgment.objects.get().version).objects.update(stage="live")
    # Before it is opened, the label can still be taken back: neither page nor slot says a word.
    assert "judge:" not in reviewer.client.get(address).content.decode()
    assert address not in reviewer.client.get(rail).content.decode()
    labels.reveal(item, Actor(reviewer.user))
    slot = reviewer.client.get(address).content.decode()
    assert f'<span id="judged-{item.pk}" hx-swap-oob="true">judge: fail</span>' in slot
    assert address in reviewer.client.get(rail).content.decode()
    # It waits for the same person elsewhere.
    items.enqueue(make_queue(project, "elsewhere"), [item.trace.trace_id])
    assert "judge:" not in reviewer.client.get(address).content.decode()
    assert stranger.client.get(address).status_code == 404


def test_nothing_is_told_of_a_decision_that_the_rail_no_longer_shows(project, item, reviewer):
    """There is no place for it on the page."""
    address = reverse("judged_lately", args=["refunds", item.queue.slug])
    rail = reverse("review", args=["refunds", item.queue.slug])
    items.enqueue(item.queue, [trace.trace_id for trace in make_traces(project, 12, prefix="more")])
    told = Judgment.objects.get()
    type(told.version).objects.update(stage="live")
    first, second = (submit(item.queue, reviewer.user).label.assignment.item for _ in range(2))
    for opened in (first, second):
        labels.reveal(opened, Actor(reviewer.user))
        Judgment.objects.get_or_create(
            version=told.version, trace=opened.trace, origin="sample", progress="done", verdict="fail"
        )
    assert ids(reviewer, address) == ids(reviewer, rail) == {first.pk, second.pk}
    for _ in range(SHOWN_DECISIONS - 1):
        submit(item.queue, reviewer.user)
    assert ids(reviewer, address) == ids(reviewer, rail) == {second.pk}


def ids(reviewer, address):
    """The items of which the judge's word has a place there, or is told."""
    return set(map(int, re.findall(r'id="judged-(\d+)"', reviewer.client.get(address).content.decode())))


def test_hostile_rationales_stay_text(item, lead):
    Judgment.objects.update(rationale="<img src=x onerror=alert(1)>")
    assert "<img" not in lead.client.get(slots(item)["judge_reveal"]).content.decode()


@pytest.mark.parametrize("name", ["judge_reveal", "label_effects"])
def test_strangers_and_other_projects_find_no_slot(item, name, stranger, reviewer):
    assert stranger.client.get(slots(item)[name]).status_code == 404
    assert reviewer.client.get(reverse(name, args=["refunds", item.pk + 999])).status_code == 404


def test_what_labels_caused_is_told_to_whose_they_are(project, item, reviewer, stranger):
    address = reverse("labels_caused", args=["refunds", item.queue.slug])
    submit(item.queue, reviewer.user, FAIL)
    candidate = candidates.propose(project, item.pk, "rosa")
    # It would tell what the other one said, while the label could still be taken back.
    assert "proposed" not in reviewer.client.get(address).content.decode()
    labels.reveal(item, Actor(reviewer.user))
    assert "<b>1 proposed</b>" in reviewer.client.get(address).content.decode()
    dataset = cases.open_dataset(project, "support", "leo")
    candidates.accept(candidate, dataset, {"id": "LF-1", "input": "q"}, "leo")
    version = versions.publish(dataset, "leo", "first")
    run = CiRun.objects.create(version=version, run_key="x", decision="fail", complete=True)
    case = GoldenCase.objects.get(case_id="LF-1")
    CaseResult.objects.create(run=run, case=case, revision=1, trial=1, status="fail", scored_by="client")
    rows = reviewer.client.get(address).content.decode()
    assert "<b>1 promoted</b> to the golden dataset support, now v1" in rows
    assert "<b>Blocked a deploy</b>" in rows
    assert f'href="{reverse("golden_dataset", args=["refunds", "support"])}"' in rows
    assert f'href="{reverse("run", args=["refunds", run.public_id])}"' in rows
    assert stranger.client.get(address).status_code == 404
    assert reviewer.client.get(reverse("labels_caused", args=["refunds", "none"])).status_code == 404
    of_all = reverse("all_labels_caused", args=["refunds"])
    assert "<b>1 promoted</b>" in reviewer.client.get(of_all).content.decode()
    assert stranger.client.get(of_all).status_code == 404
    assert of_all in reviewer.client.get(reverse("reviewers", args=["refunds"])).content.decode()


def test_without_a_label_of_ones_own_nothing_was_caused(project, item, lead, reviewer):
    submit(item.queue, reviewer.user, FAIL)
    candidates.propose(project, item.pk, "rosa")
    address = reverse("labels_caused", args=["refunds", item.queue.slug])
    assert lead.client.get(address).content.decode().strip() == ""
    of_all = lead.client.get(reverse("all_labels_caused", args=["refunds"])).content.decode()
    assert "Nothing yet" in of_all and "proposed" not in of_all


def test_a_route_longer_than_a_tag_is_cut_and_what_makes_no_case_is_refused_in_words(item, reviewer, lead):
    submit(item.queue, make_reviewer(item.queue.project, "rob"), FAIL)
    address = reverse("propose_candidate", args=["refunds", item.pk])
    type(item.trace).objects.filter(pk=item.trace_id).update(route="r" * 300)
    labels_of_it = Label.objects.filter(assignment__item=item)
    labels_of_it.update(note="long " * 300_000)
    refused = lead.client.post(address, HTTP_HX_REQUEST="true")
    assert "No golden case can be made of this trace" in refused.content.decode()
    labels_of_it.update(note="short")
    assert "Open" in lead.client.post(address, HTTP_HX_REQUEST="true").content.decode()
    assert Candidate.objects.get().content["tags"] == ["r" * 100]
