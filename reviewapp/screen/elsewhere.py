"""Where does a trace of an item still wait for a reviewer, so that nothing may be told of it yet?"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from reviewapp.models import Membership, User
from reviewapp.review import blindness, seats
from reviewapp.review.models import Purpose, Queue, ReviewItem


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """`queues` are those of them in which this reviewer can answer. That it is asked once more, to see
    whether the answer is the same, is not told: so there may be none."""

    queues: tuple[Queue, ...] = ()


def find(item: ReviewItem, reader: User) -> Elsewhere:
    """For an item of which `blindness.is_still_to_judge` is true."""
    membership = Membership.objects.get(project=item.queue.project_id, user=reader)
    traces = [pk for pk in (item.trace_id, item.other_trace_id) if pk]
    waiting = blindness.hidden_items(membership).exclude(pk=item.pk).filter(purpose=Purpose.REVIEW)
    of_traces = waiting.filter(Q(trace__in=traces) | Q(other_trace__in=traces))
    found = Queue.objects.filter(pk__in=of_traces.values("queue")).exclude(pk=item.queue_id)
    return Elsewhere(tuple(queue for queue in found.order_by("name") if seats.admits(queue, reader)))
