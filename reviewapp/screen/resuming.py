"""Which of the items that a reviewer holds comes first? What was taken back, before what was given out."""

from __future__ import annotations

from collections.abc import Sequence

from reviewapp.review.leases import Lease
from reviewapp.review.models import Kind, Label


def first(held: Sequence[Lease]) -> Lease | None:
    """Of leases, the oldest first: the label that was taken back last, then the oldest.

    To take it back one had to leave an item that was there before: that one can wait.
    """
    if len(held) < 2:
        return next(iter(held), None)
    undone = Label.objects.filter(assignment__in=[lease.assignment_id for lease in held], kind=Kind.UNDO)
    last = undone.order_by("-created_at", "-pk").values_list("assignment_id", flat=True).first()
    return next((lease for lease in held if lease.assignment_id == last), held[0])
