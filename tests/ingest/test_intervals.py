"""Rates of failure with their intervals."""

import pytest

from ingest.intervals import wilson


@pytest.mark.parametrize("n", [1, 2, 7, 15, 31, 100, 12345])
def test_an_interval_ends_exactly_where_nothing_or_everything_failed(n):
    assert wilson(0, n)[0] == 0.0 < wilson(0, n)[1] < 1
    assert wilson(1, n)[1] == 1.0 > wilson(1, n)[0] > 0


def test_wilsons_interval_as_published():
    low, high = wilson(7 / 22, 22)
    assert (round(low, 3), round(high, 3)) == (0.164, 0.527)
