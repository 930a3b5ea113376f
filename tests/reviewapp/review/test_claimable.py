"""Whoever counts what waits for a reviewer counts what the claim would give, whatever stands in the way."""

from __future__ import annotations

import pytest

from reviewapp import waiting
from reviewapp.models import Membership
from reviewapp.review import leases, queues
from reviewapp.review.models import Assignment, ReviewItem
from reviewapp.review.refusals import NotAllowed
from reviewapp.screen import queue_list, sittings
from tests.reviewapp.review.making import filled, make_queue, make_reviewer

pytestmark = pytest.mark.django_db


def set_aside(queue, rita):
    ReviewItem.objects.filter(pk__in=queue.items.values("pk")[:2]).update(reserved_for=[rita.pk])
    other = make_reviewer(queue.project, "paul")
    ReviewItem.objects.filter(reserved_for=[]).update(reserved_for=[other.pk])


def begun(queue, rita):
    """In each of the four states."""
    for state, item in zip(("leased", "skipped", "released"), queue.items.order_by("pk"), strict=False):
        lease = leases.reclaim(item, rita)
        if state == "skipped":
            leases.skip(item, rita, lease.token, "context")
        if state == "released":
            leases.release(item, rita, lease.token)


def closed(queue, rita):
    ReviewItem.objects.filter(pk=queue.items.first().pk).update(state="resolved", open_slots=0)


def of_the_audit_lane(queue, rita):
    day = queue.created_at.date()
    queue.items.update(lane="audit", audit_rank=0.5, rank=None, u=0.5, day=day)


def paused(queue, rita):
    queues.change(queue, paused=True)


def archived(queue, rita):
    queues.archive(queue)


def for_others(queue, rita):
    queues.change(queue, assignment="named", assignees=["leo"])


def for_this_one(queue, rita):
    queues.change(queue, assignment="named", assignees=[rita.username])


SITUATIONS = [set_aside, begun, closed, of_the_audit_lane, paused, archived, for_others, for_this_one]


def handed_out(queue, rita):
    """How many a claim gives until it gives no more, without those skipped before."""
    queue.refresh_from_db()
    given = set()
    try:
        while (lease := leases.claim(queue, rita)) and not lease.skipped_before:
            given.add(lease.item.pk)
    except NotAllowed:
        return 0
    return len(given)


@pytest.mark.parametrize("happened", SITUATIONS)
@pytest.mark.parametrize("overlap", [1, 2])
def test_what_is_counted_is_what_the_claim_gives(project, reviewer, lead, happened, overlap):
    rita, queue = reviewer.user, make_queue(project, overlap=overlap)
    filled(queue, 5)
    happened(queue, rita)
    held = Assignment.objects.held().filter(reviewer=rita).count()
    membership = Membership.objects.get(user=rita, project=project)
    (row,) = queue_list.rows_of(membership)
    counted = {
        "the navigation": waiting.for_member(membership).to_label.number,
        "the list of queues": row.mine.now if row.gives_out else 0,
        "a sitting": sittings.waiting_for(queue, rita, 60) - held,
    }
    given = handed_out(queue, rita)
    assert counted == dict.fromkeys(counted, given)
