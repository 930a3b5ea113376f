"""What stands beside one's own label after the submit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from reviewapp.review import items, labels, leases, repeats
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, Label
from tests.reviewapp.review.making import PASS, filled, make_queue, make_traces
from tests.reviewapp.screen.conftest import Reviewing

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("order", "stored"), [("ab", "a"), ("ba", "b")])
def test_the_decision_names_the_side_by_the_letter_that_was_seen(project, reviewer, order, stored):
    queue = make_queue(project, "pairs", kind="pair")
    left, right = make_traces(project, 2, prefix="pair")
    items.enqueue_pairs(queue, [(left.trace_id, right.trace_id)])
    rita = Reviewing(reviewer, queue)
    item, hidden = rita.hold()
    Assignment.objects.update(display_order=order)
    chosen = rita.open().context["screen"].parts[0].options[0].value
    rita.submit(item, hidden, preference=chosen)
    assert Label.objects.get().preference == stored
    shown = rita.item(item).content.decode()
    assert "It is decided by your label alone: A is better." in shown


def test_a_hidden_item_says_what_became_of_the_label_and_not_what_it_is(project, reviewer, monkeypatch):
    monkeypatch.setattr(repeats, "SHARE", 1.0)
    queue = make_queue(project)
    filled(queue, 1)
    lease = leases.claim(queue, reviewer.user)
    labels.submit(lease.item, Actor(reviewer.user), lease.token, PASS)
    Assignment.objects.update(submitted_at=timezone.now() - timedelta(days=8))
    assert repeats.plan() == 1
    rita = Reviewing(reviewer, queue)
    item, hidden = rita.hold()
    assert item.purpose == "repeat"
    rita.submit(item, hidden, verdict="pass")
    page = rita.item(item).content.decode()
    assert "Your label is kept." in page
    assert "repeat" not in page.partition("<main")[2]
