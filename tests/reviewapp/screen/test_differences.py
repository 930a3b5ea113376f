"""Words added and taken away."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewapp.review import snapshots
from reviewapp.screen import differences
from reviewapp.screen.differences import LEAST_ALIKE, alike, compare
from tests.reviewapp.review.making import filled


def test_words_are_told_apart():
    assert compare("a 60-day window", "a 30-day window") == [
        ("same", "a "),
        ("removed", "60"),
        ("added", "30"),
        ("same", "-day window"),
    ]
    assert compare("same", "same") == []
    assert compare("", "new") == [("added", "new")]


@given(st.text(max_size=60), st.text(max_size=60))
def test_both_texts_can_be_put_together_again(before, after):
    pieces = compare(before, after) or [("same", before)]
    assert "".join(text for kind, text in pieces if kind != "added") == before
    assert "".join(text for kind, text in pieces if kind != "removed") == after


def test_long_texts_are_compared_in_time():
    before = "\n".join(f"line {number} of many words here" for number in range(3000))
    began = time.process_time()
    pieces = compare(before, before.replace("line 77 ", "line 78 "))
    assert time.process_time() - began < 20
    assert [kind for kind, _ in pieces].count("removed") == 1


QUESTION = "Your code was reset. The new one is in the mail, so please have a look at it."
REFUSAL = "I cannot see your card, but a colleague will call you about it before the evening."


@pytest.mark.parametrize(
    ("before", "after", "is_readable"),
    [
        (QUESTION, REFUSAL, False),
        (QUESTION, "Nein.", False),
        (QUESTION, QUESTION.replace("mail", "parcel"), True),
        (QUESTION, f"{REFUSAL} {QUESTION} {REFUSAL}", True),
        (QUESTION, QUESTION[:30], True),
        (QUESTION, QUESTION + "!", True),
    ],
)
def test_two_texts_with_few_words_in_common_are_no_patchwork(before, after, is_readable):
    assert (alike(compare(before, after)) >= LEAST_ALIKE) is is_readable


@pytest.mark.django_db
def test_each_of_two_unlike_texts_is_shown_whole(queue):
    (item,) = filled(queue, 1)
    snapshots.of_item(item)
    told = differences.tell(item, "<b>Nothing</b> of the kind.", "", is_open=False)
    assert told.pieces == []
    assert told.whole == [
        ("The answer", "answer review-00000"),
        ("The corrected answer", "<b>Nothing</b> of the kind."),
    ]
    assert differences.tell(item, "answer review-00000 indeed", "", is_open=False).whole == []
