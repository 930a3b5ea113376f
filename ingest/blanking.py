"""What is erased from a trace kept when a person's data is erased? Its texts, not its numbers."""

from __future__ import annotations

from django.db.models import QuerySet

from ingest.models import Feedback, FeedbackKind, LogRecord, Score, Span, Superseded, Trace, TraceRecord
from ingest.routing.models import Route

ERASED = "erased"
# What these kinds say is a number or a choice; of the others the value may be a text.
PLAIN = (FeedbackKind.THUMBS, FeedbackKind.RATING, FeedbackKind.TASK_COMPLETED)


def traces(pks: list[int]) -> None:
    for model in (Span, LogRecord, TraceRecord, Superseded):
        model._default_manager.filter(trace__in=pks).delete()
    Score.objects.filter(trace__in=pks).update(explanation="", metadata={})
    Route.objects.filter(trace__in=pks).update(reasons=[])
    feedback(Feedback.objects.filter(trace__in=pks))
    Trace.objects.filter(pk__in=pks).update(
        name="", input="", output="", error="", user_id="", session_id="", tags={}, flags=[ERASED],
        span_count=0, error_count=0, stale_since=None, held=True,
    )  # fmt: skip


def feedback(rows: QuerySet[Feedback]) -> int:
    """Who said it and in which words; what kind of signal it was stays."""
    chosen = list(rows.values_list("pk", flat=True))
    said = Feedback.objects.filter(pk__in=chosen)
    said.exclude(kind__in=PLAIN).update(value="")
    Superseded.objects.filter(key__in=said.values("key"), project__in=said.values("project")).delete()
    return said.update(comment="", user="", session="", payload={})
