"""Which traces are old enough to delete, and how? Never one that a floor above holds."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from ingest.models import Feedback, Score, Superseded, Trace


def due(days: int, besides: set[int], most: int) -> list[int]:
    """Traces that nobody holds and for which nothing has arrived for `days` days, the oldest first."""
    old = Now() - timedelta(days=days)
    found = Trace.objects.filter(held=False, first_seen__lt=old, last_seen__lt=old).exclude(pk__in=besides)
    return list(found.order_by("first_seen").values_list("pk", flat=True)[:most])


def hold(traces: set[int]) -> None:
    Trace.objects.filter(pk__in=traces, held=False).update(held=True)


def delete(traces: list[int]) -> None:
    """With all that was sent of them, and all that stands on them and does not refuse."""
    Trace.objects.only("pk").filter(pk__in=traces).delete()


def forget_unattached(days: int, most: int) -> int:
    """Statements whose trace never came, or came and went; how many."""
    old = Now() - timedelta(days=days)
    scores = Score.objects.filter(trace=None, received_at__lt=old)
    feedback = Feedback.objects.filter(trace=None, received_at__lt=old)
    replaced = Superseded.objects.filter(trace=None, kept_at__lt=old)
    return _some(scores, most) + _some(feedback, most) + _some(replaced, most)


def _some(rows: QuerySet[Score] | QuerySet[Feedback] | QuerySet[Superseded], most: int) -> int:
    chosen = list(rows.order_by("pk").values_list("pk", flat=True)[:most])
    return rows.model._default_manager.filter(pk__in=chosen).delete()[0] if chosen else 0
