"""What a reviewer said of one item, offered on others as drafts: nothing is a label before its own submit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from django.db import transaction

from reviewapp.review import items as stand
from reviewapp.review import leases
from reviewapp.review.models import Assignment, Draft, Label, ReviewItem, State
from reviewapp.review.refusals import ItemClosed

MOST = 200
# This many are held at once, to be gone through while the first is fresh in mind.
MOST_HELD = 10
# The words of a note belong to one answer; a verdict may fit many.
PROPOSED = ("verdict", "confidence", "failure_modes")


@transaction.atomic
def propose(label: Label, items: Sequence[int]) -> list[int]:
    """A draft for each of these open items of the label's queue that its reviewer has not begun; which ones.

    Raises NotAllowed where the queue is for others.
    """
    queue, reviewer = label.assignment.item.queue, label.reviewer
    leases.check_admission(queue, reviewer)
    fit = ReviewItem.objects.filter(
        pk__in=items, queue=queue, rubric_version=label.rubric_version_id, open_slots__gt=0
    )
    ours = [item.pk for item in fit.order_by("pk") if reviewer.pk in (item.reserved_for or [reviewer.pk])]
    begun = Assignment.objects.filter(item__in=ours, reviewer=reviewer).values_list("item_id", flat=True)
    fresh = sorted(set(ours) - set(begun))[:MOST]
    Assignment.objects.bulk_create(
        [Assignment(item_id=pk, reviewer=reviewer, state=State.RELEASED) for pk in fresh],
        ignore_conflicts=True,
    )
    made = Assignment.objects.filter(item__in=fresh, reviewer=reviewer, state=State.RELEASED)
    drafts = [Draft(assignment=assignment, version=1, body=_body(label)) for assignment in made]
    Draft.objects.bulk_create(drafts, ignore_conflicts=True)
    return fresh


def hold(label: Label, items: Sequence[int]) -> int:
    """The first of them for the label's reviewer, who gets them next; how many. None of a paused queue."""
    held = 0
    for pk in items[:MOST_HELD]:
        with suppress(ItemClosed):
            item = stand.find(label.assignment.item.queue.project, pk)
            if item is not None and not item.queue.paused:
                leases.reclaim(item, label.reviewer)
                held += 1
    return held


def _body(label: Label) -> dict[str, object]:
    given = label.answers.select_related("criterion")
    answers = {answer.criterion.key: answer.value for answer in given}
    return {name: getattr(label, name) for name in PROPOSED} | {"answers": answers}
