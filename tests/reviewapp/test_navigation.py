"""What the navigation says of waiting work: to whom, how far it counts, and at what cost."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reviewapp import waiting
from reviewapp.models import Membership
from reviewapp.review import items, labels, leases, queues
from reviewapp.review.actors import Actor
from reviewapp.review.models import ReviewItem
from reviewapp.screen import queue_list
from reviewapp.waiting import Waiting
from tests.reviewapp.review.making import FAIL, PASS, filled, make_queue, make_reviewer

pytestmark = pytest.mark.django_db


def work(person, project):
    return waiting.for_member(Membership.objects.get(user=person.user, project=project))


def shown(person, project, route="checks"):
    return person.client.get(reverse(route, args=[project.slug])).content.decode()


def listed(person, project):
    """What the list of queues says that the reader could be given now."""
    rows = queue_list.rows_of(Membership.objects.get(user=person.user, project=project))
    return sum(row.mine.now for row in rows if row.gives_out)


def label(queue, user, answer=PASS):
    lease = leases.claim(queue, user)
    return labels.submit(lease.item, Actor(user), lease.token, answer)


def disagree(queue):
    """One item that a lead must decide; its queue wants two labels."""
    filled(queue, 1)
    label(queue, make_reviewer(queue.project, "one"), PASS)
    label(queue, make_reviewer(queue.project, "two"), FAIL)


def test_the_rail_says_how_many_wait_for_the_reader(project, reviewer):
    filled(make_queue(project), 12)
    page = shown(reviewer, project)
    assert '<span class="count" aria-hidden="true">12</span>' in page
    assert '<span class="visually-hidden">, 12 waiting</span>' in page


def test_nothing_waiting_is_no_number(project, reviewer):
    make_queue(project)
    assert 'class="count"' not in shown(reviewer, project)


def test_what_one_has_labelled_or_holds_or_skipped_waits_for_others(project, reviewer):
    queue = make_queue(project, overlap=2)
    filled(queue, 5)
    label(queue, reviewer.user)
    leases.claim(queue, reviewer.user)
    lease = leases.claim(queue, reviewer.user)
    leases.skip(lease.item, reviewer.user, lease.token, "unclear")
    assert work(reviewer, project).to_label == Waiting(2)
    assert listed(reviewer, project) == 2


def test_only_queues_that_admit_the_reader_and_give_out_are_counted(project, reviewer, lead):
    filled(make_queue(project, "named", assignment="named", assignees=["leo"]), 1)
    filled(make_queue(project, "paused", paused=True), 2)
    gone = make_queue(project, "archived")
    filled(gone, 4)
    queues.archive(gone)
    filled(make_queue(project, "open"), 8)
    assert (work(reviewer, project).to_label, work(lead, project).to_label) == (Waiting(8), Waiting(9))
    assert (listed(reviewer, project), listed(lead, project)) == (8, 9)


def test_what_is_set_aside_for_one_person_waits_for_that_person(project, reviewer, lead):
    queue = make_queue(project, assignment="round_robin", assignees=["leo", "rita"])
    filled(queue, 6)
    ReviewItem.objects.all().update(reserved_for=[lead.user.pk])
    assert work(reviewer, project).to_label == Waiting()
    assert work(lead, project).to_label == Waiting(6)


def test_another_project_counts_for_nothing(project, other_project, reviewer, stranger):
    filled(make_queue(project), 3)
    assert work(stranger, other_project) == waiting.Work()


def test_counts_are_capped(project, reviewer):
    filled(make_queue(project), waiting.MOST + 1)
    found = work(reviewer, project).to_label
    assert found == Waiting(waiting.MOST, is_more=True)
    assert (found.short, found.words) == ("99+", "99 or more waiting")


def test_where_not_all_was_looked_at_the_number_says_so(project, reviewer, monkeypatch):
    """The statement asks a bounded number of items whether the reader has labelled them."""
    monkeypatch.setattr(waiting, "LOOKED_AT", 4)
    queue = make_queue(project, overlap=2)
    filled(queue, 4)
    for _ in range(3):
        label(queue, reviewer.user)
    assert work(reviewer, project).to_label == Waiting(1)
    filled(make_queue(project, "further"), 6)
    assert work(reviewer, project).to_label == Waiting(5, is_more=True)


def test_decisions_wait_for_leads_and_are_told_to_them_alone(project, reviewer, lead, owner):
    disagree(make_queue(project, overlap=2))
    assert work(lead, project).to_decide == work(owner, project).to_decide == Waiting(1)
    assert work(reviewer, project).to_decide == Waiting()
    address = reverse("adjudication", args=[project.slug])
    assert address in shown(lead, project) and ", 1 waiting" in shown(lead, project)
    page = shown(reviewer, project)
    assert address not in page and ", 1 waiting" not in page


def test_a_removed_item_waits_for_nobody(project, reviewer, lead):
    disagree(queue := make_queue(project, overlap=2))
    items.remove(queue.items.get(), "leo")
    assert work(lead, project) == waiting.Work()


def test_the_counts_cost_one_statement_and_the_review_screen_none(project, reviewer, lead):
    queue = make_queue(project)
    filled(queue, 2)
    for person, address, expected in (
        (lead, reverse("checks", args=[project.slug]), 1),
        (reviewer, reverse("review", args=[project.slug, queue.slug]), 0),
    ):
        with CaptureQueriesContext(connection) as asked:
            person.client.get(address)
        assert sum("admitting" in query["sql"] for query in asked) == expected, address
