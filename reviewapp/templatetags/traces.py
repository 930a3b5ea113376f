"""The words of the trace pages: untrusted text made visible, and formatted figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ingest.feedback import UNDATED
from reviewapp import figures, rendering
from reviewapp.charts import Volume
from reviewapp.traces import cutting
from reviewapp.traces.asked import Asked
from reviewapp.traces.cutting import Cut

SHOWS_HOURS = timedelta(hours=36)
BRIEF = 160

register = template.Library()


@register.filter
def visible(value: Any) -> str:
    """Any value as text whose invisible characters show; escaped by the template as all text is."""
    return "" if value is None else rendering.visible(str(value))


@register.filter
def cut(text: str) -> Cut | None:
    return cutting.cut(text)


@register.filter
def pretty(value: Any) -> str:
    return rendering.pretty(value)


@register.filter
def latency(milliseconds: float | None) -> str:
    return "" if milliseconds is None else figures.latency(milliseconds)


@register.filter
def money(dollars: float | None) -> str:
    return "" if dollars is None else figures.money(dollars)


@register.filter
def coefficient(value: float | None) -> str:
    return "" if value is None else figures.coefficient(value)


@register.filter
def count(number: int | None) -> str:
    return "" if number is None else figures.count(number)


@register.filter
def percent(share: float) -> str:
    return figures.percent(share)


@register.filter
def hundredths(share: float) -> str:
    """A share from 0 to 1 as a width in per cent, for an SVG attribute."""
    return f"{min(max(share, 0.0), 1.0) * 100:.1f}%"


@register.filter
def moment(time: datetime | None) -> SafeString:
    """A time of today as 14:02:11, another one as 11 Nov 14:02, with the whole of it on hover."""
    if time is None:
        return format_html("{}", "")
    local, now = timezone.localtime(time), timezone.localtime()
    if local.date() == now.date():
        words = f"{local:%H:%M:%S}"
    else:
        words = f"{local.day} {local:%b %H:%M}" if local.year == now.year else f"{local.day} {local:%b %Y}"
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), _whole(local), words)


@register.filter
def whole_moment(time: datetime) -> SafeString:
    local = timezone.localtime(time)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), _whole(local))


def _whole(local: datetime) -> str:
    return f"{local.day} {local:%b %Y, %H:%M:%S} {local.tzname()}"


@register.filter
def clock(time: datetime) -> str:
    """A time in a chart, to the minute."""
    local = timezone.localtime(time)
    return f"{local.day} {local:%b %H:%M}"


@register.filter
def axis(time: datetime, volume: Volume) -> str:
    """A time under a chart: the hour where the chart covers a day or so, else the day."""
    local = timezone.localtime(time)
    return f"{local:%H:%M}" if volume.length <= SHOWS_HOURS else f"{local.day} {local:%b}"


@register.filter
def span_of_time(length: timedelta) -> str:
    """ "5 minutes", "2 hours", "1 day"."""
    minutes = round(length.total_seconds() / 60)
    for unit, size in (("day", 1440), ("hour", 60)):
        if minutes >= size:
            number = round(minutes / size)
            return f"{number} {unit}{'s' * (number > 1)}"
    return f"{minutes} minute{'s' * (minutes != 1)}"


@register.filter
def is_dated(time: datetime) -> bool:
    """False for the time that means none."""
    return time != UNDATED


@register.filter
def svg(number: float) -> str:
    """A coordinate: short, and with a point whatever the language."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


@register.filter
def of(values: Mapping[Any, Any], name: Any) -> Any:
    """What a table holds under this name; nothing where it holds none."""
    return values.get(name, "")


@register.filter
def in_words(value: Any) -> str:
    """A value of JSON: text as it is, everything else as JSON."""
    return rendering.visible(value) if isinstance(value, str) else rendering.pretty(value)


@register.filter
def brief(value: Any) -> str:
    """The beginning of a value on one line; an object by its values alone."""
    if isinstance(value, dict):
        value = ", ".join(str(item) for item in value.values() if not isinstance(item, dict | list))
    elif not isinstance(value, str):
        value = "" if value is None else rendering.pretty(value)
    return rendering.visible(" ".join(value.split())[:BRIEF])


@register.simple_tag
def narrowed(asked: Asked, start: datetime, end: datetime) -> str:
    """The list's query with its time narrowed to one bar of the chart."""
    return asked.query(range="", **{"from": start.isoformat(), "to": end.isoformat()})
