"""Two tabs with two texts: what the dialog says is what the screen says."""

from __future__ import annotations

import pytest

from reviewapp.review import items as stand
from reviewapp.review import queues, rubrics
from reviewapp.review.models import Assignment
from reviewapp.screen import conflicts
from tests.reviewapp.review.making import filled, make_queue, make_traces
from tests.reviewapp.screen.conftest import Reviewing

pytestmark = pytest.mark.django_db


def said(reviewing, item, here, there):
    """(title, here, there) of each difference."""
    return [
        (part.label, part.here, part.there)
        for part in conflicts.parts(item, reviewing.person.user, here, there)
    ]


@pytest.fixture
def paired(project, reviewer):
    queue = make_queue(project, "pairs", kind="pair")
    left, right = make_traces(project, 2, prefix="pair")
    stand.enqueue_pairs(queue, [(left.trace_id, right.trace_id)])
    return Reviewing(reviewer, queue)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_an_answer_of_a_pair_has_the_letter_under_which_it_stands(paired, order):
    item, hidden = paired.hold()
    Assignment.objects.update(display_order=order)
    page = paired.open()
    letters = {option.label: option.value for option in page.context["screen"].parts[0].options}
    assert letters["A"] == order[0]
    assert paired.post("save_draft", item, **hidden, preference=letters["A"]).status_code == 200
    shown = paired.post("save_draft", item, **hidden, preference=letters["B"])
    assert shown.status_code == 409
    (part,) = shown.context["parts"]
    assert (part.label, part.here, part.there) == ("Which answer is better?", "B", "A")


GRADED = rubrics.Content("", [], [
    {"key": "tone", "title": "How kind?", "type": "scale", "options": [
        {"value": 1, "label": "Cold"}, {"value": 2, "label": "Fair"}, {"value": 3, "label": "Warm"}]},
    {"key": "kinds", "title": "Which kinds?", "type": "multiple_choice",
     "options": [{"value": "a", "label": "First"}, {"value": "b", "label": "Second"}]},
    {"key": "cost", "title": "Cost", "type": "number"},
    {"key": "sound", "title": "Sound", "type": "pass_fail"},
])  # fmt: skip


def test_no_winner_has_the_words_of_its_buttons(paired):
    item, _ = paired.hold()
    told = said(paired, item, {"preference": "tie"}, {"preference": "both_bad"})
    assert told == [("Which answer is better?", "Tie", "Both bad")]


def test_what_is_chosen_has_the_words_of_the_form_and_not_its_keys(rita, items, project):
    rubric = rita.queue.rubric_version
    modes = [*rubric.failure_modes[:2]]
    item, _ = rita.hold()
    here = {"verdict": "fail", "failure_modes": [mode["key"] for mode in modes], "confidence": "sure"}
    there = {"verdict": "cannot_tell", "confidence": "unsure", "note": "what?", "corrected_output": "So."}
    assert said(rita, item, here, there) == [
        ("Verdict", "Fail", "Can’t tell"),
        ("What went wrong", ", ".join(mode["label"] for mode in modes), ""),
        ("Confidence", "Sure", "Unsure"),
        ("Note", "", "what?"),
        ("Corrected answer", "", "So."),
    ]


def test_an_option_has_its_label_and_a_number_stands_as_it_is(project, reviewer):
    queue = make_queue(project, "graded")
    version = rubrics.publish(queue.rubric_version.rubric, GRADED)
    queues.move(queue, version, open_items=False)
    queue.refresh_from_db()
    filled(queue, 1)
    reviewing = Reviewing(reviewer, queue)
    item, _ = reviewing.hold()
    here = {"verdict": "pass", "answers": {"tone": 2, "kinds": ["b", "a"], "cost": 2}}
    there = {"verdict": "pass", "answers": {"tone": 3, "kinds": ["b"], "sound": "fail"}}
    assert said(reviewing, item, here, there) == [
        ("How kind?", "Fair", "Warm"),
        ("Which kinds?", "First, Second", "Second"),
        ("Cost", "2", ""),
        ("Sound", "", "Fail"),
    ]


def test_what_is_no_longer_asked_is_no_difference_to_choose_by(rita, items):
    item, _ = rita.hold()
    here, there = {"answers": {"gone": 1}}, {"answers": {"gone": 2}, "confidence": "sure"}
    assert said(rita, item, here, there) == []
