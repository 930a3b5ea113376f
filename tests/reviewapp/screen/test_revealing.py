"""What stands beside one's own label after the submit."""

from __future__ import annotations

import pytest

from reviewapp.review import items
from reviewapp.review.models import Assignment, Label
from tests.reviewapp.review.making import make_queue, make_traces
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
