"""How numbers are written."""

from __future__ import annotations

import pytest

from reviewapp import figures


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.314, ".31"), (0, ".00"), (1, "1.00"), (-0.5, "\u2212.50"), (4.5, "4.5"), (87, "87")],
)
def test_coefficients_have_no_leading_zero(value, written):
    assert figures.coefficient(value) == written


@pytest.mark.parametrize(
    ("p", "written"),
    [(0.0004, "p < .001"), (0.0352, "p = .035"), (0.4501, "p = .450"), (1.0, "p = 1"), (None, "p = n/a")],
)
def test_p_values_have_three_decimals(p, written):
    assert figures.p_value(p) == written


@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [
        (0.25, "0.25 ms"),
        (4.2, "4.2 ms"),
        (770, "0.77 s"),
        (2410, "2.41 s"),
        (200_000, "3 min 20 s"),
        (9e6, "2 h 30 min"),
    ],
)
def test_latency_uses_the_unit_that_reads_best(milliseconds, written):
    assert figures.latency(milliseconds) == written


@pytest.mark.parametrize(
    ("dollars", "written"),
    [
        (0, "$0"),
        (0.0000041, "<$0.00001"),
        (0.000038, "$0.00004"),
        (0.00016, "$0.00016"),
        (0.42, "$0.42000"),
        (1234.5, "$1,234.50000"),
    ],
)
def test_all_money_has_the_same_decimals(dollars, written):
    assert figures.money(dollars) == written
