"""Which statements of users count now: of thumbs, ratings and task results only a person's latest one.

All other kinds (a copy, a retry, an escalation) add up. History is kept in either case.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db.models import Case, CharField, DateTimeField, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Concat

from ingest.models import Feedback, FeedbackKind

# The time of a statement whose sender gave none. It is older than any real one.
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_COUNTS = (FeedbackKind.THUMBS, FeedbackKind.RATING, FeedbackKind.TASK_COMPLETED)

_WHO = Case(
    When(~Q(user=""), then=Concat(Value("u:"), "user")),
    When(~Q(session=""), then=Concat(Value("s:"), "session")),
    default=Concat(Value("k:"), "key"),
    output_field=CharField(),
)
# Statements without a time of their own have only their order of reception.
_WHEN = Case(
    When(occurred_at=UNDATED, then="received_at"), default="occurred_at", output_field=DateTimeField()
)


def time_of(statement: Feedback) -> datetime:
    return statement.received_at if statement.occurred_at == UNDATED else statement.occurred_at


def counting() -> QuerySet[Feedback]:
    """All feedback but what the same person has replaced since (ties by key)."""
    known = Feedback.objects.annotate(who=_WHO, said_at=_WHEN)
    later = known.filter(
        Q(said_at__gt=OuterRef("said_at")) | Q(said_at=OuterRef("said_at"), key__gt=OuterRef("key")),
        trace=OuterRef("trace"),
        span_id=OuterRef("span_id"),
        kind=OuterRef("kind"),
        dimension=OuterRef("dimension"),
        who=OuterRef("who"),
    )
    return known.filter(~Q(kind__in=LATEST_COUNTS) | ~Exists(later))


def counting_keys(history: Iterable[Feedback]) -> frozenset[str]:
    """The keys of one trace's feedback that count now: `counting` over rows already read."""
    latest: dict[tuple[str, ...], Feedback] = {}
    keys = set()
    for statement in sorted(history, key=lambda row: (time_of(row), row.key)):
        if statement.kind in LATEST_COUNTS:
            latest[_subject(statement)] = statement
        else:
            keys.add(statement.key)
    return frozenset(keys | {statement.key for statement in latest.values()})


def _subject(row: Feedback) -> tuple[str, ...]:
    who = ("u", row.user) if row.user else ("s", row.session) if row.session else ("k", row.key)
    return (*who, row.span_id, row.kind, row.dimension)
