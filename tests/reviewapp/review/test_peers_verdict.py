"""What a peer said of an item changes nothing that a reviewer is shown, not a word and not a count: neither
before the own submit, nor after it, while the label could still be taken back and given anew as if blind.

The same pages are asked in two worlds that differ in nothing but the peer's verdict.
"""

import re
from collections import defaultdict

import pytest
from django.db import transaction

from ingest.access import Door
from reviewapp import route_table
from reviewapp.models import Role
from reviewapp.review import items, labels, leases, reviewers
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment
from tests.reviewapp.review.canaries import addresses, label
from tests.reviewapp.review.making import FAIL, PASS, make_traces

pytestmark = pytest.mark.django_db
PROJECT_PAGES = [
    route for route in route_table.routes()
    if route.access.door is Door.SESSION and route.access.role == Role.REVIEWER
    and route.path.startswith("projects/")
]  # fmt: skip
# What differs from one request to the next: tokens of forms, and what the clock says.
PASSING = re.compile(
    r'"\w{64}"|\.\d+\+|\b\d+:\d\d(:\d\d)?\b|\b\d+ (s|min|second)s?\b|under 1 s|data-left="\d+"'
)


class Rollback(Exception):
    pass


@pytest.fixture
def asked(project, house, reviewer):
    """Held by the reviewer, and by a peer; with what the pages need for their addresses."""
    (trace,) = make_traces(project, 1, prefix="asked")
    queue = items.find(project, house.items["held"].pk).queue
    (item,) = items.enqueue(queue, [trace.trace_id]).added
    lease = leases.reclaim(items.find(project, item.pk), reviewer.user)
    values = house.values | {
        "trace_id": [trace.trace_id], "pk": [item.pk], "queue": [queue.slug], "name": ["support"],
        "format": ["native.jsonl"], "kind": ["report.md"],
    }  # fmt: skip
    return item, lease, values


def world(project, item, verdict, reviewer, values, own=None):
    """Every page by its address, and whether to have looked at it is noted with the reviewer's label."""
    shown = {}
    try:
        with transaction.atomic():
            label(item, reviewer_named(project, "peer"), verdict)
            if own is not None:
                labels.submit(own.item, Actor(reviewer.user), own.token, FAIL)
            for address in every_address(values):
                shown[address] = look(reviewer.client, address, item, reviewer.user)
            raise Rollback
    except Rollback:
        return shown


def look(client, address, item, user):
    try:
        with transaction.atomic():
            response = client.get(address)
            whole = b"".join(response.streaming_content) if response.streaming else response.content
            mine = Assignment.objects.get(item=item, reviewer=user)
            text = PASSING.sub("", whole.decode(errors="replace"))
            found = (text, response.get("Location", ""), mine.revealed_at is not None)
            raise Rollback
    except Rollback:
        return found


def every_address(values):
    return [address for route in PROJECT_PAGES for address in addresses(route, values)]


def reviewer_named(project, name):
    return project.memberships.get(user__username=name).user


def differing(worlds):
    """The addresses whose pages tell the worlds apart; which of them note the reveal; and where to begin."""
    told = defaultdict(list)
    for address in worlds[0]:
        first, second = (each[address] for each in worlds)
        if first[:2] != second[:2]:
            told[first[2] and second[2]].append((address, difference(first[0], second[0])))
    return told[False], told[True]


def difference(first, second):
    place = next((n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), -1)
    return first[max(place - 80, 0) : place + 80], second[max(place - 80, 0) : place + 80]


def test_nothing_tells_before_the_own_submit(project, asked, reviewer):
    item, _, values = asked
    worlds = [world(project, item, said, reviewer, values) for said in (PASS, FAIL)]
    assert len(worlds[0]) > 40
    quiet, noted = differing(worlds)
    assert quiet + noted == []


def test_after_it_whatever_tells_is_noted_as_the_reveal(project, asked, reviewer):
    item, lease, values = asked
    worlds = [world(project, item, said, reviewer, values, lease) for said in (PASS, FAIL)]
    quiet, noted = differing(worlds)
    assert quiet == []
    assert f"/projects/refunds/items/{item.pk}" in {address for address, _ in noted}


def test_agreement_and_what_a_label_caused_count_what_one_may_know(project, asked, reviewer):
    item, lease, _ = asked
    label(item, reviewer_named(project, "peer"), FAIL)
    labels.submit(lease.item, Actor(reviewer.user), lease.token, FAIL)

    def counted(**how):
        return reviewers.paces(project, 28, reviewer.user, **how)[0].comparable

    assert (counted(), counted(told=True)) == (1, 0)
    finish = "/projects/refunds/queues/review/finish"
    assert "<b>1 answered</b> by others too" in reviewer.client.get(finish).content.decode()
    reviewer.client.get(f"/projects/refunds/items/{item.pk}")
    assert counted(told=True) == 1
    assert "1 confirmed" in reviewer.client.get(finish).content.decode()
