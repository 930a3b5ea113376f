"""Where bars stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reviewapp import charts

NOON = datetime(2026, 8, 6, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_step_keeps_bars_readable():
    assert charts.step_for(NOON, NOON) == timedelta(minutes=1)
    assert charts.step_for(NOON, NOON + 24 * HOUR) == timedelta(minutes=20)
    for days in (1, 7, 30, 400, 4000):
        start, end = NOON, NOON + timedelta(days=days)
        assert (end - start) / charts.step_for(start, end) <= charts.MOST_BARS


def test_bars_cover_the_time_from_first_to_last_step():
    volume = charts.volume(NOON, NOON + 3 * HOUR, HOUR, {NOON: (4, 1), NOON + 2 * HOUR: (8, 0)})
    assert [(bar.start, bar.total, bar.low) for bar in volume.bars] == [
        (NOON, 4, 1),
        (NOON + HOUR, 0, 0),
        (NOON + 2 * HOUR, 8, 0),
        (NOON + 3 * HOUR, 0, 0),
    ]
    assert (volume.total, volume.low, volume.length) == (12, 1, 4 * HOUR)


def test_heights_are_shares_of_the_highest_and_the_low_part_stands_below():
    full, half = charts.volume(NOON, NOON + HOUR, HOUR, {NOON: (10, 0), NOON + HOUR: (5, 2)}).bars
    assert (full.y, full.height, full.low_height) == (0, 40, 0)
    # Half of 40 is 20: 8 of them low, one pixel between.
    assert (half.y, half.height, half.low_y, half.low_height) == (20, 11, 32, 8)


def test_a_single_trace_among_thousands_stays_visible():
    bars = charts.volume(NOON, NOON + HOUR, HOUR, {NOON: (100_000, 1), NOON + HOUR: (1, 1)}).bars
    assert (bars[0].low_height, bars[1].low_height) == (2, 2)
