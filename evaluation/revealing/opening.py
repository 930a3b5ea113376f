"""May this member see now what judges, peers and leads made of an item?"""

from __future__ import annotations

from django.http import Http404

from reviewapp.access import MemberRequest
from reviewapp.models import Membership, Role
from reviewapp.review import blindness
from reviewapp.review.models import Assignment, ReviewItem, State


def item_or_404(request: MemberRequest, pk: int) -> ReviewItem:
    items = ReviewItem.objects.of_project(request.project).select_related("queue", "trace", "other_trace")
    found = items.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def is_open_to(membership: Membership, item: ReviewItem) -> bool:
    """A reviewer needs a label of their own that stands; nobody sees what they still have to judge blind.

    The trace may wait for the same person in another queue or as a repeat, so that is asked too.
    """
    if not Role(membership.role).allows(Role.LEAD) and not own(membership, item):
        return False
    traces = [item.trace, *([item.other_trace] if item.other_trace else [])]
    return not blindness.hides(membership, traces)


def opens(request: MemberRequest, item: ReviewItem) -> bool:
    """The same; it is noted with their own labels, so that another answer counts no more."""
    if not is_open_to(request.membership, item):
        return False
    blindness.note_opened(item, request.user)
    return True


def own(membership: Membership, item: ReviewItem) -> Assignment | None:
    """The member's assignment with a label that stands."""
    mine = Assignment.objects.filter(item=item, reviewer=membership.user_id, state=State.SUBMITTED)
    return mine.filter(current__isnull=False).first()
