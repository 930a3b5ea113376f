"""What is a number on a page? A value with its interval and n, or null with the reason; never a bare zero."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Figure:
    """`n` is the number of observations behind it; `value` is None exactly when `why_null` says why."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    why_null: str | None = None

    def as_dict(self) -> dict[str, float | int | str | None]:
        return asdict(self)

    @property
    def is_known(self) -> bool:
        return self.value is not None


def unknown(why: str, n: int = 0) -> Figure:
    return Figure(None, None, None, n, why)


def point(value: float, n: int) -> Figure:
    """A figure without an interval, such as a count's share that is not an estimate."""
    return Figure(value, None, None, n)


def bounded(figure: Figure, least: float = 0.0, most: float = 1.0) -> Figure:
    """The figure with its interval cut to what the value can be."""
    low = None if figure.low is None else max(least, figure.low)
    high = None if figure.high is None else min(most, figure.high)
    return replace(figure, low=low, high=high)
