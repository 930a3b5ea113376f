"""Which traces did people work on, so that they stay? And what is shown of those that go?"""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from reviewapp.review.models import (
    Assignment,
    CriterionType,
    Draft,
    Flag,
    Label,
    LabelAnswer,
    Resolution,
    ReviewItem,
    Snapshot,
    State,
)


def reviewed(traces: list[int]) -> set[int]:
    """Those with a label, a decision or a flag, in whichever part of a pair they stand."""
    items = items_of(traces)
    worked = {
        *Label.objects.filter(assignment__item__in=items).values_list("assignment__item", flat=True),
        *Resolution.objects.filter(item__in=items).values_list("item", flat=True),
        *Flag.objects.filter(item__in=items).values_list("item", flat=True),
    }
    return _traces_of(worked) & set(traces)


def leased(traces: list[int]) -> set[int]:
    """Those that someone has on the screen now."""
    items = items_of(traces)
    now = Assignment.objects.filter(item__in=items, state=State.LEASED, lease_until__gt=Now())
    return _traces_of(set(now.values_list("item", flat=True))) & set(traces)


def items_of(traces: list[int]) -> list[int]:
    of_item = Q(trace__in=traces) | Q(other_trace__in=traces)
    return list(ReviewItem.objects.filter(of_item).values_list("pk", flat=True))


def _traces_of(items: set[int]) -> set[int]:
    pairs = ReviewItem.objects.filter(pk__in=items).values_list("trace_id", "other_trace_id")
    return {pk for pair in pairs for pk in pair if pk is not None}


def shown_of(traces: list[int]) -> set[int]:
    """The snapshots of the items of these traces, those of earlier labels too."""
    items = items_of(traces)
    of_items = ReviewItem.objects.filter(pk__in=items).values_list("snapshot_id", flat=True)
    of_labels = Label.objects.filter(assignment__item__in=items).values_list("snapshot_id", flat=True)
    return {pk for pk in (*of_items, *of_labels) if pk is not None}


def blank(snapshots: set[int]) -> int:
    """Take the bytes away; the row and its hash stay. How many had any."""
    return Snapshot.objects.filter(pk__in=snapshots, erased_at=None).update(bytes=b"", erased_at=Now())


def used(snapshots: set[int]) -> set[int]:
    """Those of them that an item or a label still points to."""
    of_items = ReviewItem.objects.filter(snapshot__in=snapshots).values_list("snapshot_id", flat=True)
    of_labels = Label.objects.filter(snapshot__in=snapshots).values_list("snapshot_id", flat=True)
    return {pk for pk in (*of_items, *of_labels) if pk is not None}


def drafts_of(traces: list[int]) -> QuerySet[Draft]:
    return Draft.objects.filter(assignment__item__in=items_of(traces))


def blank_words(traces: list[int]) -> int:
    """Notes, corrections and written answers about these traces; verdicts and choices stay. How many rows."""
    items = items_of(traces)
    labels = Label.objects.filter(assignment__item__in=items)
    written = LabelAnswer.objects.filter(label__in=labels, criterion__type=CriterionType.TEXT)
    words = ~Q(note="") | ~Q(corrected_output="")
    texts = {"note": "", "corrected_output": ""}
    found = labels.filter(words).update(**texts) + written.exclude(value="").update(value="")
    found += Resolution.objects.filter(words, item__in=items).update(**texts)
    # A reason may quote what was said of the trace; its code stays.
    for item in ReviewItem.objects.filter(pk__in=items).only("pk", "reasons"):
        reasons = [{**reason, "detail": ""} for reason in item.reasons]
        ReviewItem.objects.filter(pk=item.pk).update(reasons=reasons)
    return found + Flag.objects.filter(item__in=items).exclude(note="").update(note="")
