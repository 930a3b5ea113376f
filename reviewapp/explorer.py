"""Which traces does the list show, and what stands around them: chips, values to choose from, volume?

All reading goes through the closed table of `ingest.filters`; this module adds time ranges relative to now,
the words for what is set, and the addresses that change one thing and keep the rest.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError, connection, transaction
from django.db.models import Count, DateTimeField, Exists, F, Func, Max, Min, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Left, Now
from django.http import QueryDict
from django.utils import timezone

from ingest import filters, readings
from ingest import traces as documents
from ingest.filters import Order, Refused
from ingest.models import Feedback, Project, Score, Source, Trace
from reviewapp import charts, signals
from reviewapp.signals import DOUBT, Signal

PAGE = 50
EXCERPT = 240
# Values to choose a filter from are those of the newest traces: a scan of all would grow with the store.
SAMPLED_TRACES = 5_000
MOST_VALUES = 30
CHART_MILLISECONDS = 4_000

RANGES = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 h", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
# Parameters of a page which are no filter of the closed table.
OWN = frozenset(
    {"range", "older", "newer", "text", "field", "spans", "span", "column", "default", "csrfmiddlewaretoken"}
)

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
class Asked:
    """What the address asks for: the condition on traces, or what is wrong with it."""

    params: QueryDict
    condition: Q
    errors: Mapping[str, str] = field(default_factory=dict)

    def query(self, **changes: str) -> str:
        """The filters as a query string, with some replaced (an empty value removes)."""
        params = self.params.copy()
        for name, value in changes.items():
            if value:
                params[name] = value
            else:
                params.pop(name, None)
        return params.urlencode()

    def without(self, name: str, value: str) -> str:
        params = self.params.copy()
        params.setlist(name, [other for other in params.getlist(name) if other != value])
        return params.urlencode()

    def adding(self, name: str, value: str) -> str:
        params = self.params.copy()
        if value not in params.getlist(name):
            params.appendlist(name, value)
        return params.urlencode()


def ask(given: QueryDict) -> Asked:
    params = QueryDict(mutable=True)
    for name, values in given.lists():
        if name not in OWN or name == "range":
            params.setlist(name, [value for value in dict.fromkeys(map(str.strip, values)) if value])
    for name in [name for name in params if not params.getlist(name)]:
        del params[name]
    errors = {}
    condition = Q()
    try:
        condition = filters.select(params, besides=OWN) & _range(params.get("range", ""))
    except Refused as refused:
        errors = {str(error["field"]): str(error["error"]) for error in refused.errors}
    return Asked(params, condition, errors)


def _range(name: str) -> Q:
    if not name:
        return Q()
    if name not in RANGES:
        raise Refused([{"field": "range", "error": f"must be one of {', '.join(RANGES)}"}])
    return Q(started_at__gte=Now() - RANGES[name][1])


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


@dataclass(slots=True)
class Row:
    """One line of the list."""

    trace: Trace
    question: str
    answer: str
    signals: list[Signal]
    judge: Score | None
    human: Score | None
    scores: list[Score]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of traces; `older` and `newer` are cursors, empty at the ends."""

    rows: list[Row]
    older: str
    newer: str
    unread: int


def listing(project: Project, asked: Asked, older: str = "", newer: str = "") -> Listing:
    """The page behind a cursor (or the newest). Raises Refused for a cursor of another list."""
    unread = readings.refresh_project(project.pk, PAGE)
    matching = excerpts(Trace.objects.filter(asked.condition))
    if newer:
        page = filters.page(matching, project, order=Order.OLDEST, cursor=newer, limit=PAGE)
        if page.next:
            traces = page.traces[::-1]
            return Listing(rows(traces), _cursor(project, Order.NEWEST, traces[-1]), page.next, unread)
        older = ""
    page = filters.page(matching, project, cursor=older, limit=PAGE)
    back = _cursor(project, Order.OLDEST, page.traces[0]) if older and page.traces else ""
    return Listing(rows(page.traces), page.next, back, unread)


def excerpts(traces: QuerySet[Trace]) -> QuerySet[Trace]:
    """Rows without their long texts; `question` and `answer` hold the beginnings."""
    return traces.defer("input", "output", "search").annotate(
        question=Left("input", EXCERPT), answer=Left("output", EXCERPT)
    )


def _cursor(project: Project, order: Order, trace: Trace) -> str:
    return filters.cursor_at(project, order, trace)


def rows(traces: Sequence[Trace]) -> list[Row]:
    """The traces with what is known of each; two queries for any number of them."""
    readings.refresh(traces)
    scores, feedback = defaultdict(list), defaultdict(list)
    for score in Score.objects.filter(trace__in=traces).order_by("name", "key"):
        scores[score.trace_id].append(score)
    for statement in Feedback.objects.filter(trace__in=traces):
        feedback[statement.trace_id].append(statement)
    return [_row(trace, scores[trace.pk], feedback[trace.pk]) for trace in traces]


def _row(trace: Trace, scores: list[Score], feedback: list[Feedback]) -> Row:
    return Row(
        trace=trace,
        question=_excerpt(trace, "input", "question"),
        answer=_excerpt(trace, "output", "answer"),
        signals=signals.of_trace(trace, feedback, scores),
        judge=_lowest(scores, Source.LLM),
        human=_lowest(scores, Source.HUMAN),
        scores=scores,
    )


def _excerpt(trace: Trace, column: str, annotation: str) -> str:
    """From the column itself where a refresh has just written it."""
    text = trace.__dict__[column][:EXCERPT] if column in trace.__dict__ else getattr(trace, annotation)
    return " ".join(str(text).split())


def _lowest(scores: Sequence[Score], source: Source) -> Score | None:
    of_source = [score for score in scores if score.source == source]
    valued = [score for score in of_source if score.value is not None]
    return min(valued, key=lambda score: score.value or 0.0, default=of_source[0] if of_source else None)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value to filter by, how often it was met, and the query with it added."""

    words: str
    count: int | None
    query: str
    chosen: bool


def choices(project: Project, asked: Asked, name: str) -> list[Choice]:
    """Values of one filter met in the newest traces, the most frequent first."""
    readings.refresh_project(project.pk, PAGE)
    found: list[tuple[str, int | None]]
    if name in CLOSED:
        values = SIGNALS if name == "feedback" else filters.FILTERS[name].choices
        found = [(value, None) for value in values]
    elif name == "score":
        found = [(f"{score}::{DOUBT}", None) for score in _score_names(project)]
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


def _score_names(project: Project) -> list[str]:
    """The names of scores of the newest traces."""
    of_newest = Score.objects.filter(trace__in=_newest(project).values("pk"))
    return list(of_newest.order_by("name").values_list("name", flat=True).distinct()[:MOST_VALUES])


class DateBin(Func):
    function = "date_bin"
    output_field = DateTimeField()


def volume(project: Project, asked: Asked) -> charts.Volume | None:
    """Traces over time and how many of them a judge put under one half; None if that takes too long."""
    readings.refresh_project(project.pk, PAGE)
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {CHART_MILLISECONDS}")
            return _volume(Trace.objects.filter(asked.condition, project=project), asked)
    except OperationalError:
        return None


def _volume(traces: QuerySet[Trace], asked: Asked) -> charts.Volume | None:
    found = traces.aggregate(first=Min("started_at"), last=Max("started_at"))
    if found["first"] is None:
        return None
    start, end = _extent(asked, found["first"], found["last"])
    step = charts.step_for(start, end)
    low = Exists(Score.objects.filter(trace=OuterRef("pk"), source=Source.LLM, value__lt=DOUBT))
    counted = (
        traces.annotate(bin=DateBin(Value(step), F("started_at"), Value(charts.EPOCH)))
        .values("bin")
        .annotate(total=Count("pk"), low=Count("pk", filter=low))
        .values_list("bin", "total", "low")
    )
    return charts.volume(start, end, step, {at: (total, under) for at, total, under in counted})


def _extent(asked: Asked, first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """A chosen range is drawn whole, even where it is empty."""
    chosen = RANGES.get(asked.params.get("range", ""))
    if chosen is None:
        return first, last
    now = timezone.now()
    return min(first, now - chosen[1]), max(last, now)


def neighbours(project: Project, asked: Asked, trace: Trace) -> tuple[str, str]:
    """The trace ids next to this one in the list: (newer, older), empty at the ends."""
    if asked.params:
        readings.refresh_project(project.pk, PAGE)
    matching = Trace.objects.filter(asked.condition).only("trace_id", "started_at")
    found = []
    for order in (Order.OLDEST, Order.NEWEST):
        page = filters.page(matching, project, order=order, cursor=_cursor(project, order, trace), limit=1)
        found.append(page.traces[0].trace_id if page.traces else "")
    return found[0], found[1]


def export(project: Project, asked: Asked) -> Iterator[bytes]:
    """Every matching trace, newest first, as lines of JSON; a page at a time, so memory stays bounded."""
    readings.refresh_project(project.pk)
    matching = Trace.objects.filter(asked.condition).defer("search")
    page = filters.page(matching, project, limit=PAGE)
    while page.traces:
        readings.refresh(page.traces)
        for trace in page.traces:
            yield json.dumps(documents.detail(trace), cls=DjangoJSONEncoder).encode() + b"\n"
        if not page.next:
            break
        page = filters.page(matching, project, cursor=page.next, limit=PAGE)
