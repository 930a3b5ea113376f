"""Claims, one reviewer at a time: order, lanes, expiry, skip, and who may."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from reviewapp import members
from reviewapp.models import Membership, Role
from reviewapp.review import items, labels, leases, queues, ranks
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, ItemState, ReviewItem, SkipReason, State
from reviewapp.review.refusals import ItemClosed, LeaseLost, NotAllowed
from tests.reviewapp.review.making import (
    FAIL,
    PASS,
    assert_sound,
    filled,
    make_queue,
    make_reviewer,
    make_traces,
    reload,
)

pytestmark = pytest.mark.django_db


def run_out(lease):
    Assignment.objects.filter(pk=lease.assignment_id).update(lease_until=Now() - timedelta(seconds=1))


def with_ranks(queue, ranked):
    """Items of the risk lane with these ranks, in a new order."""
    made = filled(queue, len(ranked))
    for item, rank in zip(made, ranked, strict=True):
        ReviewItem.objects.filter(pk=item.pk).update(rank=rank)
    return made


def audit_items(queue, draws):
    made = []
    for index, (day, u) in enumerate(draws):
        (trace,) = make_traces(queue.project, 1, prefix=f"audit{index}")
        item = items.enqueue(queue, [trace.trace_id]).added[0]
        ReviewItem.objects.filter(pk=item.pk).update(
            lane="audit", rank=None, day=day, u=u, audit_rank=ranks.audit(day, u)
        )
        made.append(item)
    return made


def test_the_highest_rank_comes_first(queue, rita):
    made = with_ranks(queue, [1.0, 3.0, 2.0])
    claimed = [leases.claim(queue, rita).item.pk for _ in range(3)]
    assert claimed == [made[1].pk, made[2].pk, made[0].pk]
    assert leases.claim(queue, rita) is None


def test_a_lease_holds_the_slot_and_shows_what_was_kept(queue, rita, paul):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    assert lease.item.snapshot is not None
    assert b"answer review-00000" in bytes(lease.item.snapshot.bytes)
    assert leases.claim(queue, paul) is None
    assert [each.token for each in leases.held(queue, rita)] == [lease.token]
    assert leases.held(queue, paul) == []


def test_an_old_item_of_less_priority_comes_before_a_new_one():
    old, new = ranks.EPOCH, ranks.EPOCH + timedelta(days=15)
    assert ranks.risk(0.5, old) > ranks.risk(1.5, new)
    assert ranks.risk(0.5, old) < ranks.risk(1.5, old + timedelta(days=13))


def test_every_fourth_claim_is_of_the_audit_lane_oldest_day_first_then_by_u(queue, rita):
    days = [ranks.EPOCH.date() + timedelta(days=n) for n in (0, 1)]
    late, early_high, early_low = audit_items(queue, [(days[1], 0.01), (days[0], 0.9), (days[0], 0.2)])
    filled(queue, 9)
    order = [leases.claim(queue, rita).item.pk for _ in range(12)]
    audit = [late.pk, early_high.pk, early_low.pk]
    assert [place for place, pk in enumerate(order) if pk in audit] == [3, 7, 11]
    assert [pk for pk in order if pk in audit] == [early_low.pk, early_high.pk, late.pk]


def test_reviewers_begin_at_different_places_of_the_lanes(queue, project):
    day = ranks.EPOCH.date()
    audit = {item.pk for item in audit_items(queue, [(day, n / 10) for n in range(4)])}
    filled(queue, 20)
    people = [make_reviewer(project, f"r{n}") for n in range(8)]
    first = [leases.claim(queue, person).item.pk in audit for person in people]
    assert sum(first) == 2


def test_a_lane_that_is_empty_keeps_nobody_waiting(queue, rita):
    audit_items(queue, [(ranks.EPOCH.date(), 0.5), (ranks.EPOCH.date(), 0.6)])
    assert leases.claim(queue, rita) is not None
    assert leases.claim(queue, rita) is not None


def test_an_expired_lease_is_back_for_whoever_asks_next(queue, rita, paul):
    filled(queue, 1)
    first = leases.claim(queue, rita)
    run_out(first)
    second = leases.claim(queue, paul)
    assert second.item.pk == first.item.pk
    with pytest.raises(LeaseLost) as lost:
        labels.submit(first.item, Actor(rita), first.token, PASS)
    assert not lost.value.can_reclaim
    assert_sound(queue.project)


def test_the_job_frees_expired_leases_too(queue, rita):
    filled(queue, 2)
    first, _ = leases.claim(queue, rita), leases.claim(queue, rita)
    run_out(first)
    assert leases.expire() == 1
    assert leases.expire() == 0
    assert_sound(queue.project)


def test_after_an_expiry_the_same_reviewer_may_take_it_again(queue, rita):
    filled(queue, 1)
    first = leases.claim(queue, rita)
    run_out(first)
    with pytest.raises(LeaseLost) as lost:
        leases.heartbeat(first.item, rita, first.token)
    assert lost.value.can_reclaim
    again = leases.reclaim(reload(first.item), rita)
    assert again.item.pk == first.item.pk and again.token != first.token
    assert labels.submit(again.item, Actor(rita), again.token, PASS).is_new


def test_reclaiming_what_one_holds_changes_nothing(queue, rita):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    assert leases.reclaim(reload(lease.item), rita).token == lease.token


def test_reclaiming_what_others_took_is_refused_in_words(queue, rita, paul):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    run_out(lease)
    leases.claim(queue, paul)
    with pytest.raises(ItemClosed, match="Others have taken"):
        leases.reclaim(reload(lease.item), rita)


def test_a_heartbeat_renews_by_the_clock_of_the_database(queue, rita):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    Assignment.objects.filter(pk=lease.assignment_id).update(lease_until=Now() + timedelta(minutes=5))
    until = leases.heartbeat(lease.item, rita, lease.token)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    assert timedelta(minutes=10) < until - now <= timedelta(minutes=15)


def test_only_the_current_token_counts(queue, rita):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    for act in (
        lambda token: leases.heartbeat(lease.item, rita, token),
        lambda token: leases.release(lease.item, rita, token),
        lambda token: leases.skip(lease.item, rita, token, SkipReason.CONTEXT),
        lambda token: labels.submit(lease.item, Actor(rita), token, PASS),
    ):
        with pytest.raises(LeaseLost):
            act(uuid.uuid4())
    leases.release(lease.item, rita, lease.token)
    with pytest.raises(LeaseLost):
        leases.release(lease.item, rita, lease.token)
    assert_sound(queue.project)


def test_a_skipped_item_goes_to_others_and_comes_last_in_my_own_order(queue, rita, paul):
    first, second = with_ranks(queue, [2.0, 1.0])
    lease = leases.claim(queue, rita)
    leases.skip(lease.item, rita, lease.token, SkipReason.EXPERTISE)
    assert leases.claim(queue, rita).item.pk == second.pk
    again = leases.claim(queue, rita)
    assert again.item.pk == first.pk and again.skipped_before
    leases.release(again.item, rita, again.token)
    assert leases.claim(queue, paul).item.pk == first.pk


def test_a_released_item_keeps_its_place(queue, rita):
    first, _ = with_ranks(queue, [2.0, 1.0])
    lease = leases.claim(queue, rita)
    leases.release(lease.item, rita, lease.token)
    assert leases.claim(queue, rita).item.pk == first.pk


def test_a_removed_item_takes_what_repeats_it_along(queue, rita, paul):
    (item,) = filled(queue, 1)
    copy = ReviewItem.objects.get(pk=item.pk)
    copy.pk, copy.purpose, copy.original = None, "known", item
    copy.subject, copy.reserved_for = "again", [paul.pk]
    copy.save()
    items.remove(item, "a lead")
    assert leases.claim(queue, paul) is None
    assert reload(copy).state == ItemState.REMOVED


def test_a_paused_or_archived_queue_gives_nothing(queue, rita):
    filled(queue, 1)
    queue = queues.change(queue, paused=True)
    assert leases.claim(queue, rita) is None
    # Nor by name; what one had begun may be finished.
    for item in ReviewItem.objects.filter(queue=queue):
        with pytest.raises(ItemClosed, match="paused"):
            leases.reclaim(reload(item), rita)
    queue = queues.change(queue, paused=False)
    lease = leases.claim(queue, rita)
    queue = queues.change(queue, paused=True)
    run_out(lease)
    assert leases.reclaim(reload(lease.item), rita).item == lease.item
    queue = queues.change(queue, paused=False)
    queues.archive(queue)
    assert leases.claim(queues.find(queue.project, queue.slug), rita) is None


def test_a_named_queue_serves_only_those_named(project, rita, paul):
    queue = make_queue(project, "named", assignment="named", assignees=["rosa"])
    filled(queue, 1)
    with pytest.raises(NotAllowed):
        leases.claim(queue, paul)
    assert leases.claim(queue, rita) is not None


def test_round_robin_shares_the_items_out(project, rita, paul):
    queue = make_queue(project, "turns", assignment="round_robin", assignees=["rosa", "paul"])
    filled(queue, 6)
    mine = [leases.claim(queue, rita) for _ in range(4)]
    assert sum(lease is not None for lease in mine) == 3
    queues.change(queue, assignees=["rosa"])
    assert leases.claim(queue, rita) is not None


def test_what_waited_for_a_member_who_goes_is_for_the_others(project, rita, paul):
    queue = make_queue(project, assignment="round_robin", assignees=[rita.username, paul.username])
    made = filled(queue, 4)
    copy = ReviewItem.objects.get(pk=made[0].pk)
    copy.pk, copy.purpose, copy.original = None, "repeat", made[0]
    copy.subject, copy.reserved_for = "again", [paul.pk]
    copy.save()
    members.remove(Membership.objects.get(user=paul))
    taken = [leases.claim(queue, rita).item.pk for _ in range(4)]
    assert sorted(taken) == sorted(item.pk for item in made)
    assert leases.claim(queue, rita) is None
    assert queues.counts(project)[queue.pk].waiting == 0


def test_a_removed_item_is_gone_for_good(queue, rita):
    (item,) = filled(queue, 1)
    lease = leases.claim(queue, rita)
    items.remove(item, "leonie")
    with pytest.raises(LeaseLost, match="removed"):
        labels.submit(lease.item, Actor(rita), lease.token, FAIL)
    assert leases.claim(queue, rita) is None
    again = items.enqueue(queue, [item.trace.trace_id])
    assert again.added == [] and again.known == [item.trace.trace_id]
    assert reload(item).state == ItemState.REMOVED
    assert_sound(queue.project)


def test_a_deactivated_role_or_foreign_project_claims_nothing_of_ours(queue, other_project):
    theirs = make_queue(other_project)
    filled(queue, 1)
    assert leases.claim(theirs, make_reviewer(other_project, "sam", Role.ADMIN)) is None
    assert items.find(other_project, ReviewItem.objects.get().pk) is None


def test_what_was_skipped_or_released_leaves_the_row_with_its_history(queue, rita):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    leases.skip(lease.item, rita, lease.token, SkipReason.UNREADABLE)
    row = Assignment.objects.get()
    assert (row.state, row.skip_reason, row.token) == (State.SKIPPED, "unreadable", None)
