"""Do judge and people disagree more in some weeks than a steady judge would? Limits for eyes, no alarm.

A p-chart with exact limits and a smoothed line (EWMA), at the rate of all weeks but the last four.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import harmonic_mean

from evaluation.statistics.watching import ewma, ewma_limit, exact_limits
from ingest.json_objects import Json

LAST, LEAST = 4, 200


def weekly(daily: Sequence[tuple[date, int, int]]) -> Json:
    """By calendar week how many of n disagree, between which counts a steady rate would leave them, and the
    smoothed rate with its limit; `rate` is None where the weeks before the last four hold under 200 pairs."""
    counts: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    for day, failed, n in daily:
        week = counts[day - timedelta(days=day.weekday())]
        week[0], week[1] = week[0] + failed, week[1] + n
    told = sorted((week, failed, n) for week, (failed, n) in counts.items())
    before = told[:-LAST]
    known = sum(n for *_, n in before)
    if known < LEAST:
        return {"rate": None, "known": known, "weeks": [], "out": []}
    rate = sum(failed for _, failed, _ in before) / known
    line = ewma([failed / n for _, failed, n in told], rate)
    weeks = [
        _week(week, failed, n, rate, smoothed, ewma_limit(rate, _typical(told[: step + 1]), step + 1))
        for step, ((week, failed, n), smoothed) in enumerate(zip(told, line, strict=True))
    ]
    return {"rate": rate, "known": known, "weeks": weeks, "out": [each for each in weeks if each["is_out"]]}


def _typical(told: Sequence[tuple[date, int, int]]) -> int:
    return max(1, round(harmonic_mean([n for *_, n in told])))


def _week(week: date, failed: int, n: int, rate: float, smoothed: float, limit: float) -> Json:
    low, high = exact_limits(n, rate)
    return {
        "from": week.isoformat(),
        "failed": failed,
        "n": n,
        "low": low,
        "high": high,
        "smoothed": smoothed,
        "limit": limit,
        "is_out": not low <= failed <= high,
        "is_drifting": smoothed > limit,
    }
