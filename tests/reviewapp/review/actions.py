"""Whatever may open or close an item for a reviewer, done at random; and which item is next for whom."""

import contextlib
import random
from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from reviewapp.review import items, labels, leases, marks
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, ReviewItem, SkipReason, State
from reviewapp.review.refusals import Refusal
from tests.reviewapp.review.making import FAIL, PASS, make_traces

NEXT = f"""
    SELECT i.id FROM reviewapp_reviewitem i WHERE {marks.CLAIMABLE.format(rank="rank")}
        AND (%(anywhere)s OR i.rank <= {marks.BEGINNING}) ORDER BY i.rank DESC, i.id LIMIT 1
"""


def next_for(queue, reviewer, anywhere=False):
    with connection.cursor() as cursor:
        cursor.execute(NEXT, {"queue": queue.pk, "reviewer": reviewer.pk, "anywhere": anywhere})
        return cursor.fetchone()


class Actions:
    """Whatever may open or close an item for someone, at random."""

    def __init__(self, queue, people, seed):
        self.queue, self.people = queue, people
        self.chance = random.Random(seed)
        self.held = []
        self.number = 0

    def claim(self, person):
        if lease := leases.claim(self.queue, person):
            self.held.append((person, lease))

    def label(self, person):
        self._give("label")

    def release(self, person):
        self._give("release")

    def skip(self, person):
        self._give("skip")

    def _give(self, how):
        if not self.held:
            return
        person, lease = self.held.pop(self.chance.randrange(len(self.held)))
        if how == "label":
            labels.submit(lease.item, Actor(person), lease.token, self.chance.choice([PASS, FAIL]))
        else:
            getattr(leases, how)(
                lease.item, person, lease.token, *([SkipReason.CONTEXT] if how == "skip" else [])
            )

    def undo(self, person):
        if (item := labels.last_submitted(self.queue, person)) is not None:
            self.held.append((person, labels.undo(item, Actor(person))))

    def lapse(self, person):
        running = Assignment.objects.filter(item__queue=self.queue, state=State.LEASED)
        some = list(running.order_by("?").values_list("pk", flat=True)[:1])
        Assignment.objects.filter(pk__in=some, state=State.LEASED).update(
            lease_until=Now() - timedelta(seconds=1)
        )
        leases.expire()

    def add(self, person):
        self.number += 1
        name = f"a{self.chance.random()}"
        items.enqueue(self.queue, [make_traces(self.queue.project, 1, prefix=name)[0].trace_id])

    def move(self, person):
        some = ReviewItem.objects.filter(queue=self.queue).order_by("?").values_list("pk", flat=True)[:1]
        ReviewItem.objects.filter(pk__in=list(some)).update(rank=F("rank") + self.chance.uniform(-1, 1) / 1e5)

    def reserve(self, person):
        some = ReviewItem.objects.filter(queue=self.queue).order_by("?").values_list("pk", flat=True)[:1]
        ReviewItem.objects.filter(pk__in=list(some)).update(
            reserved_for=self.chance.choice([[], [], [person.pk]])
        )

    def remove(self, person):
        some = ReviewItem.objects.filter(queue=self.queue, state="open").order_by("?").first()
        if some and self.chance.random() < 0.3:
            items.remove(some, "")

    def mark(self, person):
        marks.renew(self.queue, person)

    ALL = ("claim",) * 6 + ("label",) * 5 + ("mark",) * 3 + (
        "release", "skip", "undo", "lapse", "add", "add", "move", "reserve", "remove",
    )  # fmt: skip

    def act(self):
        with contextlib.suppress(Refusal):
            getattr(self, self.chance.choice(self.ALL))(self.chance.choice(self.people))
