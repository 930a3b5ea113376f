"""Round robin: what waited for one who goes, or is skipped, is for the next; no item is left to nobody."""

import pytest

from reviewapp import members
from reviewapp.models import Membership
from reviewapp.review import labels, leases, proposals, queues, turns
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, ReviewItem, SkipReason
from tests.reviewapp.review.making import PASS, assert_sound, filled, make_queue, make_reviewer

pytestmark = pytest.mark.django_db


@pytest.fixture
def turned(project, rita, paul):
    return make_queue(project, "turns", assignment="round_robin", assignees=[rita.username, paul.username])


def all_for(queue, reviewer):
    taken = []
    while lease := leases.claim(queue, reviewer):
        taken.append(lease.item.pk)
    return sorted(taken)


@pytest.mark.parametrize("goes", ["out of the project", "from the list"])
def test_what_was_held_by_one_who_goes_is_for_the_others_too(turned, rita, paul, goes):
    made = filled(turned, 4)
    held = leases.claim(turned, paul)
    if goes == "from the list":
        queues.change(turned, assignees=[rita.username])
    else:
        members.remove(Membership.objects.get(user=paul))
    leases.release(held.item, paul, held.token)
    assert all_for(turned, rita) == [item.pk for item in made]
    assert_sound(turned.project)


def test_a_label_taken_back_by_one_no_longer_named_leaves_the_item_to_the_others(turned, rita, paul):
    filled(turned, 2)
    lease = leases.claim(turned, paul)
    labels.submit(lease.item, Actor(paul), lease.token, PASS)
    queues.change(turned, assignees=[rita.username])
    again = labels.undo(lease.item, Actor(paul))
    leases.release(again.item, paul, again.token)
    assert lease.item.pk in all_for(turned, rita)


def test_what_all_the_named_have_to_answer_is_finished_without_one_who_goes(project, rita, paul):
    zoe = make_reviewer(project, "zoe")
    names = [each.username for each in (rita, paul, zoe)]
    queue = make_queue(project, "twice", overlap=2, assignment="round_robin", assignees=names)
    filled(queue, 6)
    lease = leases.claim(queue, paul)
    labels.submit(lease.item, Actor(paul), lease.token, PASS)
    leases.claim(queue, paul)
    members.remove(Membership.objects.get(user=paul))
    Assignment.objects.filter(reviewer=paul, state="leased").update(lease_until="2020-01-01T00:00Z")
    for who in (rita, zoe):
        while lease := leases.claim(queue, who):
            labels.submit(lease.item, Actor(who), lease.token, PASS)
    assert queues.counts(project)[queue.pk].open == 0


def test_opened_to_anyone_what_is_held_is_for_anyone(turned, rita, paul):
    filled(turned, 2)
    held = leases.claim(turned, paul)
    queues.change(turned, assignment="open", assignees=[])
    leases.release(held.item, paul, held.token)
    assert len(all_for(queues.find(turned.project, turned.slug), rita)) == 2


def test_what_is_passed_on_goes_to_the_next_who_has_not_begun_it(turned, rita, paul):
    (item,) = filled(turned, 1)
    (first,) = item.reserved_for
    mine, other = (rita, paul) if first == rita.pk else (paul, rita)
    assert leases.claim(turned, other) is None
    turns.pass_on(item, mine)
    turns.pass_on(item, mine)
    assert ReviewItem.objects.get().reserved_for == [mine.pk, other.pk]
    assert leases.claim(turned, other) is not None


def test_what_one_skips_comes_to_the_next_and_last_to_oneself(turned, rita, paul):
    filled(turned, 2)
    lease = leases.claim(turned, paul)
    leases.skip(lease.item, paul, lease.token, SkipReason.EXPERTISE)
    assert lease.item.pk in all_for(turned, rita)


def test_what_is_skipped_again_and_again_goes_to_one_more_and_not_to_all(project, rita, paul):
    zoe = make_reviewer(project, "zoe")
    people = [rita, paul, zoe]
    queue = make_queue(
        project, "three", assignment="round_robin", assignees=[each.username for each in people]
    )
    (item,) = filled(queue, 1)
    (first,) = item.reserved_for
    place = [each.pk for each in people].index(first)
    mine, following, last = people[place:] + people[:place]
    for _ in range(3):
        lease = leases.claim(queue, mine)
        leases.skip(lease.item, mine, lease.token, SkipReason.EXPERTISE)
        assert ReviewItem.objects.get().reserved_for == [mine.pk, following.pk]
    lease = leases.claim(queue, following)
    leases.skip(lease.item, following, lease.token, SkipReason.EXPERTISE)
    assert leases.claim(queue, last) is not None


def test_what_two_have_to_answer_is_passed_on_for_the_one_who_skips(project, rita, paul):
    zoe = make_reviewer(project, "zoe")
    names = [each.username for each in (rita, paul, zoe)]
    queue = make_queue(project, "twice", overlap=2, assignment="round_robin", assignees=names)
    (item,) = filled(queue, 1)
    mine = next(each for each in (rita, paul, zoe) if each.pk == item.reserved_for[0])
    lease = leases.claim(queue, mine)
    leases.skip(lease.item, mine, lease.token, SkipReason.EXPERTISE)
    assert sorted(ReviewItem.objects.get().reserved_for) == sorted(each.pk for each in (rita, paul, zoe))


def test_what_measures_one_reviewer_or_is_open_to_all_is_not_passed_on(project, turned, rita, paul):
    (item,) = filled(turned, 1)
    item.purpose = "repeat"
    turns.pass_on(item, rita)
    everyones = make_queue(project, "everyones")
    filled(everyones, 1)
    turns.pass_on(everyones.items.get(), rita)
    assert len(ReviewItem.objects.get(queue=turned).reserved_for) == 1
    assert everyones.items.get().reserved_for == []


def test_a_paused_queue_holds_nothing_that_is_proposed(project, queue, rita):
    _, *others = filled(queue, 3)
    lease = leases.claim(queue, rita)
    label = labels.submit(lease.item, Actor(rita), lease.token, PASS).label
    queues.change(queue, paused=True)
    fresh = proposals.propose(label, [item.pk for item in others])
    assert len(fresh) == 2 and proposals.hold(label, fresh) == 0
    queues.change(queue, paused=False)
    assert proposals.hold(label, fresh) == 2
