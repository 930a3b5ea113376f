"""How does a figure of a calendar week stand in a chart? With interval, words and its traces."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from reviewapp import figures
from reviewapp.trends import Datum


def datum(start: date, end: date, figure: dict[str, Any]) -> Datum:
    """`figure` as {"value", "low", "high", "n"}."""
    week = f"W{start.isocalendar().week}"
    value, low, high = figure["value"], figure["low"], figure["high"]
    words = week if value is None else f"{week}: {figures.decimals(value)}"
    if low is not None and high is not None:
        words += f", 95 % interval {figures.decimals(low)} to {figures.decimals(high)}"
    query = urlencode({"from": start.isoformat(), "to": end.isoformat()})
    return Datum(week, value, low, high, figure["n"], query, f"{words}, n = {figure['n']:,}")
