"""A reviewer far ahead of the rest is served as quickly as anyone, and never misses what comes before."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from reviewapp.review import items, labels, leases, marks, snapshots
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, Opening, ReviewItem, Seat, SkipReason
from tests.reviewapp.review.actions import Actions, next_for
from tests.reviewapp.review.making import PASS, assert_sound, filled, make_queue, make_reviewer, make_traces


def beginning(queue, reviewer):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {marks.BEGINNING}", {"queue": queue.pk, "reviewer": reviewer.pk})
        return cursor.fetchone()[0]


def label_next(queue, reviewer, answer=PASS):
    lease = leases.claim(queue, reviewer)
    labels.submit(lease.item, Actor(reviewer), lease.token, answer)
    return lease.item


def test_the_look_begins_behind_what_is_already_ones_own(project, rita, paul):
    queue = make_queue(project, overlap=2)
    made = filled(queue, marks.EVERY + 3)
    for _ in range(marks.EVERY):
        label_next(queue, rita)
    ranks = sorted((ReviewItem.objects.get(pk=item.pk).rank for item in made), reverse=True)
    # The item of the claim that made it is still on her screen then.
    assert beginning(queue, rita) == ranks[marks.EVERY]
    assert beginning(queue, paul) == float("inf")
    # It is used: what stands before it is not even looked at.
    Seat.objects.filter(queue=queue, reviewer=rita).update(passed_rank=ranks[-1])
    assert leases.claim(queue, rita).item.rank == ranks[-1]


def test_what_comes_next_behind_a_mark_is_prepared_as_well(project, rita):
    queue = make_queue(project, overlap=2)
    made = filled(queue, marks.EVERY + 3)
    for _ in range(marks.EVERY):
        label_next(queue, rita)
    best = sorted((ReviewItem.objects.get(pk=item.pk) for item in made), key=lambda item: -item.rank)
    assert best[-1].snapshot_id is None
    assert snapshots.prepare(limit=2, ahead=2) == 2
    prepared = [ReviewItem.objects.get(pk=item.pk).snapshot_id is not None for item in best]
    assert prepared == [True] * (marks.EVERY + 2) + [False]


def test_a_mark_that_were_wrong_hides_nothing_for_good(project, rita):
    queue = make_queue(project, overlap=2)
    (item,) = filled(queue, 1)
    Seat.objects.create(queue=queue, reviewer=rita, passed_rank=item.rank - 1)
    assert leases.claim(queue, rita).item == item


def passed(project, rita):
    """A queue of two, all before the last of which Rita has labelled and left behind her mark."""
    queue = make_queue(project, overlap=2)
    filled(queue, 4)
    done = [label_next(queue, rita) for _ in range(3)]
    assert marks.renew(queue, rita)
    return queue, done


def test_what_comes_in_before_the_mark_is_served_first(project, rita):
    queue, _ = passed(project, rita)
    (late,) = items.enqueue(queue, [make_traces(project, 1, prefix="late")[0].trace_id]).added
    ReviewItem.objects.filter(pk=late.pk).update(rank=F("rank") + 1)
    assert leases.claim(queue, rita).item == late


def test_of_many_that_come_in_at_once_the_first_is_served(project, rita):
    queue, done = passed(project, rita)
    traces = make_traces(project, 101, prefix="late")
    fresh = [items._item(queue, trace, None, "") for trace in traces]
    fresh[50].rank = done[0].rank + 1
    ReviewItem.objects.bulk_create(fresh)
    assert Opening.objects.get(queue=queue).item_id is None
    assert leases.claim(queue, rita).item.trace_id == traces[50].pk


def test_one_s_own_lapsed_released_or_withdrawn_item_is_served_again(project, rita):
    queue, done = passed(project, rita)
    last = leases.claim(queue, rita)
    assert marks.renew(queue, rita) and beginning(queue, rita) == float("-inf")
    leases.release(last.item, rita, last.token)
    assert leases.claim(queue, rita).item == last.item
    Assignment.objects.filter(item=last.item).update(lease_until=Now() - timedelta(seconds=1))
    lease = labels.undo(items.find(project, done[1].pk), Actor(rita))
    leases.release(done[1], rita, lease.token)
    assert leases.claim(queue, rita).item == done[1]
    assert leases.claim(queue, rita).item == last.item


@pytest.mark.parametrize("how", ["released", "deleted", "moved"])
def test_the_look_begins_again_at_ones_own_that_is_free_whatever_else_finds_it(project, rita, paul, how):
    """A claim looks everywhere before it gives up, which would hide that the mark knows nothing of it."""
    queue = make_queue(project, overlap=2)
    filled(queue, 2)
    held = leases.claim(queue, rita)
    assert marks.renew(queue, rita) and beginning(queue, rita) < held.item.rank
    mine = Assignment.objects.filter(pk=held.assignment_id)
    if how == "deleted":
        mine.delete()
    elif how == "moved":
        mine.update(reviewer=paul)
    else:
        mine.update(state="released", token=None, lease_until=None)
    assert beginning(queue, rita) == held.item.rank


def test_what_others_give_back_before_the_mark_is_served(project, rita, paul):
    queue = make_queue(project)
    filled(queue, 3)
    theirs = leases.claim(queue, paul)
    mine = leases.claim(queue, rita)
    assert marks.renew(queue, rita) and beginning(queue, rita) < mine.item.rank
    leases.skip(theirs.item, paul, theirs.token, SkipReason.CONTEXT)
    assert leases.claim(queue, rita).item == theirs.item


def test_what_is_reserved_no_longer_is_served(project, rita, paul):
    queue, done = passed(project, rita)
    (late,) = items.enqueue(queue, [make_traces(project, 1, prefix="late")[0].trace_id]).added
    ReviewItem.objects.filter(pk=late.pk).update(rank=done[0].rank + 1, reserved_for=[paul.pk])
    assert marks.renew(queue, rita) and beginning(queue, rita) < done[0].rank
    ReviewItem.objects.filter(pk=late.pk).update(reserved_for=[])
    assert leases.claim(queue, rita).item == late


def test_openings_are_forgotten_once_no_mark_needs_them(project, rita, paul, monkeypatch):
    monkeypatch.setattr(marks, "KEPT", 2)
    queue, done = passed(project, rita)
    for _ in range(2):
        label_next(queue, paul)
    assert marks.renew(queue, paul)
    for turn in range(4):
        ReviewItem.objects.filter(pk=done[2].pk).update(rank=done[0].rank + turn + 1)
    assert Opening.objects.filter(queue=queue).count() == 4
    assert marks.renew(queue, paul)
    # Rita has long been away: her next look begins at the top.
    assert Opening.objects.filter(queue=queue).count() == 0 and beginning(queue, rita) == float("inf")


@pytest.mark.parametrize("seed", range(3))
def test_from_the_mark_the_same_item_comes_first_as_from_the_top(project, seed):
    queue = make_queue(project, overlap=2)
    filled(queue, 12)
    people = [make_reviewer(project, f"r{n}") for n in range(3)]
    actions, spared = Actions(queue, people, seed), 0
    for _ in range(100):
        actions.act()
        for person in people:
            assert next_for(queue, person) == next_for(queue, person, anywhere=True)
            spared += beginning(queue, person) < float("inf")
    assert spared > 50
    assert_sound(project)
