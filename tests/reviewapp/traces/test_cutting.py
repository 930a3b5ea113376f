"""Which questions are shown cut, on which screens, and what their button says."""

from __future__ import annotations

import pytest

from reviewapp.traces.cutting import Cut, cut

# 95 and 48 characters stand in a line of a wide screen and of a phone; 12 and 9 lines are shown whole.
WORDS = "word " * 19  # 95 characters: one line, or two


@pytest.mark.parametrize(
    "text",
    ["", "Where is my parcel?", "x" * 48 * 9, "\n\n".join(["short"] * 9), WORDS * 4],
    ids=["empty", "a sentence", "nine lines of a phone", "gaps are no lines", "four lines"],
)
def test_a_short_question_is_shown_whole(text):
    assert cut(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (WORDS * 5, Cut("95 words", is_wide=False)),  # 475 characters: 10 lines of a phone, 5 of a screen
        ("\n".join(["one"] * 12), Cut("12 words", is_wide=False)),
        ("\n".join(["one"] * 13), Cut("13 words", is_wide=True)),
        ("word " * 40_000, Cut("40,000 words", is_wide=True)),
    ],
    ids=["long on a phone", "twelve lines", "thirteen lines", "a book"],
)
def test_a_long_question_is_cut_where_it_is_long(text, told):
    assert cut(text) == told


def test_what_is_written_without_spaces_is_counted_in_characters():
    assert cut("退款" * 1_000) == Cut("2,000 characters", is_wide=True)


def test_json_is_measured_as_it_is_laid_out():
    assert cut('{"a": 1, "b": 2, "c": 3}') is None
    rows = ", ".join(f'{{"sku": {number}}}' for number in range(8))
    assert len(rows) < 48 * 9
    assert cut(f'{{"rows": [{rows}]}}') == Cut("17 words", is_wide=True)
