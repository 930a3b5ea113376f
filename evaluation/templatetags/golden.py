"""How do the golden pages write shares, intervals, decisions and kinds of assertions?"""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone

from evaluation.golden.curating.growth import Step, stairs
from evaluation.golden.models import Origin

register = template.Library()
WORDS = {
    "exact": "exact match",
    "contains": "contains",
    "contains_any": "contains any",
    "icontains": "contains, any case",
    "not_contains": "does not contain",
    "regex": "regex",
    "not_regex": "no regex",
    "json_schema": "JSON schema",
    "numeric": "numeric",
    "rouge_l": "ROUGE-L",
    "bleu": "BLEU",
    "rubric": "rubric judge",
    "python": "unit test",
}
BADGES = {"pass": "", "fail": "failure", "inconclusive": "neutral", "pending": "stale"}


@register.filter
def share(value: float | None) -> str:
    """ "91.1 %" """
    return "n/a" if value is None else f"{value * 100:.1f} %"


@register.filter
def bounds(pair: list[float] | None) -> str:
    """ "86.6–94.2" """
    return f"{pair[0] * 100:.1f}\u2013{pair[1] * 100:.1f}" if pair else ""


@register.filter
def kind(name: str) -> str:
    return WORDS.get(name, name)


@register.filter
def kinds(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(WORDS.get(name, name) for name in names)


@register.filter
def origin(name: str) -> str:
    return str(Origin(name).label).lower() if name in Origin.values else name


@register.filter
def badge(decision: str) -> str:
    return BADGES.get(decision, "")


@register.filter
def day(moment: datetime | None) -> str:
    """ "4 Nov", with the year when it is another one."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    form = "%-d %b" if local.year == timezone.localtime().year else "%-d %b %Y"
    return local.strftime(form)


@register.filter
def points(steps: list[Step]) -> str:
    return stairs(steps)
