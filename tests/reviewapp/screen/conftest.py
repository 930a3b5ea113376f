"""A queue with items, each with a canary in everything that a blind reviewer must not see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from ingest.models import Feedback, Score, TargetKind
from reviewapp.review import leases
from reviewapp.review.models import Assignment, ReviewItem
from tests.reviewapp.review.making import filled, make_queue

NOW = datetime.now(UTC)
CANARY = "kanarie-7f3a"


def mark(item: ReviewItem) -> None:
    """Scores, feedback, reasons and terms of the item say the canary."""
    project = item.queue.project
    common = {"project": project, "trace": item.trace, "target_kind": TargetKind.TRACE}
    Score.objects.create(
        **common,
        key=f"s{item.pk}",
        name=f"{CANARY}-score",
        value=0.1,
        source="code",
        label=CANARY,
        timestamp=NOW,
    )
    Feedback.objects.create(**common, key=f"f{item.pk}", kind="comment", comment=CANARY, occurred_at=NOW)
    ReviewItem.objects.filter(pk=item.pk).update(
        reasons=[{"code": CANARY, "detail": f"{CANARY} reason"}], terms={"p_fail": 0.123, "by": CANARY}
    )


@pytest.fixture
def queue(project):
    return make_queue(project, name="Refunds and returns")


@pytest.fixture
def items(queue):
    made = filled(queue, 5)
    for item in made:
        mark(item)
    return made


class Reviewing:
    """One person's browser on the review pages of a queue."""

    def __init__(self, person, queue) -> None:
        self.person, self.queue, self.slug = person, queue, queue.project.slug

    def open(self, **params):
        return self.person.client.get(reverse("review", args=[self.slug, self.queue.slug]), params)

    def again(self, said="1"):
        """By the link into a turn through what was skipped, to what comes first in it."""
        return self.person.client.get(self.open(skipped=said).url)

    def item(self, item, **params):
        return self.person.client.get(reverse("item", args=[self.slug, item.pk]), params)

    def post(self, route, item, headers=None, **fields):
        return self.person.client.post(reverse(route, args=[self.slug, item.pk]), fields, headers=headers)

    def hold(self):
        """The item held, with the fields that its form sends unseen."""
        lease = leases.held(self.queue, self.person.user) or [leases.claim(self.queue, self.person.user)]
        return lease[0].item, {"lease_token": str(lease[0].token), "draft_version": "0"}

    def submit(self, item, hidden, headers=None, **fields):
        return self.post("submit_label", item, headers, **hidden, **fields)


@pytest.fixture
def rita(reviewer, queue):
    return Reviewing(reviewer, queue)


def run_out(item) -> None:
    Assignment.objects.filter(item=item, state="leased").update(lease_until=Now() - timedelta(seconds=1))
