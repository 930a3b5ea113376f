"""Short, seeded forms of the acceptance simulations (`python -m bench statistics` runs the long ones)."""

from __future__ import annotations

from bench import statistics


def test_intervals_cover_the_process_rate_and_the_naive_one_does_not() -> None:
    weighted, corrected, naive = statistics.coverage(120, seed=7)
    assert 0.90 <= weighted <= 0.985
    assert 0.90 <= corrected <= 0.985
    assert naive < 0.5


def test_the_alarm_rings_within_the_hour_and_not_on_quiet_days() -> None:
    assert statistics.alarms(12, 12, 0.24, changed=False) >= 0.75
    assert statistics.alarms(12, 12, 0.24, changed=True) >= 0.9
    assert statistics.alarms(8, 288, 0.08, changed=False) <= 0.13
