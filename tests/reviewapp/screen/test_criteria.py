"""What the right pane asks: numbers name their bounds, and what need not be answered says so."""

import pytest
from django.template.loader import render_to_string

from reviewapp.screen.criteria import Part


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((None, None), "a number"),
        ((0, 10), "a number from 0 to 10"),
        ((0.5, None), "a number, 0.5 or more"),
        ((None, -3.25), "a number up to -3.25"),
    ],
)
def test_a_number_says_what_is_taken(bounds, words):
    low, high = bounds
    part = Part(name="answer.score", title="Score", form="number", minimum=low, maximum=high)
    assert f'placeholder="{words}"' in render_to_string("review/_criterion.html", {"part": part})


@pytest.mark.parametrize("after_fail", [True, False])
@pytest.mark.parametrize(("required", "word"), [(True, "required"), (False, "optional")])
def test_each_criterion_says_whether_it_must_be_answered(after_fail, required, word):
    part = Part("answer.why", "Why", "text", required=required, after_fail=after_fail)
    assert f'<span class="end">{word}</span>' in render_to_string("review/_criterion.html", {"part": part})
