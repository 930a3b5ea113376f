"""Candidates: proposed from what people confirmed, previewed, accepted, merged or rejected."""

import json

import pytest
from django.urls import reverse

from evaluation.golden.content import lines
from evaluation.golden.draft import candidates, cases
from evaluation.golden.models import Candidate, GoldenCase
from evaluation.golden.published import versions
from reviewapp.models import User
from reviewapp.review import items, labels
from reviewapp.review.actors import Actor
from tests.evaluation.golden.entering import BASE, FORM, native_line, put_values
from tests.reviewapp.review import making as review


def test_a_candidate_is_previewed_as_it_would_be_promoted(project, other_project, failure, lead, dataset):
    candidate = candidates.propose(project, failure.pk, "rosa")
    page = lead.client.get(f"{BASE}/golden-candidates/{candidate.pk}").content.decode()
    assert f'name="candidate" value="{candidate.pk}"' in page and "Try an output" in page
    address = f"{BASE}/golden/support/cases/preview"
    form = {**FORM, "candidate": candidate.pk, "case_id": "LF-1", "note": "typed"}
    shown = native_line(lead.client.post(address, form).content.decode())
    assert shown["metadata"]["trace_id"] == failure.trace.trace_id
    lead.client.post(
        f"{BASE}/golden-candidates/{candidate.pk}", {**form, "action": "accept", "dataset": "support"}
    )
    assert json.loads(GoldenCase.objects.get(case_id="LF-1").revisions.get().line) == shown
    # A candidate of another project says nothing here.
    Candidate.objects.update(project=other_project)
    assert not native_line(lead.client.post(address, form).content.decode())["metadata"].get("trace_id")


def test_only_a_confirmed_failure_becomes_a_candidate(project, failure, lead, dataset):
    assert candidates.confirmed(project, failure.pk)
    slot = lead.client.get(reverse("label_effects", args=["refunds", failure.pk])).content.decode()
    assert "Propose as a golden case" in slot
    lead.client.post(reverse("propose_candidate", args=["refunds", failure.pk]))
    candidate = Candidate.objects.get()
    assert candidates.propose(project, failure.pk, "x") == candidate
    assert candidate.content["expected"] == {"text": "We cannot refund this."}
    assert candidate.content["metadata"]["source"] == "production_failure"
    assert candidate.provenance["reviewers"] == ["ron", "rosa"]
    page = lead.client.get(f"{BASE}/golden-candidates/{candidate.pk}")
    assert page.status_code == 200 and "We cannot refund this." in page.content.decode()
    form = {
        **FORM,
        "expected": "We cannot refund this.",
        "action": "accept",
        "dataset": "support",
        "case_id": "LF-1",
        "note": "",
    }
    Candidate.objects.update(
        content=candidate.content | {"metadata": {**candidate.content["metadata"], "note": "x"}}
    )
    assert lead.client.post(f"{BASE}/golden-candidates/{candidate.pk}", form).status_code == 302
    case = GoldenCase.objects.get(case_id="LF-1")
    assert "note" not in json.loads(case.revisions.get().line)["metadata"], "the lead took it out"
    assert case.trace == failure.trace and case.revisions.get().provenance["reviewers"] == ["ron", "rosa"]
    versions.publish(dataset, "leo", "with it")
    failure.refresh_from_db()
    assert failure.resolution.published_at is not None
    failure.trace.refresh_from_db()
    assert failure.trace.held
    again = lead.client.post(
        f"{BASE}/golden-candidates/{candidate.pk}", {"action": "reject", "reason": "late"}, follow=True
    )
    assert "decided about it before" in again.content.decode()


def test_beside_the_next_item_it_says_of_which_it_speaks(failure, lead, dataset):
    """After a decision the lead sees the next item, which the key does not mean."""
    address = reverse("label_effects", args=["refunds", failure.pk])

    def seen_from(path):
        headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{BASE}{path}"}
        return lead.client.get(address, headers=headers).content.decode()

    assert "Decided just now: “Call me on" in seen_from(f"/adjudication/{failure.pk + 1}?a=b")
    assert "Decided just now: “Call me on" in seen_from("/adjudication")
    assert "just now" not in seen_from(f"/items/{failure.pk}")


def test_a_label_that_is_taken_back_keeps_its_case_out(project, failure, lead, dataset):
    candidate = candidates.propose(project, failure.pk, "rosa")
    candidates.accept(candidate, dataset, {"id": "LF-1", "input": "q"}, "leo")
    labels.undo(failure, Actor(User.objects.get(username="rosa")))
    with pytest.raises(versions.Unfounded, match="LF-1"):
        versions.publish(dataset, "leo", "x")
    cases.set_state(dataset, ["LF-1"], "retired", "no failure")
    assert versions.publish(dataset, "leo", "x").number == 2


def test_a_candidate_is_merged_or_rejected_with_a_reason(project, failure, lead, dataset):
    candidate = candidates.propose(project, failure.pk, "rita")
    address = f"{BASE}/golden-candidates/{candidate.pk}"
    assert lead.client.post(address, {"action": "reject", "reason": " "}).status_code == 422
    refused = lead.client.post(address, {"action": "merge", "into": "nothing"})
    assert refused.status_code == 422 and 'value="nothing"' in refused.content.decode()
    assert lead.client.post(address, {"action": "merge", "into": "c07"}).status_code == 302
    candidate.refresh_from_db()
    assert candidate.state == "merged" and candidate.case.case_id == "c07"
    versions.publish(dataset, "leo", "with it")
    failure.refresh_from_db()
    assert failure.resolution.published_at is not None


def test_a_candidate_is_merged_into_the_case_that_was_meant(project, failure, lead, dataset):
    """Two datasets may hold cases of one id."""
    other = cases.open_dataset(project, "other", "leo")
    put_values(other, [{"id": "c07", "input": "other"}], "leo")
    candidate = candidates.propose(project, failure.pk, "rita")
    address = f"{BASE}/golden-candidates/{candidate.pk}"
    page = lead.client.get(address).content.decode()
    assert page.count("csrfmiddlewaretoken") >= 3
    for field in ('name="into" form="merge"', 'name="reason" form="reject"', 'name="of" form="merge"'):
        assert field in page, field
    merge = {"action": "merge", "into": "c07"}
    refused = lead.client.post(address, merge)
    assert refused.status_code == 422 and "name the dataset" in refused.content.decode()
    assert "We cannot refund this." in refused.content.decode()
    assert lead.client.post(address, {"reason": "no action"}).status_code == 422
    cases.set_state(other, ["c07"], "retired", "old")
    retired = lead.client.post(address, {**merge, "of": "other"})
    assert "is retired" in retired.content.decode()
    lead.client.post(address, {**merge, "of": "support"})
    candidate.refresh_from_db()
    assert candidate.case.dataset == dataset
    assert GoldenCase.objects.get(dataset=other).state == "retired"


def test_cases_of_one_id_in_two_datasets_do_not_hide_each_other(project, failure, lead, dataset):
    """The near duplicate is found in the one, by the other's side, and the link goes to the right one."""
    first = candidates.propose(project, failure.pk, "rosa")
    asked = lines.input_text(first.content["input"])
    first.delete()
    for name, text in (("aside", "Something else"), ("meant", asked), ("third", "Nothing alike")):
        put_values(cases.open_dataset(project, name, "leo"), [{"id": "twin", "input": text}], "leo")
    form = {**FORM, "message-0-content": asked, "near": "1", "case_id": "twin", "revision": "1"}
    page = lead.client.post(f"{BASE}/golden/third/cases/preview", form).content.decode()
    assert "like meant/twin" in page and "asks the same question" in page
    itself = lead.client.post(f"{BASE}/golden/meant/cases/preview", form).content.decode()
    assert "asks the same question" not in itself
    candidate = candidates.propose(project, failure.pk, "rosa")
    assert candidate.provenance["nearest"] == {"dataset": "meant", "case_id": "twin", "similarity": 1}
    page = lead.client.get(f"{BASE}/golden-candidates/{candidate.pk}").content.decode()
    assert f"{BASE}/golden/meant/case/twin" in page and "<option selected>meant</option>" in page


def test_what_is_not_confirmed_is_not_proposed(project, lead, dataset):
    queue = review.make_queue(project, "q2")
    items.enqueue(queue, [review.make_traces(project, 1, "z")[0].trace_id])
    item = queue.items.get()
    with pytest.raises(candidates.NotConfirmed):
        candidates.propose(project, item.pk, "x")
    lead.client.post(reverse("propose_candidate", args=["refunds", item.pk]))
    assert Candidate.objects.count() == 0
    assert (
        "Propose" not in lead.client.get(reverse("label_effects", args=["refunds", item.pk])).content.decode()
    )


def saved_before_the_lock(monkeypatch, dataset, case_id):
    """Somebody holds the dataset's row first, and saves this case."""
    lock, saved = cases.lock, []

    def waited(of):
        if not saved:
            saved.append(True)
            put_values(dataset, [{"id": case_id, "input": "7", "expected": "saved meanwhile"}], "lena")
        return lock(of)

    monkeypatch.setattr(cases, "lock", waited)


def test_a_merge_keeps_what_was_saved_while_it_waited(project, failure, dataset, monkeypatch):
    candidate = candidates.propose(project, failure.pk, "rosa")
    metadata = {**candidate.content["metadata"], "failure_modes": ["m"]}
    Candidate.objects.update(content=candidate.content | {"metadata": metadata})
    into = GoldenCase.objects.get(case_id="c07")
    saved_before_the_lock(monkeypatch, dataset, "c07")
    candidates.merge(candidate, into, "leo")
    case = GoldenCase.objects.get(case_id="c07")
    line = json.loads(case.revisions.get(number=case.revision).line)
    assert line["expected"] == {"text": "saved meanwhile"} and line["metadata"]["failure_modes"] == ["m"]


def test_a_promotion_replaces_no_case_that_came_while_it_waited(project, failure, dataset, monkeypatch):
    candidate = candidates.propose(project, failure.pk, "rosa")
    saved_before_the_lock(monkeypatch, dataset, "LF-1")
    with pytest.raises(candidates.Refused, match="LF-1 already"):
        candidates.accept(candidate, dataset, {"id": "LF-1", "input": "q"}, "leo")
