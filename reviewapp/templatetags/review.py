"""The words of the review screens: relative times, and slots for what a higher floor fills in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ingest.intervals import wilson
from reviewapp import rendering
from reviewapp.figures import decimals
from reviewapp.review.reviewers import Pace

# A reviewer's quality is shown from this many answers on.
FEWEST = 30

register = template.Library()


@register.filter
def minutes(seconds: int) -> str:
    """ "9:41"."""
    return f"{seconds // 60}:{seconds % 60:02}"


@register.filter
def seconds(length: float | None) -> str:
    """ "24 s", "3 min 20 s", "under 1 s"."""
    if length is None:
        return ""
    if length < 1:
        return "under 1 s"
    whole = round(length)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@register.filter
def time_of_day(time: datetime) -> str:
    return f"{timezone.localtime(time):%H:%M:%S}"


@register.filter
def age(since: datetime | None) -> str:
    """ "2 d 4 h", "6 h", "12 min"."""
    if since is None:
        return ""
    passed = max(int((timezone.now() - since) / timedelta(minutes=1)), 0)
    days, hours = passed // 1440, passed % 1440 // 60
    if days:
        return f"{days} d {hours} h" if hours and days < 10 else f"{days} d"
    return f"{hours} h" if hours else f"{passed} min"


@register.filter
def plain_number(value: float) -> str:
    """A number for an attribute, with a point whatever the language."""
    return f"{value:g}"


@register.filter
def prose(text: str) -> SafeString:
    """Markdown that a lead wrote, made safe as all Markdown is."""
    return rendering.markdown(text)[0]


@register.filter
def consensus(pace: Pace) -> str:
    """How often an answer was what the item came to."""
    return _quality(pace.agreed, pace.comparable)


@register.filter
def quality(pace: Pace) -> str:
    """How often an answer was right, by leads' decisions and hidden known items."""
    return _quality(pace.right, pace.tested)


def _quality(right: int, n: int) -> str:
    """ ".86 (.78–.91), n = 96": drawn to a half by one more of either (Beta(1,1)), with a 95 % interval.

    No line breaks within its n.
    """
    if n < FEWEST:
        return f"too few, {FEWEST - n} more"
    low, high = wilson(right / n, n)
    return f"{decimals((right + 1) / (n + 2))} ({decimals(low)}–{decimals(high)}), n\u00a0=\u00a0{n}"


@register.simple_tag
def slot(route: str, *args: Any) -> SafeString:
    """A place that another floor fills, by the name of its route; nothing where there is no such route."""
    try:
        address = reverse(route, args=args)
    except NoReverseMatch:
        return SafeString("")
    return format_html('<div class="slot" hx-get="{}" hx-trigger="load" hx-swap="outerHTML"></div>', address)
