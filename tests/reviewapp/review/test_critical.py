"""Critical criteria rule out the verdict pass; weights make the share of the criteria that are met."""

from __future__ import annotations

import json

import pytest

from ingest.models import Scope
from reviewapp.review import (
    answers,
    criteria_met,
    editor,
    items,
    labels,
    leases,
    presets,
    queues,
    rubrics,
    telling,
)
from reviewapp.review.actors import Actor
from reviewapp.review.answers import Answer
from reviewapp.review.models import CriterionRevision, CriterionType, Label
from reviewapp.review.refusals import Invalid
from tests.reviewapp.review.making import SAFETY, make_traces
from tests.reviewapp.review.test_lead_pages import draft_fields
from tests.reviewapp.review.test_review_api import lines

pytestmark = pytest.mark.django_db
ASKED = [
    {"key": "honest", "title": "Says what it did", "type": "pass_fail", "critical": True, "weight": 3},
    {"key": "steps", "title": "Sensible steps", "type": "pass_fail"},
    {"key": "later", "title": "Asked later", "type": "pass_fail", "shown": "after_fail"},
    {"key": "tone", "title": "Tone", "type": "scale", "options": [1, 2, 3]},
]


@pytest.fixture
def rubric(project):
    return rubrics.create_empty(project, "agent", "Agent")


@pytest.fixture
def queue(project, rubric):
    version = rubrics.publish(rubric, rubrics.Content("", ["other"], ASKED))
    return queues.create(project, "agent", rubric_version=version)


@pytest.fixture
def submit(queue, rita):
    """Label the next item, or change one's mind on the last."""

    def label(verdict, again=None, **given):
        answer = Answer(verdict=verdict, answers=given)
        if again is not None:
            return labels.change_mind(again, Actor(rita), answer)
        items.enqueue(queue, [make_traces(queue.project, 1, prefix=f"a{Label.objects.count()}")[0].trace_id])
        lease = leases.claim(queue, rita)
        assert lease is not None
        return labels.submit(lease.item, Actor(rita), lease.token, answer).label

    return label


def test_a_failed_critical_criterion_rules_out_the_verdict_pass(submit):
    with pytest.raises(Invalid) as refused:
        submit("pass", honest="fail", steps="pass")
    (error,) = refused.value.errors
    assert error["field"] == "verdict"
    assert "“Says what it did” is answered fail" in error["error"] and "can’t tell" in error["error"]
    assert not Label.objects.exists()


@pytest.mark.parametrize(
    ("verdict", "given"),
    [
        ("fail", {"honest": "fail"}),
        ("cannot_tell", {"honest": "fail"}),
        ("pass", {"honest": "pass", "steps": "fail", "tone": 1}),
        ("pass", {"steps": "fail"}),
        ("fail", {"honest": "pass", "later": "fail"}),
    ],
)
def test_any_other_answer_is_taken(submit, verdict, given):
    assert submit(verdict, **given).verdict == verdict


def test_a_change_of_mind_is_held_to_it_too(submit):
    label = submit("fail", honest="fail")
    with pytest.raises(Invalid):
        submit("pass", again=label.assignment.item, honest="fail")


def test_the_api_says_so_at_the_verdict_and_keeps_the_lease(queue, api, rita):
    items.enqueue(queue, [make_traces(queue.project, 1)[0].trace_id])
    client = api(Scope.ADMIN)
    got = client.post("/api/v1/queues/agent/claim", content_type="application/json").json()
    said = {"lease_token": got["lease"]["token"], "verdict": "pass", "answers": {"honest": "fail"}}
    address = f"/api/v1/items/{got['item']['id']}/label"
    refused = client.post(address, json.dumps(said), content_type="application/json")
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["verdict"]
    again = client.post(address, json.dumps(said | {"verdict": "fail"}), content_type="application/json")
    assert again.status_code == 201 and again.json()["label"]["criteria_met"] == 0


def weighing(kind=CriterionType.PASS_FAIL, weight=1.0, key="a"):
    return CriterionRevision(key=key, type=kind, weight=weight)


@pytest.mark.parametrize(
    ("answered", "share"),
    [
        ([], None),
        ([(weighing(), "pass")], 1),
        ([(weighing(), "fail")], 0),
        # (2 + 1) / (2 + 1 + 1.5)
        ([(weighing(weight=2), "pass"), (weighing(), "pass"), (weighing(weight=1.5), "fail")], 2 / 3),
        ([(weighing(weight=0), "pass")], None),
        ([(weighing(weight=0), "fail"), (weighing(), "pass")], 1),
        # The verdict is the whole itself; other answers are neither met nor not.
        ([(weighing(key="verdict"), "pass"), (weighing(CriterionType.CHOICE), "pass")], None),
    ],
)
def test_the_share_of_the_criteria_met_goes_by_weight(answered, share):
    assert criteria_met.share(answered) == (share if share is None else pytest.approx(share))


def test_each_line_of_the_labels_tells_the_share(submit, api):
    submit("fail", honest="pass", steps="fail")
    submit("fail", tone=1)
    told = lines(api(Scope.LABELS_READ).get("/api/v1/labels"))
    assert [line["criteria_met"] for line in told] == [0.75, None]


@pytest.mark.parametrize("field", [{"critical": True}, {"weight": 2}])
@pytest.mark.parametrize(
    "criterion",
    [
        {"key": "tone", "type": "scale", "options": [1, 2]},
        {"key": "kinds", "type": "multiple_choice", "options": ["a", "b"]},
        {"key": "kind", "type": "choice", "options": ["a", "b"]},
        {"key": "many", "type": "number"},
        {"key": "why", "type": "text"},
        {"key": "verdict", "type": "pass_fail"},
    ],
)
def test_only_pass_fail_criteria_beside_the_verdict_take_them(project, api, criterion, field):
    client, address = api(Scope.ADMIN), "/api/v1/rubrics/new/versions"

    def post(sent):
        return client.post(address, json.dumps({"criteria": [sent]}), content_type="application/json")

    refused = post(criterion | field)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["field"] == f"criteria[0].{next(iter(field))}"
    assert "is for pass / fail criteria beside the verdict" in error["error"]
    assert post(criterion | {"critical": False, "weight": 1}).status_code == 201


def test_what_is_asked_only_after_fail_cannot_be_critical(project, api):
    client, address = api(Scope.ADMIN), "/api/v1/rubrics/new/versions"
    later = {"key": "later", "type": "pass_fail", "critical": True, "shown": "after_fail", "weight": 2}

    def post(sent):
        return client.post(address, json.dumps({"criteria": [sent]}), content_type="application/json")

    refused = post(later)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["field"] == "criteria[0].critical"
    assert error["error"].startswith("has no effect on what is asked only after fail")
    assert post(later | {"critical": False}).status_code == 201
    assert post(later | {"shown": "always"}).status_code == 201


@pytest.mark.parametrize("button", ["save", "freeze"])
def test_the_editor_says_so_at_the_criterion(project, lead, button):
    rubric = rubrics.create(project, SAFETY)
    sent = draft_fields(rubric) | {"c1-critical": "on", "c1-weight": "2"}
    page = lead.client.post("/projects/refunds/rubrics/safety/edit", sent | {button: "1"})
    assert page.status_code == 422
    shown = page.content.decode()
    for name in ("critical", "weight"):
        assert f"{name.capitalize()} is for pass / fail criteria beside the verdict" in shown
    assert 'name="c1-critical"' in shown and 'name="c0-critical"' not in shown


def test_what_ships_is_not_inert():
    for template in presets.TEMPLATES:
        for values in template.criteria:
            assert not values.get("critical") or values["type"] == CriterionType.PASS_FAIL


def test_a_leak_fails_an_answer_under_the_safety_template_whatever_else_is_said(project, lead):
    version = rubrics.freeze(rubrics.draft_of(rubrics.create(project, presets.BY_SLUG["safety"])))
    (critical,) = answers.form_of(version).critical
    assert critical.key == "private" and critical.required
    leaks = Answer(verdict="pass", answers={"private": "fail"})
    with pytest.raises(Invalid) as refused:
        answers.check(leaks, "trace", version)
    assert [error["field"] for error in refused.value.errors] == ["verdict"]
    page = lead.client.get("/projects/refunds/rubrics/safety/edit").content.decode()
    assert "For pass / fail criteria that are always asked: a failure here fails the whole" in page


@pytest.fixture
def older(project):
    """A version of the time when every criterion took both marks."""
    rubric = rubrics.create(project, SAFETY)
    draft = rubrics.draft_of(rubric)
    CriterionRevision.objects.filter(version=draft).update(critical=True, weight=5)
    return rubrics.freeze(draft)


def test_on_a_version_from_before_the_marks_have_no_effect(older, project, lead):
    assert not answers.form_of(older).critical
    answer = Answer(verdict="pass")
    assert answers.check(answer, "trace", older)[0] == answer
    page = lead.client.get("/projects/refunds/rubrics/safety").content.decode()
    assert "weight 5" not in page and ">critical<" not in page


def test_a_version_from_before_is_edited_and_goes_on_without_another_meaning(older, lead, api):
    sent = draft_fields(older.rubric) | {"save": "1"}
    assert lead.client.post("/projects/refunds/rubrics/safety/edit", sent).status_code == 302
    draft = rubrics.open_draft(older.rubric)
    assert draft is not None
    assert {each.meaning for each in draft.criteria.all()} == {1}
    assert {(each.critical, each.weight) for each in draft.criteria.all()} == {(False, 1)}
    rubrics.discard(draft)
    sent = json.dumps({"guidelines": "Read on."})
    address = "/api/v1/rubrics/safety/versions"
    made = api(Scope.ADMIN).post(address, sent, content_type="application/json")
    assert made.status_code == 201
    assert {each["meaning"] for each in made.json()["criteria"]} == {1}


def test_what_was_marked_before_and_is_asked_only_after_fail_rules_out_nothing(rubric, api):
    rubrics.publish(rubric, rubrics.Content("", ["other"], ASKED))
    draft = rubrics.draft_of(rubric)
    CriterionRevision.objects.filter(version=draft, key="later").update(critical=True)
    version = rubrics.freeze(draft)
    assert [each.key for each in answers.form_of(version).critical] == ["honest"]
    assert not {each.key: each.critical for each in telling.rubric_told(version).criteria}["later"]
    sent = json.dumps({"guidelines": "Read on."})
    made = api(Scope.ADMIN).post("/api/v1/rubrics/agent/versions", sent, content_type="application/json")
    assert made.status_code == 201
    assert {each["meaning"] for each in made.json()["criteria"]} == {1}


def test_the_marks_without_effect_are_not_told_either(older):
    assert {(each.critical, each.weight) for each in telling.rubric_told(older).criteria} == {(False, 1)}


def test_that_a_failure_now_fails_the_whole_is_another_question(rubric, queue):
    asked = [values | {"critical": values["key"] == "steps"} for values in ASKED]
    version = rubrics.publish(rubric, rubrics.Content("", ["other"], asked))
    meanings = dict(version.criteria.values_list("key", "meaning"))
    assert meanings["steps"] == meanings["honest"] == 2 and meanings["tone"] == 1
    assert editor.of_version(version).entries[2].flags["critical"]
