"""Which filters are set, in words, and which values does each menu offer?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from ingest import filters, readings
from ingest.models import Project, Score, Trace
from reviewapp.traces.asked import RANGES, Asked
from reviewapp.traces.signals import DOUBT

# Values to choose a filter from are those of the newest traces: a scan of all would grow with the store.
SAMPLED_TRACES = 5_000
MOST_VALUES = 30
# Traces that have just arrived, read before their values are offered.
READ_FIRST = 50
LABELS = {
    "q": "words",
    "trace_id": "trace id",
    "from": "from",
    "to": "to",
    "route": "route",
    "model": "model",
    "provider": "provider",
    "prompt_name": "prompt name",
    "prompt_version": "prompt",
    "environment": "environment",
    "session_id": "session",
    "user_id": "user",
    "status": "status",
    "has_error": "errors",
    "drawn": "audit",
    "score": "score",
    "feedback": "signal",
    "range": "time",
}
# Filters with a menu of their own, in the order of the bar.
QUICK = ("route", "model", "prompt_version", "environment", "feedback", "score", "status")
QUICK_LABELS = {name: LABELS[name] for name in QUICK}
# Of the signals a filter knows, those worth a place in its menu, in the words of the list.
SIGNALS = {
    "thumbs_down": "thumbs down",
    "thumbs_up": "thumbs up",
    "rating_low": "low rating",
    "rating_high": "good rating",
    "task_failed": "task not completed",
    "task_done": "task completed",
    "report": "reported",
    "escalate": "escalated",
    "regenerate": "regenerated",
    "rephrase": "rephrased",
    "edit": "edited",
    "abandon": "abandoned",
    "accept": "accepted",
    "copy": "copied",
    "follow_up": "followed up",
    "comment": "commented",
    "any": "any signal",
}
# Their values are known beforehand; of the counted ones the values met are offered with their number.
CLOSED = ("feedback", "status")
COUNTED = ("route", "model", "prompt_version", "environment")
YES_NO_WORDS = {
    "has_error": {"true": "with errors", "false": "without errors"},
    "drawn": {"true": "drawn for audit", "false": "not drawn"},
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, in words; `rest` is the query without it."""

    name: str
    label: str
    words: str
    rest: str


def chips(asked: Asked) -> list[Chip]:
    return [
        Chip(name, LABELS.get(name, name), words_of(name, value), asked.without(name, value))
        for name, values in asked.params.lists()
        for value in values
        if name != "q"
    ]


def words_of(name: str, value: str) -> str:
    if name == "range" and value in RANGES:
        return RANGES[value][0]
    if name == "score":
        return _score_words(value)
    if name == "feedback":
        return SIGNALS.get(value, value)
    return YES_NO_WORDS.get(name, {}).get(value, value)


def _score_words(value: str) -> str:
    if value.count(":") < 2:
        return value
    name, low, high = value.rsplit(":", 2)
    if low and high:
        return f"{name} {low} to {high}"
    return f"{name} {f'from {low}' if low else f'up to {high}' if high else ''}".strip()


@dataclass(frozen=True, slots=True)
class Choice:
    """A value to filter by, how often it was met, and the query with it added."""

    words: str
    count: int | None
    query: str
    chosen: bool


def choices(project: Project, asked: Asked, name: str, hidden: Q) -> list[Choice]:
    """Values of one filter met in the newest traces, the most frequent first; no score of a hidden one."""
    readings.refresh_project(project.pk, READ_FIRST)
    found: list[tuple[str, int | None]]
    if name in CLOSED:
        values = SIGNALS if name == "feedback" else filters.FILTERS[name].choices
        found = [(value, None) for value in values]
    elif name == "score":
        found = [(f"{score}::{DOUBT}", None) for score in _score_names(project, hidden)]
    else:
        found = list(_values(project, name))
    chosen = asked.params.getlist(name)
    return [
        Choice(words_of(name, value), count, asked.adding(name, value), value in chosen)
        for value, count in found
    ]


def _newest(project: Project) -> QuerySet[Trace]:
    return Trace.objects.filter(project=project).order_by("-started_at", "-id")[:SAMPLED_TRACES]


def _values(project: Project, name: str) -> Iterator[tuple[str, int]]:
    if name not in COUNTED:
        return
    newest = Trace.objects.filter(pk__in=_newest(project).values("pk"))
    counted = newest.exclude(**{name: ""}).values_list(name).annotate(n=Count("pk")).order_by("-n", name)
    yield from counted[:MOST_VALUES]


def _score_names(project: Project, hidden: Q) -> list[str]:
    """The names of scores of the newest traces."""
    newest = Trace.objects.filter(pk__in=_newest(project).values("pk")).exclude(hidden)
    of_newest = Score.objects.filter(trace__in=newest.values("pk"))
    return list(of_newest.order_by("name").values_list("name", flat=True).distinct()[:MOST_VALUES])
