"""Whose turn is it? In a round-robin queue each item is for some of the reviewers named, in their order."""

from __future__ import annotations

from collections.abc import Sequence

from reviewapp.models import User
from reviewapp.review.models import AssignedTo, Assignment, ItemState, Purpose, Queue, ReviewItem, State


def share(queue: Queue, items: Sequence[ReviewItem]) -> None:
    """Each of these items, which are not stored by this, for `required` of the reviewers named."""
    if queue.assignment != AssignedTo.ROUND_ROBIN:
        return
    people = _named(queue)
    if not people:
        return
    turn = ReviewItem.objects.filter(queue=queue).count()
    for item in items:
        chosen = [people[(turn + step) % len(people)] for step in range(min(item.required, len(people)))]
        item.reserved_for = chosen
        turn += len(chosen)


def share_again(queue: Queue) -> None:
    """After the reviewers of a queue have changed: its open items, also those held, as a holder may let go.

    What is closed is for anyone, should its label be taken back or an item be opened again.
    """
    ours = ReviewItem.objects.filter(queue=queue, purpose=Purpose.REVIEW)
    if queue.assignment != AssignedTo.ROUND_ROBIN:
        ours.exclude(reserved_for=[]).update(reserved_for=[])
        return
    closed = ours.exclude(state=ItemState.OPEN)
    closed.exclude(reserved_for__contained_by=_named(queue)).update(reserved_for=[])
    items = list(ours.filter(state=ItemState.OPEN).only("pk", "required", "reserved_for").order_by("pk"))
    share(queue, items)
    ReviewItem.objects.bulk_update(items, ["reserved_for"], batch_size=1000)


def pass_on(item: ReviewItem, reviewer: User) -> None:
    """What its reviewer has skipped is now for the next in turn as well, who has not begun it.

    Not so while it waits for as many others as are still to answer: it may be skipped again and again. The
    item is locked by the caller.
    """
    if item.queue.assignment != AssignedTo.ROUND_ROBIN or item.purpose != Purpose.REVIEW:
        return
    people = _named(item.queue)
    place = people.index(reviewer.pk) + 1 if reviewer.pk in people else 0
    reserved, open_slots = ReviewItem.objects.values_list("reserved_for", "open_slots").get(pk=item.pk)
    begun = Assignment.objects.filter(item=item).exclude(state=State.RELEASED)
    gone = {reviewer.pk, *begun.values_list("reviewer", flat=True)}
    if not reserved or len({*reserved} - gone) >= open_slots:
        return
    others = gone.union(reserved)
    following = next((pk for pk in people[place:] + people[:place] if pk not in others), None)
    if following is not None:
        ReviewItem.objects.filter(pk=item.pk).update(reserved_for=[*reserved, following])


def _named(queue: Queue) -> list[int]:
    """The users named for the queue, in the order of their turns."""
    return list(queue.assignees.order_by("pk").values_list("membership__user", flat=True))
