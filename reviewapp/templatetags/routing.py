"""How are shares of traffic written? In per cent, with as many digits as a small one needs."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def share(value: float) -> str:
    return f"{value * 100:.3g} %" if value < 0.9995 else f"{value * 100:.0f} %"
