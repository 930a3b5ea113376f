"""Which statements of users count now: of thumbs, ratings and task results only a person's latest one.

All other kinds (a copy, a retry, an escalation) add up. History is kept in either case.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Concat

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


# What anyone could have sent replaces nothing that is vouched for.
_VOUCHED = Coalesce("signed", Value(True))


def time_of(statement: Feedback) -> datetime:
    """When it was said, as far as is known: what counts is decided without the time of reception."""
    return statement.received_at if statement.occurred_at == UNDATED else statement.occurred_at


def counting() -> QuerySet[Feedback]:
    """All feedback but what the same person has replaced since (ties by key)."""
    known = Feedback.objects.annotate(who=_WHO, vouched=_VOUCHED)
    later = known.filter(
        Q(occurred_at__gt=OuterRef("occurred_at"))
        | Q(occurred_at=OuterRef("occurred_at"), key__gt=OuterRef("key")),
        trace=OuterRef("trace"),
        span_id=OuterRef("span_id"),
        kind=OuterRef("kind"),
        dimension=OuterRef("dimension"),
        who=OuterRef("who"),
        vouched=OuterRef("vouched"),
    )
    return known.filter(~Q(kind__in=LATEST_COUNTS) | ~Exists(later))


def counting_keys(history: Iterable[Feedback]) -> frozenset[str]:
    """The keys of one trace's feedback that count now: `counting` over rows already read."""
    latest: dict[tuple[str, ...], Feedback] = {}
    keys = set()
    for statement in sorted(history, key=lambda row: (row.occurred_at, row.key)):
        if statement.kind in LATEST_COUNTS:
            latest[_subject(statement)] = statement
        else:
            keys.add(statement.key)
    return frozenset(keys | {statement.key for statement in latest.values()})


def _subject(row: Feedback) -> tuple[str, ...]:
    who = ("u", row.user) if row.user else ("s", row.session) if row.session else ("k", row.key)
    vouched = "unsigned" if row.signed is False else ""
    return (*who, vouched, row.span_id, row.kind, row.dimension)
