"""How does a figure of a calendar week stand in a chart? With interval, words and its traces."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from reviewapp import figures
from reviewapp.trends import Datum


def datum(start: date, end: date, figure: dict[str, Any], *, weeks: int = 1, **filters: str) -> Datum:
    """`figure` as {"value", "low", "high", "n"}, of a week, or of several that end with it; it leads to their
    traces, as `filters` narrow them. `end` is the last day."""
    week = f"W{start.isocalendar().week}"
    value, low, high = figure["value"], figure["low"], figure["high"]
    words = week if value is None else f"{week}: {figures.decimals(value)}"
    if low is not None and high is not None:
        words += f", 95 % interval {figures.decimals(low)} to {figures.decimals(high)}"
    first = start - timedelta(weeks=weeks - 1)
    query = urlencode({"from": first.isoformat(), "to": end.isoformat(), **filters})
    return Datum(week, value, low, high, figure["n"], query, f"{words}, n = {figure['n']:,}")
