"""What the list of checks shows: each check with its setting, its fail rate in a window and the trend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.utils import timezone

from ingest.models import Project
from ingest.trace_checks import settings, tallies
from ingest.trace_checks.catalogue import CHECKS
from ingest.trace_checks.measured import MEASURED, Measure
from ingest.trace_checks.tallies import Tally, Window
from ingest.trace_checks.vocabulary import Check

TREND_HEIGHT = 20
GAP = 0.2  # of a bar's width


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of a trend; `x`, `width` in per cent, `y`, `height` in pixels."""

    x: float
    width: float
    y: float
    height: float
    start: datetime
    tally: Tally


@dataclass(frozen=True, slots=True)
class Line:
    check: Check
    enabled: bool
    # "Limit 30,000 ms": what is set, with those that differ from the check's own marked.
    parameters: tuple[tuple[str, bool], ...]
    tally: Tally
    trend: tuple[Bar, ...]
    measured: Measure
    traces_query: str


@dataclass(frozen=True, slots=True)
class Overview:
    window: Window
    lines: list[Line]
    # Settled traces of the window on which any check ran, and those on which one failed.
    traces: Tally


def of_project(project: Project, window: Window) -> Overview:
    now = timezone.now()
    trends = tallies.trends(project, window, now, ["", *CHECKS])
    rows = settings.of_project(project)
    lines = []
    for check in CHECKS.values():
        row, counted = rows.get(check.name), trends.get(check.name, [])
        lines.append(
            Line(
                check=check,
                enabled=row is None or row.enabled,
                parameters=in_words(check, row.parameters if row else {}),
                tally=tallies.total(counted),
                trend=bars(counted, window, now),
                measured=MEASURED[check.name],
                traces_query=failing(check, window, now),
            )
        )
    return Overview(window, lines, tallies.total(trends.get("", [])))


def in_words(check: Check, values: dict[str, object]) -> tuple[tuple[str, bool], ...]:
    """Each parameter with its value, and whether it differs from the check's own."""
    return tuple(
        (
            f"{each.label}: {shown(values.get(each.name, each.default))} {each.unit}".strip(),
            each.name in values,
        )
        for each in check.parameters
    )


def shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return f"{len(value)} of them" if len(value) > 3 else ", ".join(map(str, value)) or "none"
    return f"{value:,.10g}" if isinstance(value, int | float) else str(value)


def bars(counted: list[Tally], window: Window, now: datetime) -> tuple[Bar, ...]:
    """The share of failures in each step, against the highest of them; nothing where nothing was checked."""
    highest = max((tally.rate or 0.0 for tally in counted), default=0.0)
    width, start = 100 / window.steps, window.start(now)
    return tuple(
        Bar(
            x=index * width + width * GAP / 2,
            width=width * (1 - GAP),
            y=TREND_HEIGHT - height,
            height=height,
            start=start + index * window.step,
            tally=tally,
        )
        for index, tally in enumerate(counted)
        if tally.n
        for height in [_pixels(tally, highest)]
    )


def _pixels(tally: Tally, highest: float) -> float:
    """A hair's line where it was checked and nothing failed."""
    return max(2.0, round((tally.rate or 0) / highest * TREND_HEIGHT, 1)) if tally.failed else 1.0


def failing(check: Check, window: Window, now: datetime, **slices: str) -> str:
    """The query under which the explorer shows the traces of the window on which the check failed."""
    told = {"score": f"{check.score_name}::0", "from": window.start(now).isoformat()}
    return urlencode(told | slices)
