"""The figures of the check pages as they are written."""

from __future__ import annotations

from collections.abc import Sequence

from django import template

from reviewapp.trace_checks.overview import Bar, shown

register = template.Library()


@register.filter
def rate(share: float | None) -> str:
    """A share with one decimal, two where it is small: "3.2 %", ".04 %"."""
    if share is None:
        return ""
    percent = share * 100
    words = f"{percent:.2f}" if 0 < percent < 1 else f"{percent:.1f}"
    return f"{words.removeprefix('0') if words.startswith('0.') and percent else words.removesuffix('.0')} %"


@register.filter
def interval(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{rate(bounds[0])} to {rate(bounds[1])}"


@register.filter
def highest(trend: Sequence[Bar]) -> float:
    return max((bar.tally.rate or 0.0 for bar in trend), default=0.0)


@register.filter
def setting(value: object) -> str:
    return shown(value) or "none"
