"""Words added and taken away."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from reviewapp.screen.differences import compare


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
