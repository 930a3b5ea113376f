"""Agreement of several people: published examples, independent implementations, degenerate tables."""

from __future__ import annotations

from collections import Counter

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import fleiss_kappa

from evaluation.statistics.people import NO_CHANCE, NOT_TWICE, Unit, concord

# Fleiss (1971): ten patients, fourteen raters, five categories; kappa .209931.
FLEISS = [
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
]  # fmt: skip
# Krippendorff's three coders of fifteen units, of which some were not coded by all.
CODERS = [
    [None, None, None, None, None, 3, 4, 1, 2, 1, 1, 3, 3, None, 3],
    [1, None, 2, 1, 3, 3, 4, 3, None, None, None, None, None, None, None],
    [None, None, 2, 1, 3, 4, 4, None, 2, 1, 1, 3, 3, None, 4],
]


def units_of_counts(rows: list[tuple[int, ...]]) -> Counter[Unit]:
    return Counter(tuple(place for place, many in enumerate(row) for _ in range(many)) for row in rows)


def units_of_coders(coders: list[list[int | None]]) -> Counter[Unit]:
    return Counter(
        tuple(sorted(said - 1 for said in unit if said is not None)) for unit in zip(*coders, strict=True)
    )


def test_fleiss_example() -> None:
    found = concord(units_of_counts(FLEISS), 5)
    assert found.n == 10
    assert found.kappa.value == pytest.approx(0.209931, abs=5e-7)
    assert found.agreement.value == pytest.approx(0.378022, abs=5e-7)


def test_krippendorffs_example() -> None:
    units = units_of_coders(CODERS)
    assert concord(units, 4).alpha.value == pytest.approx(0.691358, abs=5e-7)
    assert concord(units, 4, "ordinal").alpha.value == pytest.approx(0.806721, abs=5e-7)
    assert concord(units, 4, "interval").alpha.value == pytest.approx(0.810845, abs=5e-7)


def test_ac1_of_two_people_as_gwet_has_it() -> None:
    # 118 both fail, 7 differ, none both pass: q = 243/250, chance 2q(1-q).
    found = concord({(0, 0): 118, (0, 1): 7}, 2)
    q = 243 / 250
    chance = 2 * q * (1 - q)
    assert found.ac1.value == pytest.approx((118 / 125 - chance) / (1 - chance), abs=1e-12)
    assert found.kappa.value is not None and found.kappa.value < 0


unit = st.lists(st.sampled_from([None, 0, 1, 2, 3]), min_size=3, max_size=3)


@settings(max_examples=40, deadline=None)
@given(st.lists(unit, min_size=4, max_size=40))
def test_alpha_is_that_of_krippendorff(rows: list[list[int | None]]) -> None:
    """Also where some answered not at all, or alone."""
    units = Counter(tuple(sorted(said for said in row if said is not None)) for row in rows)
    if len({place for unit in units if len(unit) > 1 for place in unit}) < 2:
        assert concord(units, 4).alpha.why_null in (NO_CHANCE, NOT_TWICE)
        return
    matrix = np.array([[np.nan if said is None else said for said in row] for row in rows]).T
    for level in ("nominal", "ordinal", "interval"):
        found = concord(units, 4, level).alpha
        theirs = krippendorff.alpha(matrix, level_of_measurement=level)
        # What is undefined in many resamples has no value, however it stands in this one.
        assert found.value is None or found.value == pytest.approx(theirs, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=4, max_size=40))
def test_kappa_is_that_of_fleiss(rows: list[list[int]]) -> None:
    units = Counter(tuple(sorted(row)) for row in rows)
    found = concord(units, 4).kappa
    if len({said for row in rows for said in row}) < 2:
        assert found.why_null == NO_CHANCE
        return
    counts = [[row.count(place) for place in range(4)] for row in rows]
    assert found.value is None or found.value == pytest.approx(fleiss_kappa(np.array(counts)), abs=1e-9)


def test_what_cannot_be_computed_says_why() -> None:
    assert concord({}, 2).alpha.why_null == NOT_TWICE
    assert concord({(0,): 40}, 2).n == 0
    all_alike = concord({(0, 0): 40}, 2)
    assert (all_alike.kappa.why_null, all_alike.agreement.value) == (NO_CHANCE, 1.0)
    assert concord({(0, 0): 40}, 1).ac1.why_null == NO_CHANCE


def test_an_interval_covers_its_value_and_narrows() -> None:
    few, many = (
        concord({(0, 0): 8, (0, 1): 4, (1, 1): 20}, 2),
        concord({(0, 0): 80, (0, 1): 40, (1, 1): 200}, 2),
    )
    for figure in (few.kappa, few.alpha, few.ac1):
        assert figure.low is not None and figure.high is not None and figure.value is not None
        assert figure.low < figure.value < figure.high
    assert few.kappa.low < many.kappa.low and many.kappa.high < few.kappa.high  # type: ignore[operator]
