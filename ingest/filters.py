"""Which traces does a reader ask for? The closed table from a parameter's name to its condition.

The trace list, its API and the exports read the same parameters; nothing outside this table reaches a
query. Blank values are ignored, so a form may send all of its fields; a repeated one widens (any of).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.core import signing
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_date, parse_datetime

from ingest import feedback
from ingest.models import FeedbackKind, Project, Score, Status, Trace

LONGEST_VALUE = 500
MOST_BOUNDS = 5
MOST_VALUES = 50


class Refused(ValueError):
    """Parameters that cannot be read; `errors` has one {"field", "error"} for each."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(f"{error['field']}: {error['error']}" for error in errors))
        self.errors = errors


class Order(models.TextChoices):
    NEWEST = "newest", "Newest first"
    OLDEST = "oldest", "Oldest first"


@dataclass(frozen=True, slots=True)
class Filter:
    """`condition` reads one value and raises ValueError with what would be right."""

    condition: Callable[[str], Q]
    description: str
    choices: tuple[str, ...] = ()


def _text(column: str) -> Callable[[str], Q]:
    return lambda value: Q(**{column: value})


def _choice(choices: Collection[str], condition: Callable[[str], Q]) -> Callable[[str], Q]:
    def read(value: str) -> Q:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return condition(value)

    return read


def _yes_or_no(condition: Q) -> Callable[[str], Q]:
    return _choice(YES_NO, lambda value: condition if value == "true" else ~condition)


YES_NO = ("true", "false")


def _moment(value: str, *, end: bool = False) -> datetime:
    """A time, or a day: its first instant, or with `end` the first one after it; UTC unless it says."""
    try:
        day = parse_date(value)
        if day is not None:
            return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=int(end))
        time = parse_datetime(value.replace(" ", "+"))
        if time is not None:
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("must be a date or a time such as 2026-08-06T09:30:00Z")


SEARCHED = re.compile(r"(.*?)([^\s\"]*)", re.DOTALL)
EITHER = re.compile(r"\bor\b", re.IGNORECASE)


def _search(value: str) -> Q:
    """Words as in a web search; the last one may still be being typed, so it matches as a beginning."""
    head, last = SEARCHED.fullmatch(value).groups()  # type: ignore[union-attr]
    if not last or last.startswith("-") or head.count('"') % 2 or EITHER.search(value):
        query: Any = SearchQuery(value, config="simple", search_type="websearch")
    else:
        quoted = last.replace("\\", "\\\\").replace("'", "''")
        query = SearchQuery(f"'{quoted}':*", config="simple", search_type="raw")
        if head.strip():
            query = SearchQuery(head, config="simple", search_type="websearch") & query
    return Q(trace_id=value.strip()) | Q(search=query)


def _number(value: str) -> float | None:
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("must be a number")
    return number


def _score_between(name: str, low: float | None, high: float | None) -> Q:
    bounds = Q(name=name)
    if low is not None:
        bounds &= Q(value__gte=low)
    if high is not None:
        bounds &= Q(value__lte=high)
    return Q(Exists(Score.objects.filter(bounds, trace=OuterRef("pk"))))


def _score(value: str) -> Q:
    """`name`, or `name:min:max` where either bound may be empty."""
    if value.count(":") < 2:
        return _score_between(value, None, None)
    name, low, high = value.rsplit(":", 2)
    return _score_between(name, _number(low), _number(high))


# Beside each kind on its own: what was said, as counted now.
FEEDBACK_WORDS = {
    "thumbs_up": Q(kind=FeedbackKind.THUMBS, number=1),
    "thumbs_down": Q(kind=FeedbackKind.THUMBS, number=0),
    "rating_high": Q(kind=FeedbackKind.RATING, number__gt=0.5),
    "rating_low": Q(kind=FeedbackKind.RATING, number__lte=0.5),
    "task_done": Q(kind=FeedbackKind.TASK_COMPLETED, number=1),
    "task_failed": Q(kind=FeedbackKind.TASK_COMPLETED, number=0),
    "any": Q(),
    **{kind.value: Q(kind=kind) for kind in FeedbackKind},
}


def _feedback(value: str) -> Q:
    return Q(Exists(feedback.counting().filter(FEEDBACK_WORDS[value], trace=OuterRef("pk"))))


FILTERS: dict[str, Filter] = {
    "q": Filter(_search, 'Words in input, output or trace id: "a phrase", -without, this or that'),
    "trace_id": Filter(_text("trace_id"), "Exactly this trace"),
    "from": Filter(lambda value: Q(started_at__gte=_moment(value)), "Started at this time or later"),
    "to": Filter(
        lambda value: Q(started_at__lt=_moment(value, end=True)),
        "Started before this time, or up to this day",
    ),
    "route": Filter(_text("route"), "Route"),
    "model": Filter(_text("model"), "Model"),
    "provider": Filter(_text("provider"), "Provider"),
    "prompt_name": Filter(_text("prompt_name"), "Prompt name"),
    "prompt_version": Filter(_text("prompt_version"), "Prompt version"),
    "environment": Filter(_text("environment"), "Environment"),
    "session_id": Filter(_text("session_id"), "Session"),
    "user_id": Filter(_text("user_id"), "User"),
    "status": Filter(_choice(Status.values, _text("status")), "Status", tuple(Status.values)),
    "has_error": Filter(
        _yes_or_no(Q(status=Status.ERROR) | Q(error_count__gt=0)),
        "The trace or one of its spans failed",
        YES_NO,
    ),
    "drawn": Filter(_yes_or_no(Q(draw__drawn=True)), "Drawn into the audit sample", YES_NO),
    "score": Filter(_score, "name, or name:min:max; a bound may be empty"),
    "feedback": Filter(
        _choice(FEEDBACK_WORDS, _feedback), "What users said, as it counts now", tuple(FEEDBACK_WORDS)
    ),
}
# A range may also be asked for as score.NAME.min and score.NAME.max.
SCORE_BOUND = re.compile(r"score\.(?P<name>.+)\.(?P<bound>min|max)", re.DOTALL)


def _checked(value: str) -> str:
    if len(value) > LONGEST_VALUE:
        raise ValueError(f"must be at most {LONGEST_VALUE} characters")
    if "\0" in value:
        raise ValueError("must not contain U+0000")
    return value


def _condition(name: str, values: Sequence[str]) -> Q:
    if name not in FILTERS:
        raise ValueError(f"is unknown; known are {', '.join(FILTERS)}, score.NAME.min, score.NAME.max")
    if len(values) > MOST_VALUES:
        raise ValueError(f"may be given at most {MOST_VALUES} times")
    anyof = Q()
    for value in values:
        if _checked(value).strip():
            anyof |= FILTERS[name].condition(value)
    return anyof


def _bounds(params: QueryDict) -> dict[str, str]:
    """`score.NAME.min` and `.max` as one `NAME:min:max` each, since both must hold for the same score."""
    bounds: dict[str, dict[str, str]] = {}
    for name in params:
        match = SCORE_BOUND.fullmatch(name)
        if match and (value := str(params[name]).strip()):
            bounds.setdefault(match["name"], {})[match["bound"]] = value
    return {name: f"{name}:{given.get('min', '')}:{given.get('max', '')}" for name, given in bounds.items()}


def select(params: QueryDict, *, besides: Collection[str] = ()) -> Q:
    """The condition on traces that `params` ask for; names in `besides` belong to someone else.

    Raises Refused with every parameter that cannot be read.
    """
    asked = [(name, name, values) for name, values in params.lists() if not SCORE_BOUND.fullmatch(name)]
    bounds = list(_bounds(params).items())
    asked += [(f"score.{name}", "score", [value]) for name, value in bounds[:MOST_BOUNDS]]
    condition, errors = Q(), []
    # Each is a join of its own, and the planner's time doubles with every few of them.
    for name, _ in bounds[MOST_BOUNDS:]:
        errors.append(
            {"field": f"score.{name}", "error": f"is one too many; {MOST_BOUNDS} scores can be asked for"}
        )
    for field, name, values in asked:
        try:
            if field not in besides:
                condition &= _condition(name, values)
        except ValueError as error:
            errors.append({"field": field, "error": str(error)})
    if errors:
        raise Refused(errors)
    return condition


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the cursor of the page after this one, empty on the last."""

    traces: list[Trace]
    next: str


_signer = signing.Signer(salt="ingest.filters.cursor")


def cursor_at(project: Project, order: Order, trace: Trace) -> str:
    """The cursor of whatever follows this trace in that order."""
    return _signer.sign_object([project.pk, order, trace.started_at.isoformat(), trace.pk])


def _position(cursor: str, order: Order, project_id: int) -> Q:
    """What lies behind the cursor; only a cursor that this server made for this list is read."""
    try:
        made_for, made_in, started_at, pk = _signer.unsign_object(cursor)
    except (signing.BadSignature, ValueError) as error:
        raise Refused([{"field": "cursor", "error": "is not a cursor of this list"}]) from error
    if made_for != project_id or made_in != order:
        raise Refused([{"field": "cursor", "error": "belongs to another list"}])
    time = datetime.fromisoformat(started_at)
    # The first half alone is a range of the index; the second takes out the ties already shown.
    if order == Order.NEWEST:
        return Q(started_at__lte=time) & ~Q(started_at=time, id__gte=pk)
    return Q(started_at__gte=time) & ~Q(started_at=time, id__lte=pk)


def page(
    traces: QuerySet[Trace],
    project: Project,
    *,
    order: Order = Order.NEWEST,
    cursor: str = "",
    limit: int = 50,
) -> Page:
    """One page of `traces` (already narrowed), steady while new traces arrive."""
    rows = traces.filter(project=project)
    if cursor:
        rows = rows.filter(_position(cursor, order, project.pk))
    sign = "-" if order == Order.NEWEST else ""
    found = list(rows.order_by(f"{sign}started_at", f"{sign}id")[: limit + 1])
    if len(found) <= limit:
        return Page(found, "")
    return Page(found[:limit], cursor_at(project, order, found[limit - 1]))
