"""Figures of judges as they are written: value, interval behind it, and words where there is no value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import template

from evaluation.judges.against_people import families
from reviewapp import figures
from reviewapp.review.models import Cause

register = template.Library()
Figure = Mapping[str, Any]
CAUSE_KEYS = {
    Cause.JUDGE_WRONG: "judge",
    Cause.HUMAN_WRONG: "human",
    Cause.RUBRIC_AMBIGUOUS: "rubric",
    Cause.MISSING_CONTEXT: "context",
}
BADGES = {"TRUSTED": "good", "CARE": "doubt", "UNTRUSTED": "failure", "INCONCLUSIVE": "", "STALE": "stale"}


@register.filter
def value(figure: Figure, places: int = 2) -> str:
    """ ".78", or "n/a" (its reason is beside it or in the title)."""
    return "n/a" if figure["value"] is None else figures.decimals(figure["value"], places)


@register.filter
def interval(figure: Figure, places: int = 2) -> str:
    """ ".69–.86" """
    return _limits(figure, places, "–")


@register.filter
def between(figure: Figure, places: int = 2) -> str:
    """The same of what may be negative: "−.021 to −.004"."""
    return _limits(figure, places, " to ")


def _limits(figure: Figure, places: int, joined: str) -> str:
    if figure["low"] is None or figure["high"] is None:
        return ""
    return joined.join(figures.decimals(figure[end], places) for end in ("low", "high"))


@register.filter
def rate(figure: Figure, decimals: int = 0) -> str:
    """ "24 %" """
    return "n/a" if figure["value"] is None else f"{figure['value'] * 100:.{decimals}f} %"


@register.filter
def rates(figure: Figure, decimals: int = 0) -> str:
    """ "15–37" """
    if figure["low"] is None or figure["high"] is None:
        return ""
    return f"{figure['low'] * 100:.{decimals}f}–{figure['high'] * 100:.{decimals}f}"


@register.filter
def points(figure: Figure) -> str:
    """A difference of shares in points of per cent: "+3.1", "−2.0"."""
    return "n/a" if figure["value"] is None else _points(figure["value"])


@register.filter
def points_between(figure: Figure) -> str:
    """ "−9.1 to +2.9" """
    if figure["low"] is None or figure["high"] is None:
        return ""
    return f"{_points(figure['low'])} to {_points(figure['high'])}"


@register.filter
def share_points(share: float) -> str:
    """A part of a difference, in points of per cent: "+0.4"."""
    return _points(share)


def _points(share: float) -> str:
    number = f"{abs(share) * 100:.1f}"
    return number if number == "0.0" else f"{'+' if share > 0 else figures.MINUS}{number}"


@register.filter
def misses(figure: Figure) -> Figure:
    """The complement: of TPR the share missed, of TNR the share of false alarms."""
    turned = {
        side: None if figure[other] is None else 1 - figure[other]
        for side, other in (("value", "value"), ("low", "high"), ("high", "low"))
    }
    return {**figure, **turned}


@register.filter
def place(number: float | None) -> str:
    """A share as a length in per cent of an SVG."""
    return f"{(number or 0) * 100:.2f}%"


@register.filter
def p_value(number: float | None) -> str:
    """ "p = .035"; nothing where nothing was tested."""
    return "" if number is None else figures.p_value(number)


@register.filter
def badge(state: str) -> str:
    return BADGES.get(state, "")


@register.filter
def family(name: str | None) -> str:
    """Who makes models of this family."""
    return families.words(name) if name else "unknown"


@register.filter
def at(mapping: Mapping[str, Any], key: str) -> Any:
    return mapping[key]


@register.filter
def cause_key(cause: str) -> str:
    """A cause in one word, as it stands beside its key: "judge" for what the judge got wrong."""
    return CAUSE_KEYS[Cause(cause)]


@register.filter
def add_to(number: float, more: float) -> float:
    """The sum, also of a number with decimals."""
    return number + float(more)


@register.filter
def up(share: float | None, height: int) -> float:
    """A share as the y of a chart of this height whose top is 8."""
    return 8 + (1 - (share or 0.0)) * height


@register.filter
def words(name: str) -> str:
    return name.replace("_", " ").capitalize()


@register.filter
def equals(name: str, value: str) -> str:
    return f"{name}={value}"


@register.simple_tag(takes_context=True)
def keep(context: dict[str, Any], **changed: Any) -> str:
    """The address's own parameters with these changed; empty ones fall away."""
    kept = {**context.get("kept", {}), **{name: str(value) for name, value in changed.items()}}
    return urlencode({name: value for name, value in kept.items() if value})
