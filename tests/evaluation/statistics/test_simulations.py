"""Short, seeded forms of the acceptance simulations (`python -m bench statistics` runs the long ones)."""

from __future__ import annotations

import numpy as np

from bench import statistics
from evaluation.statistics.calibration_error import calibration_error, plain
from evaluation.statistics.scores import Scored, reliability


def test_intervals_cover_the_process_rate_and_the_naive_one_does_not() -> None:
    weighted, corrected, naive = statistics.coverage(120, seed=7)
    assert 0.90 <= weighted <= 0.985
    assert 0.90 <= corrected <= 0.985
    assert naive < 0.5


def test_the_alarm_rings_within_the_hour_and_not_on_quiet_days() -> None:
    assert statistics.alarms(12, 12, 0.24, changed=False) >= 0.75
    assert statistics.alarms(12, 12, 0.24, changed=True) >= 0.9
    assert statistics.alarms(8, 288, 0.08, changed=False) <= 0.13


def drawn(chance: np.random.Generator, off: float) -> list[Scored]:
    """600 pairs whose scores say too much or too little by `off`, and people's verdicts by the truth."""
    given = [(place + 0.5) / 10 for place in range(10) for _ in range(60)]
    truth = [score - off if score > 0.5 else score + off for score in given]
    return [
        Scored(score, bool(failed))
        for score, failed in zip(given, chance.binomial(1, np.clip(truth, 0, 1)), strict=True)
    ]


def test_the_calibration_error_is_told_without_its_bias_and_between_limits_that_hold() -> None:
    """Also of a perfect judge, whose plain sum is never 0."""
    chance = np.random.default_rng(11)
    for off in (0.0, 0.1):
        bins = [reliability(drawn(chance, off)) for _ in range(40)]
        found = [calibration_error(each, 600) for each in bins]
        held = [(each.low or 0.0) <= off <= (each.high or 0.0) for each in found]
        assert sum(held) >= 33, off
        told = np.mean([each.value for each in found])
        naive = np.mean([plain(each) for each in bins])
        assert abs(told - off) < 0.02, off
        assert naive - off > 0.03 or off, "a perfect judge"
        assert all((each.low or 0.0) <= (each.value or 0.0) <= (each.high or 0.0) for each in found)
    assert found == [calibration_error(each, 600) for each in bins], "the same to the last digit"
    assert calibration_error([], 7).why_null == "50 scored pairs are needed"
