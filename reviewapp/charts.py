"""Where do the marks of a chart stand? Geometry only, in per cent and pixels; templates draw it as SVG.

Percentages along the width let a chart fit any screen without scaling its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MOST_BARS = 84
STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 10080, 20160, 40320)
)
VOLUME_HEIGHT = 40
GAP = 0.16  # of a bar's width


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of time. `x`, `width` in per cent; heights in pixels from the top; `low` is the lower part."""

    start: datetime
    end: datetime
    total: int
    low: int
    x: float
    width: float
    y: float
    height: float
    low_y: float
    low_height: float


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    time: datetime


@dataclass(frozen=True, slots=True)
class Volume:
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    step: timedelta
    height: int
    total: int
    low: int

    @property
    def length(self) -> timedelta:
        return self.step * len(self.bars)

    @property
    def last(self) -> datetime:
        return self.bars[-1].end


def step_for(start: datetime, end: datetime) -> timedelta:
    """The smallest step that keeps the bars readable."""
    return next((step for step in STEPS if (end - start) / step < MOST_BARS - 1), (end - start) / MOST_BARS)


def volume(
    start: datetime, end: datetime, step: timedelta, counts: Mapping[datetime, tuple[int, int]]
) -> Volume:
    """Bars from `start` to `end`; `counts` holds (all, low) by the start of each step that has any."""
    starts = _starts(start, end, step)
    counted = [counts.get(at, (0, 0)) for at in starts]
    highest = max((total for total, _ in counted), default=0)
    width = 100 / len(starts)
    return Volume(
        bars=tuple(
            _bar(index * width, width, (at, at + step), both, highest)
            for index, (at, both) in enumerate(zip(starts, counted, strict=True))
        ),
        ticks=tuple(Tick(index * width, starts[index]) for index in _tick_places(len(starts))),
        step=step,
        height=VOLUME_HEIGHT,
        total=sum(total for total, _ in counted),
        low=sum(low for _, low in counted),
    )


def _starts(start: datetime, end: datetime, step: timedelta) -> Sequence[datetime]:
    first = EPOCH + ((start - EPOCH) // step) * step
    return [first + index * step for index in range((end - first) // step + 1)]


def _tick_places(bars: int) -> list[int]:
    return sorted({round(bars * quarter / 4) for quarter in range(4)}) if bars >= 8 else list(range(bars))


def _bar(
    x: float, width: float, time: tuple[datetime, datetime], counted: tuple[int, int], highest: int
) -> Bar:
    total, low = counted
    full, below = _pixels(total, highest), _pixels(low, highest)
    return Bar(
        *time,
        total=total,
        low=low,
        x=x + width * GAP / 2,
        width=width * (1 - GAP),
        y=VOLUME_HEIGHT - full,
        # A line of surface stands between the parts, as long as both stay visible.
        height=max(full - below - 1, 0) if below else full,
        low_y=VOLUME_HEIGHT - below,
        low_height=below,
    )


def _pixels(count: int, highest: int) -> float:
    """At least two pixels for anything that is there."""
    return max(2.0, round(count / highest * VOLUME_HEIGHT, 1)) if count else 0.0
