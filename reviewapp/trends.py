"""Where do the points, bands and grid lines of a line chart stand? Geometry only; templates draw it as SVG.

Along the width everything is in per cent, so that a chart fits any screen without scaling its text. Lines
and bands are drawn in a nested SVG of 100 units that is stretched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

HEIGHT = 180
INSET = 3.0  # per cent left free at both ends, for the marks
LABELLED = 9
COUNTED = 16  # of more places not every n has room
PHONE, DIGIT, APART = 290, 6.5, 5  # pixels: a chart on a phone, a digit of an n, and between two of them
LINE_HEIGHT = 14.0  # of a word at the end of a line


@dataclass(frozen=True, slots=True)
class Datum:
    """A point to draw: a value with its interval, or None where there is nothing; `n` observations.

    `query` leads to the traces behind it; `words` say it in full; `note` stands below its n. No line is drawn
    to one that `breaks`: what is measured, or with what, changed just before.
    """

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    query: str = ""
    words: str = ""
    note: str = ""
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    x: float
    y: float
    datum: Datum


@dataclass(frozen=True, slots=True)
class Line:
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Place:
    """Along the foot: `is_labelled` where its name stands, `is_counted` where its n does."""

    x: float
    label: str
    n: int
    is_labelled: bool
    note: str = ""
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class Series:
    """`paths` and `bands` are attributes of the stretched SVG, one for each unbroken run of points."""

    marks: tuple[Mark, ...]
    paths: tuple[str, ...]
    bands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    series: tuple[Series, ...]
    grid: tuple[Line, ...]
    places: tuple[Place, ...]
    height: int
    level: Line | None = None
    ends: tuple[Line, ...] = ()

    @property
    def has_notes(self) -> bool:
        return any(place.note for place in self.places)

    @property
    def is_tight(self) -> bool:
        """Whether a phone has no room for every n."""
        digits = max((len(f"{place.n:,}") for place in self.places), default=0)
        return len(self.places) * (digits * DIGIT + APART) > PHONE

    @property
    def is_empty(self) -> bool:
        return not any(each.marks for each in self.series)


def trend(
    lines: Sequence[Sequence[Datum]],
    *,
    least: float = 0.0,
    most: float = 1.0,
    height: int = HEIGHT,
    level: tuple[float, str] | None = None,
    names: Sequence[str] = (),
) -> Trend:
    """Lines over the same places, within a range rounded outwards to grid lines; `level` is one to compare
    them with, drawn across. `names` stand at the right ends of the lines, as does that of the level."""
    ticks = _ticks_of(lines, least, most, level)
    bottom, top = ticks[0], ticks[-1]

    def y(value: float) -> float:
        return round((top - min(max(value, bottom), top)) / (top - bottom) * height, 1)

    count = max((len(line) for line in lines), default=0)
    xs = [_x(index, count) for index in range(count)]
    series = tuple(_series(line, xs, y) for line in lines)
    across = Line(y(level[0]), level[1]) if level else None
    named = [Line(s.marks[-1].y, name) for s, name in zip(series, names, strict=False) if s.marks]
    return Trend(
        series=series,
        grid=tuple(Line(y(tick), _label(tick)) for tick in ticks),
        places=tuple(_places(xs, lines[0] if lines else ())),
        height=height,
        level=across,
        ends=_apart([*named, across] if across else named, height),
    )


def _ticks_of(
    lines: Sequence[Sequence[Datum]], least: float, most: float, level: tuple[float, str] | None
) -> list[float]:
    """Grid lines around all values and intervals, and around the level where there is anything to compare."""
    known = [
        side
        for line in lines
        for datum in line
        if datum.value is not None
        for side in (datum.value, datum.low, datum.high)
        if side is not None
    ]
    if level and known:
        known.append(level[0])
    return _ticks(max(least, min(known, default=least)), min(most, max(known, default=most)))


def _places(xs: Sequence[float], line: Sequence[Datum]) -> Iterator[Place]:
    """Of many places every so-many-th is labelled, counted from the last one; of more than `COUNTED` only
    these have their n."""
    every = max(1, math.ceil(len(xs) / LABELLED))
    for index, (x, datum) in enumerate(zip(xs, line, strict=False)):
        is_labelled = (len(xs) - 1 - index) % every == 0
        yield Place(x, datum.label, datum.n, is_labelled, datum.note, is_labelled or len(xs) <= COUNTED)


def _apart(ends: Sequence[Line], height: int) -> tuple[Line, ...]:
    """From the top down, moved so far that no word stands on another."""
    placed: list[Line] = []
    for end in sorted(ends, key=lambda each: each.y):
        least = placed[-1].y + LINE_HEIGHT if placed else 0.0
        placed.append(Line(max(end.y, least), end.label))
    below = max(0.0, placed[-1].y - height) if placed else 0.0
    return tuple(Line(round(end.y - below, 1), end.label) for end in placed)


def _series(line: Sequence[Datum], xs: Sequence[float], y: Callable[[float], float]) -> Series:
    marks = [
        None if datum.value is None else Mark(x, y(datum.value), datum)
        for x, datum in zip(xs, line, strict=True)
    ]
    runs: list[list[Mark]] = [[]]
    for mark in marks:
        if mark is None or mark.datum.breaks:
            runs.append([])
        if mark:
            runs[-1].append(mark)
    return Series(
        marks=tuple(mark for mark in marks if mark),
        paths=tuple(" ".join(f"{m.x},{m.y}" for m in run) for run in runs if len(run) > 1),
        bands=tuple(band for run in runs if (band := _band(run, y))),
    )


def _band(run: Sequence[Mark], y: Callable[[float], float]) -> str:
    sided = [m for m in run if m.datum.low is not None and m.datum.high is not None]
    if len(sided) < 2:
        return ""
    upper = [f"{m.x},{y(m.datum.high or 0)}" for m in sided]
    lower = [f"{m.x},{y(m.datum.low or 0)}" for m in reversed(sided)]
    return " ".join([*upper, *lower])


def _x(index: int, count: int) -> float:
    return 50.0 if count == 1 else round(INSET + index * (100 - 2 * INSET) / (count - 1), 2)


def _ticks(low: float, high: float) -> list[float]:
    """Four to six round numbers that enclose the range."""
    span = max(high - low, 0.04)
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5) if span / s <= 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    return [round(index * step, 6) for index in range(first, last + 1)]


def _label(tick: float) -> str:
    return f"{tick:.2f}".removeprefix("0").replace("-0", "\u2212") if tick != 1 else "1"
