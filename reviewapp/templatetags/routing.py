"""How are shares of traffic, widths and volumes written? With as many digits as a small one needs."""

from __future__ import annotations

from django import template

from ingest.routing import conditions
from reviewapp import figures

register = template.Library()


@register.filter
def share(value: float) -> str:
    return f"{value * 100:.3g} %" if value < 0.9995 else f"{value * 100:.0f} %"


@register.filter
def about(value: float) -> str:
    """A number of traces, which need not be whole: "15,984", and below ten one place more."""
    return f"{value:.1f}" if 0 < value < 9.5 else figures.count(round(value))


@register.filter
def width(value: float) -> str:
    """Half of an interval, to three places: ".022"."""
    return f"{value:.3f}".replace("0.", ".", 1)


@register.filter
def figure(value: float) -> str:
    return conditions.figure(value)
