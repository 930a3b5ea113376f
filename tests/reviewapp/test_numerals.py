"""Whole numbers from forms and addresses: digits of ours, as many as fit, or none."""

import pytest

from reviewapp import numerals


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("", None), ("-1", None), ("1.0", None), (" 1", None), ("²", None), ("٣", None),
     ("123456789", 123456789), ("1234567890", None)],
)  # fmt: skip
def test_only_plain_digits_are_a_number(text, number):
    assert numerals.whole(text) == number
