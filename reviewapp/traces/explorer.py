"""Which traces does the list show, how many are there over time, and which stand next to one?"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError, connection, transaction
from django.db.models import Count, DateTimeField, Exists, F, Func, Max, Min, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Left
from django.utils import timezone

from ingest import filters, readings
from ingest import traces as documents
from ingest.filters import Order
from ingest.models import Feedback, Project, Score, Source, Trace
from reviewapp import charts, rendering
from reviewapp.models import Membership
from reviewapp.review import blindness
from reviewapp.traces import signals
from reviewapp.traces.asked import RANGES, Asked
from reviewapp.traces.signals import DOUBT, Signal

PAGE = 50
EXCERPT = 240
CHART_MILLISECONDS = 4_000
# Of a whole list so many go into a queue at once: more than anybody reviews, less than a request may take.
MOST_TO_ADD = 5_000


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


def listing(
    project: Project, asked: Asked, older: str = "", newer: str = "", member: Membership | None = None
) -> Listing:
    """The page behind a cursor (or the newest), as this member may see it.

    Raises Refused for a cursor of another list.
    """
    unread = readings.refresh_project(project.pk, PAGE)
    matching = excerpts(Trace.objects.filter(asked.condition))
    if newer:
        page = filters.page(matching, project, order=Order.OLDEST, cursor=newer, limit=PAGE)
        if page.next:
            traces = page.traces[::-1]
            return Listing(
                rows(traces, member), _cursor(project, Order.NEWEST, traces[-1]), page.next, unread
            )
        older = ""
    page = filters.page(matching, project, cursor=older, limit=PAGE)
    back = _cursor(project, Order.OLDEST, page.traces[0]) if older and page.traces else ""
    return Listing(rows(page.traces, member), page.next, back, unread)


def excerpts(traces: QuerySet[Trace]) -> QuerySet[Trace]:
    """Rows without their long texts; `question` and `answer` hold the beginnings."""
    return traces.defer("input", "output", "search").annotate(
        question=Left("input", EXCERPT), answer=Left("output", EXCERPT)
    )


def _cursor(project: Project, order: Order, trace: Trace) -> str:
    return filters.cursor_at(project, order, trace)


def rows(traces: Sequence[Trace], member: Membership | None = None) -> list[Row]:
    """The traces with what is known of each; a fixed number of queries for any number of them.

    Of those that the member judges blind nothing is told but the trace itself.
    """
    readings.refresh(traces)
    hidden = blindness.hides_in_lists(member, traces) if member else frozenset()
    open_ones = [trace for trace in traces if trace.pk not in hidden]
    scores, feedback = defaultdict(list), defaultdict(list)
    for score in Score.objects.filter(trace__in=open_ones).order_by("name", "key"):
        scores[score.trace_id].append(score)
    for statement in Feedback.objects.filter(trace__in=open_ones):
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
    return rendering.unmarked(str(text))


def _lowest(scores: Sequence[Score], source: Source) -> Score | None:
    of_source = [score for score in scores if score.source == source]
    valued = [score for score in of_source if score.value is not None]
    return min(valued, key=lambda score: score.value or 0.0, default=of_source[0] if of_source else None)


class DateBin(Func):
    function = "date_bin"
    output_field = DateTimeField()


def volume(project: Project, asked: Asked, member: Membership | None = None) -> charts.Volume | None:
    """Traces over time and how many of them a judge put under one half; None if that takes too long."""
    readings.refresh_project(project.pk, PAGE)
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {CHART_MILLISECONDS}")
            hidden = blindness.hidden_traces(member) if member else Q(pk__in=[])
            return _volume(Trace.objects.filter(asked.condition, project=project), asked, hidden)
    except OperationalError:
        return None


def _volume(traces: QuerySet[Trace], asked: Asked, hidden: Q) -> charts.Volume | None:
    found = traces.aggregate(first=Min("started_at"), last=Max("started_at"))
    if found["first"] is None:
        return None
    start, end = _extent(asked, found["first"], found["last"])
    step = charts.step_for(start, end)
    low = Exists(Score.objects.filter(trace=OuterRef("pk"), source=Source.LLM, value__lt=DOUBT)) & ~hidden
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


def to_add(project: Project, asked: Asked) -> tuple[list[str], bool]:
    """The ids of the newest matching traces, and whether there are more."""
    readings.refresh_project(project.pk)
    matching = Trace.objects.filter(asked.condition, project=project).order_by("-started_at", "-pk")
    found = list(matching.values_list("trace_id", flat=True)[: MOST_TO_ADD + 1])
    return found[:MOST_TO_ADD], len(found) > MOST_TO_ADD


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
