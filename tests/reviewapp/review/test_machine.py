"""Any order of what reviewers and leads do, against a model in memory: who holds, who may, what stands."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ingest.models import Project
from reviewapp.models import Role
from reviewapp.review import items, labels, leases, resolutions
from reviewapp.review.actors import Actor
from reviewapp.review.answers import Answer
from reviewapp.review.models import Assignment, Label, ReviewItem, SkipReason
from reviewapp.review.refusals import ItemClosed, LeaseLost, NothingToUndo
from tests.reviewapp.review.conftest import assert_sound, filled, make_queue, make_reviewer

ITEMS, PEOPLE = 4, 3
VERDICTS = st.sampled_from(["pass", "fail", "cannot_tell"])
WHO = st.integers(0, PEOPLE - 1)
WHICH = st.integers(0, ITEMS - 1)
pytestmark = pytest.mark.django_db


class Queue(RuleBasedStateMachine):
    """By (item, reviewer): the token `held`, the verdict `done`. A `closed` item takes no more."""

    def __init__(self):
        super().__init__()
        self.held, self.done, self.skipped = {}, {}, {}
        self.closed, self.removed, self.decided, self.revealed = set(), set(), set(), set()
        self.first, self.said, self.steps = {}, {}, 0

    @initialize(overlap=st.integers(1, 3))
    def open(self, overlap):
        self.overlap = overlap
        self.project = Project.objects.create(slug=uuid4().hex, name="machine")
        self.queue = make_queue(self.project, overlap=overlap)
        self.items = filled(self.queue, ITEMS)
        for place, item in enumerate(self.items):
            ReviewItem.objects.filter(pk=item.pk).update(rank=float(-place))
        self.people = [make_reviewer(self.project, uuid4().hex) for n in range(PEOPLE)]
        self.lead = make_reviewer(self.project, uuid4().hex, Role.LEAD)
        self.places = {item.pk: place for place, item in enumerate(self.items)}

    def item(self, which):
        return items.find(self.project, self.items[which].pk)

    def one_of(self, which, who, keys):
        """The key drawn, or every other time one for which something can be done."""
        usual = sorted(keys)
        return usual[(which * PEOPLE + who) % len(usual)] if usual and (which + who) % 3 else (which, who)

    def free(self, which):
        taken = sum(key[0] == which for key in (*self.held, *self.done))
        return which not in self.closed and taken < self.overlap

    def expected(self, who):
        """What the next claim must give: the first untouched in order, or what was skipped longest ago."""
        open_to = [
            n for n in range(ITEMS) if self.free(n) and not {(n, who)} & (self.held.keys() | self.done)
        ]
        fresh = [n for n in open_to if (n, who) not in self.skipped]
        return fresh[0] if fresh else min(open_to, key=lambda n: self.skipped[n, who], default=None)

    @rule(who=WHO)
    def claim(self, who):
        lease = leases.claim(self.queue, self.people[who])
        got = None if lease is None else self.places[lease.item.pk]
        assert got == self.expected(who)
        if lease is not None:
            self.take(got, who, lease)

    def take(self, which, who, lease):
        self.held[which, who] = lease.token
        self.skipped.pop((which, who), None)

    @rule(who=WHO, which=WHICH)
    def reclaim(self, who, which):
        may = (which, who) in self.held or (self.free(which) and (which, who) not in self.done)
        if not may:
            with pytest.raises(ItemClosed):
                leases.reclaim(self.item(which), self.people[who])
            return
        lease = leases.reclaim(self.item(which), self.people[who])
        assert self.held.get((which, who), lease.token) == lease.token
        self.take(which, who, lease)

    @precondition(lambda self: self.held)
    @rule(who=WHO, which=WHICH, does=st.sampled_from(["heartbeat", "release", "skip"]))
    def with_token(self, who, which, does):
        which, who = self.one_of(which, who, self.held)
        token, item, person = self.held.get((which, who)), self.item(which), self.people[who]
        act = {
            "heartbeat": lambda token: leases.heartbeat(item, person, token),
            "release": lambda token: leases.release(item, person, token),
            "skip": lambda token: leases.skip(item, person, token, SkipReason.CONTEXT),
        }[does]
        with pytest.raises(LeaseLost):
            act(uuid4())
        if token is None:
            return
        act(token)
        if does != "heartbeat":
            del self.held[which, who]
        if does == "skip":
            self.steps += 1
            self.skipped[which, who] = self.steps

    @precondition(lambda self: self.held)
    @rule(who=WHO, which=WHICH, verdict=VERDICTS)
    def submit(self, who, which, verdict):
        which, who = self.one_of(which, who, self.held)
        token, item, actor = self.held.get((which, who)), self.item(which), Actor(self.people[who])
        with pytest.raises(LeaseLost):
            labels.submit(item, actor, uuid4(), Answer(verdict=verdict))
        if token is None:
            return
        self.submit_held(which, who, verdict)

    def submit_held(self, which, who, verdict):
        token, item, actor = self.held[which, who], self.item(which), Actor(self.people[who])
        made = labels.submit(item, actor, token, Answer(verdict=verdict))
        again = labels.submit(item, actor, token, Answer(verdict="fail"))
        assert made.is_new and not again.is_new and again.label.pk == made.label.pk
        del self.held[which, who]
        self.done[which, who] = verdict
        self.said[made.label.pk] = verdict
        if (which, who) not in self.revealed:
            self.first[which, who] = made.label.pk

    @rule(who=WHO, verdict=VERDICTS)
    def claim_and_submit(self, who, verdict):
        which = self.expected(who)
        self.claim(who)
        if which is not None:
            self.submit_held(which, who, verdict)

    @precondition(lambda self: self.done)
    @rule(who=WHO, which=WHICH)
    def undo(self, who, which):
        which, who = self.one_of(which, who, self.done)
        item, actor = self.item(which), Actor(self.people[who])
        if (which, who) not in self.done or which in self.decided | self.removed:
            with pytest.raises((NothingToUndo, ItemClosed)):
                labels.undo(item, actor)
            return
        self.held[which, who] = labels.undo(item, actor).token
        del self.done[which, who]

    @precondition(lambda self: self.done)
    @rule(who=WHO, which=WHICH, verdict=VERDICTS)
    def change_mind(self, who, which, verdict):
        which, who = self.one_of(which, who, self.done)
        item, actor = self.item(which), Actor(self.people[who])
        if (which, who) not in self.done or which in self.removed:
            with pytest.raises((NothingToUndo, ItemClosed)):
                labels.change_mind(item, actor, Answer(verdict=verdict))
            return
        label = labels.change_mind(item, actor, Answer(verdict=verdict))
        self.revealed.add((which, who))
        self.said[label.pk] = verdict

    @precondition(lambda self: self.held)
    @rule(who=WHO, which=WHICH)
    def lease_runs_out(self, who, which):
        which, who = self.one_of(which, who, self.held)
        token = self.held.pop((which, who), None)
        if token is not None:
            Assignment.objects.filter(token=token).update(lease_until="2020-01-01T00:00:00Z")
            with pytest.raises(LeaseLost):
                labels.submit(self.item(which), Actor(self.people[who]), token, Answer(verdict="pass"))
            assert leases.expire() == 1

    @rule(which=WHICH)
    def decide(self, which):
        item = self.item(which)
        if which in self.removed or not any(key[0] == which for key in self.done):
            with pytest.raises(ItemClosed):
                resolutions.adjudicate(item, self.lead, verdict="fail")
            return
        resolutions.adjudicate(item, self.lead, verdict="fail")
        self.decided.add(which)
        self.close(which)

    @rule(which=WHICH, really=st.booleans())
    def remove(self, which, really):
        if really:
            items.remove(self.item(which), "a lead")
            self.removed.add(which)
            self.close(which)

    def close(self, which):
        self.closed.add(which)
        self.held = {key: token for key, token in self.held.items() if key[0] != which}

    @invariant()
    def holds(self):
        if not hasattr(self, "items"):
            return
        assert_sound(self.project)
        mine = Assignment.objects.filter(item__in=self.items)
        told = mine.values_list("item", "reviewer", "state", "token", "current__verdict")
        people = {person.pk: n for n, person in enumerate(self.people)}
        found = {(self.places[item], people[who]): rest for item, who, *rest in told}
        assert {key: row[1] for key, row in found.items() if row[0] == "leased"} == self.held
        assert {key for key, row in found.items() if row[0] == "submitted"} == self.done.keys()
        states = dict(ReviewItem.objects.filter(queue=self.queue).values_list("pk", "state"))
        for place, item in enumerate(self.items):
            full = sum(key[0] == place for key in self.done) >= self.overlap
            allowed = {"removed"} if place in self.removed else {"resolved", "adjudication"}
            if place not in self.removed and not full and place not in self.decided:
                allowed = {"open"}
            assert states[item.pk] in allowed

    @invariant()
    def nothing_said_is_lost_or_changed(self):
        if not hasattr(self, "items"):
            return
        mine = Label.objects.filter(assignment__item__in=self.items)
        assert dict(mine.exclude(kind="undo").values_list("pk", "verdict")) == self.said
        submitted = Assignment.objects.filter(item__in=self.items, state="submitted")
        counted = submitted.values_list("counted", flat=True)
        assert set(counted) == {self.first[key] for key in self.done}


def test_whatever_happens_in_whatever_order_the_rows_follow_the_model(db):
    run_state_machine_as_test(
        Queue,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
