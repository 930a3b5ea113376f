"""A fall in one route of many rings too, by name; quiet days of many routes do not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from evaluation.judges.trust import watching

ROUTES, DAYS, A_DAY = ("orders", "refunds", "returns", "shipping"), 120, 30
QUIET = {"value": None, "low": None, "high": None, "n": 0, "why_null": "none"}


def figures(failing: Callable[[str, int], int]) -> dict[str, Any]:
    """120 days of 30 pairs in each of four routes; `failing` disagreements of a route on a day."""
    routes = [
        [route, (date(2026, 1, 1) + timedelta(day)).isoformat(), failing(route, day), A_DAY]
        for route in ROUTES
        for day in range(DAYS)
    ]
    days = sorted({day for _, day, _, _ in routes})
    daily = [[day, sum(row[2] for row in routes if row[1] == day), A_DAY * len(ROUTES)] for day in days]
    return {"page": {"recent": QUIET, "daily": daily, "daily_routes": routes}}


def test_agreement_that_falls_in_one_route_alone_rings_by_its_name() -> None:
    fallen = figures(lambda route, day: 9 if route == "refunds" and day >= 100 else 2)
    found = watching.watch(fallen)
    assert (found.route, found.learning) == ("refunds", 0)
    assert found.alarm >= "2026-04-11"


def test_quiet_routes_do_not_ring_and_a_route_without_a_baseline_is_not_watched() -> None:
    assert watching.watch(figures(lambda route, day: 2)).alarm == ""
    few = figures(lambda route, day: 9 if route == "refunds" and day >= 100 else 2)
    few["page"]["daily_routes"] = [row for row in few["page"]["daily_routes"] if row[1] >= "2026-03-20"]
    assert watching.watch(few).route == ""
