"""Any order of what reviewers, leads, the clock and late spans do, against a model in memory: who holds, who
may, what stands."""

from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
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

from ingest.models import Project, Trace, TraceRecord
from reviewapp.models import Role
from reviewapp.review import items, labels, leases, queues, resolutions, snapshots
from reviewapp.review.actors import Actor
from reviewapp.review.answers import Answer
from reviewapp.review.models import Assignment, Label, Resolution, ReviewItem, SkipReason
from reviewapp.review.refusals import ItemClosed, LeaseLost, NothingToUndo
from tests.reviewapp.review.making import assert_sound, filled, make_queue, make_reviewer

ITEMS, PEOPLE, ROUNDS = 4, 3, 2
VERDICTS = st.sampled_from(["pass", "fail", "cannot_tell"])
WHO = st.integers(0, PEOPLE - 1)
WHICH = st.integers(0, ITEMS + ROUNDS - 1)
GONE = "2020-01-01T00:00:00Z"
pytestmark = pytest.mark.django_db


class Queue(RuleBasedStateMachine):
    """By (item, reviewer): the token `held`, the verdict `done`. A `closed` item takes no more.

    A lease in `lapsed` has run out and still stands until someone looks. What is `shown` has a snapshot, and
    for what is `stale` more has come since.
    """

    def __init__(self):
        super().__init__()
        self.held, self.lapsed, self.done, self.skipped = {}, set(), {}, {}
        self.closed, self.removed, self.decided, self.revealed = set(), set(), set(), set()
        self.asked, self.shown, self.stale, self.changed = set(), set(), set(), set()
        self.first, self.said, self.steps, self.paused = {}, {}, 0, False
        self.items, self.begun, self.required, self.ended = [], set(), {}, set()
        self.had = set()

    @initialize(overlap=st.integers(1, 3))
    def open(self, overlap):
        # What an example leaves behind would run out in the middle of a later one.
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.project = Project.objects.create(slug=uuid4().hex, name="machine")
        self.queue = make_queue(self.project, overlap=overlap)
        self.people = [make_reviewer(self.project, uuid4().hex) for n in range(PEOPLE)]
        self.lead = make_reviewer(self.project, uuid4().hex, Role.LEAD)
        for item in filled(self.queue, ITEMS):
            self.stands(item)

    def teardown(self):
        if hasattr(self, "transaction"):
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def stands(self, item):
        """A new item comes after those that there are."""
        place = len(self.items)
        ReviewItem.objects.filter(pk=item.pk).update(rank=float(-place))
        self.items.append(item)
        self.required[place] = self.queue.overlap

    def item(self, which):
        return items.find(self.project, self.items[which].pk)

    def place(self, item):
        return next(place for place, each in enumerate(self.items) if each.pk == item.pk)

    def one_of(self, which, who, keys):
        """The key drawn, or every other time one for which something can be done."""
        usual = sorted(keys)
        if usual and (which + who) % 3:
            return usual[(which * PEOPLE + who) % len(usual)]
        return which % len(self.items), who

    def taken(self):
        return self.held.keys() | self.lapsed | self.done.keys()

    def free(self, which):
        return which not in self.closed and sum(k[0] == which for k in self.taken()) < self.required[which]

    def expected(self, who):
        """What the next claim must give: the first untouched in order, or what was skipped longest ago."""
        open_to = [n for n in range(len(self.items)) if self.free(n) and (n, who) not in self.taken()]
        fresh = [n for n in open_to if (n, who) not in self.skipped]
        return fresh[0] if fresh else min(open_to, key=lambda n: self.skipped[n, who], default=None)

    def look(self, which):
        """Someone asks for what is shown of the item: has it changed? Then running leases end. Where a label
        stands already it is noted, and what was judged goes on being shown."""
        self.shown.add(which)
        if which not in self.stale:
            return False
        if self.is_judged(which):
            self.changed.add(which)
            return False
        self.stale.remove(which)
        self.changed.discard(which)
        self.free_all(which)
        return True

    def is_judged(self, which):
        return any(key[0] == which for key in self.done)

    def free_all(self, which):
        self.held = {key: token for key, token in self.held.items() if key[0] != which}
        self.lapsed = {key for key in self.lapsed if key[0] != which}

    @rule(who=WHO)
    def claim(self, who):
        if not self.paused:
            self.lapsed.clear()
        lease = leases.claim(self.queue, self.people[who])
        got = None if lease is None else self.place(lease.item)
        assert got == (None if self.paused else self.expected(who))
        if lease is not None:
            self.look(got)
            self.take(got, who, lease)

    def take(self, which, who, lease):
        self.held[which, who] = lease.token
        self.skipped.pop((which, who), None)
        self.begun.add(which)
        self.had.add((which, who))

    @rule(who=WHO, which=WHICH)
    def reclaim(self, who, which):
        which %= len(self.items)
        self.lapsed.clear()
        is_given = not self.paused or (which, who) in self.had
        may = (which, who) in self.held or (self.free(which) and (which, who) not in self.done and is_given)
        if not may:
            with pytest.raises(ItemClosed):
                leases.reclaim(self.item(which), self.people[who])
            return
        lease = leases.reclaim(self.item(which), self.people[who])
        self.look(which)
        assert self.held.get((which, who), lease.token) == lease.token
        self.take(which, who, lease)

    @precondition(lambda self: self.held or self.lapsed)
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
            if (which, who) in self.lapsed:
                with pytest.raises(LeaseLost):
                    act(Assignment.objects.get(item=item, reviewer=person).token)
            return
        act(token)
        if does != "heartbeat":
            del self.held[which, who]
        if does == "skip":
            self.steps += 1
            self.skipped[which, who] = self.steps

    @precondition(lambda self: self.held or self.lapsed)
    @rule(who=WHO, which=WHICH, verdict=VERDICTS)
    def submit(self, who, which, verdict):
        which, who = self.one_of(which, who, self.held)
        token, item, actor = self.held.get((which, who)), self.item(which), Actor(self.people[who])
        if which in self.stale and token is not None and not self.is_judged(which):
            with pytest.raises(LeaseLost) as refused:
                labels.submit(item, actor, token, Answer(verdict=verdict))
            assert refused.value.changed
        with pytest.raises(LeaseLost):
            labels.submit(item, actor, uuid4(), Answer(verdict=verdict))
        self.look(which)
        if (which, who) in self.held:
            self.submit_held(which, who, verdict)

    def submit_held(self, which, who, verdict):
        token, item, actor = self.held[which, who], self.item(which), Actor(self.people[who])
        made = labels.submit(item, actor, token, Answer(verdict=verdict))
        again = labels.submit(item, actor, token, Answer(verdict="fail"))
        assert made.is_new and not again.is_new and again.label.pk == made.label.pk
        del self.held[which, who]
        self.done[which, who] = verdict
        self.said[made.label.pk] = verdict
        self.asked.discard(which)
        if (which, who) not in self.revealed:
            self.first[which, who] = made.label.pk

    @rule(who=WHO, verdict=VERDICTS)
    def claim_and_submit(self, who, verdict):
        self.claim(who)
        mine = [which for which, whose in self.held if whose == who]
        if mine and mine[-1] not in self.stale:
            self.submit_held(mine[-1], who, verdict)

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
        self.asked.discard(which)

    @precondition(lambda self: self.done)
    @rule(who=WHO, which=WHICH)
    def reveal(self, who, which):
        which, who = self.one_of(which, who, self.done)
        labels.reveal(self.item(which), Actor(self.people[who]))
        if (which, who) in self.done:
            self.revealed.add((which, who))

    @precondition(lambda self: self.done)
    @rule(who=WHO, which=WHICH, verdict=VERDICTS)
    def change_mind(self, who, which, verdict):
        which, who = self.one_of(which, who, self.done)
        item, actor = self.item(which), Actor(self.people[who])
        if (which, who) not in self.done or which in self.removed:
            with pytest.raises((NothingToUndo, ItemClosed)):
                labels.change_mind(item, actor, Answer(verdict=verdict))
            if (which, who) in self.done:
                self.revealed.add((which, who))
            return
        label = labels.change_mind(item, actor, Answer(verdict=verdict))
        self.revealed.add((which, who))
        self.said[label.pk] = self.done[which, who] = verdict
        if which not in self.decided:
            self.asked.discard(which)

    @precondition(lambda self: self.held)
    @rule(who=WHO, which=WHICH, noticed=st.booleans())
    def lease_runs_out(self, who, which, noticed):
        which, who = self.one_of(which, who, self.held)
        token = self.held.pop((which, who), None)
        if token is None:
            return
        Assignment.objects.filter(token=token).update(lease_until=GONE)
        self.lapsed.add((which, who))
        with pytest.raises(LeaseLost):
            labels.submit(self.item(which), Actor(self.people[who]), token, Answer(verdict="pass"))
        self.look(which)
        if noticed:
            assert leases.expire() == len(self.lapsed)
            self.lapsed.clear()

    @rule(who=WHO, which=WHICH, differs=st.booleans())
    def more_comes(self, who, which, differs):
        """A late span: at once another reading, or nothing that is shown."""
        which, _ = self.one_of(which, who, self.held)
        trace = self.items[which].trace_id
        Trace.objects.filter(pk=trace).update(revision=F("revision") + 1, last_seen=Now())
        if differs:
            self.steps += 1
            TraceRecord.objects.filter(trace=trace).update(body={"input": "q", "output": f"v{self.steps}"})
            same = [place for place, item in enumerate(self.items) if item.trace_id == trace]
            self.stale |= self.shown.intersection(same)

    @rule()
    def changes_are_noted(self):
        snapshots.note_changes()
        for which in self.stale - self.removed - self.changed:
            self.look(which)

    @rule(overlap=st.integers(1, 3))
    def overlap_changes(self, overlap):
        """For what nobody has begun."""
        if overlap != self.queue.overlap:
            untouched = set(range(len(self.items))) - self.begun - self.closed
            self.required |= dict.fromkeys(untouched, overlap)
        self.queue = queues.change(self.queue, overlap=overlap)

    @rule(paused=st.booleans())
    def pause(self, paused):
        self.paused = paused
        self.queue = queues.change(self.queue, paused=paused)

    @rule(which=WHICH)
    def decide(self, which):
        which %= len(self.items)
        item = self.item(which)
        if which in self.removed or not any(key[0] == which for key in self.done):
            with pytest.raises(ItemClosed):
                resolutions.adjudicate(item, self.lead, verdict="fail")
            return
        resolutions.adjudicate(item, self.lead, verdict="fail")
        self.decided.add(which)
        self.asked.discard(which)
        self.close(which)

    @rule(which=WHICH)
    def ask_for_a_decision(self, which):
        which %= len(self.items)
        if self.state(which) != "resolved":
            with pytest.raises(ItemClosed):
                resolutions.ask_for_decision(self.item(which))
            return
        resolutions.ask_for_decision(self.item(which))
        self.asked.add(which)

    @rule(which=WHICH, really=st.booleans())
    def remove(self, which, really):
        which %= len(self.items)
        if really:
            items.remove(self.item(which), "a lead")
            self.removed.add(which)
            self.close(which)

    @rule(which=WHICH)
    def open_round(self, which):
        which %= len(self.items)
        if len(self.items) == ITEMS + ROUNDS or which in self.ended or self.state(which) == "open":
            if self.state(which) == "open":
                with pytest.raises(ItemClosed):
                    items.open_round(self.item(which), "a lead")
            return
        self.stands(items.open_round(self.item(which), "a lead"))
        self.ended.add(which)

    def close(self, which):
        self.closed.add(which)
        self.free_all(which)

    def state(self, which):
        """As the labels that count demand."""
        if which in self.removed:
            return "removed"
        done = [key for key in self.done if key[0] == which]
        if which not in self.decided and len(done) < self.required[which]:
            return "open"
        if which in self.asked:
            return "adjudication"
        if which in self.decided:
            return "resolved"
        counted = [self.said[self.first[key]] for key in done]
        changed = any(self.done[key] != self.said[self.first[key]] for key in done)
        return "adjudication" if changed or majority(counted) is None else "resolved"

    @invariant()
    def holds(self):
        if not self.items:
            return
        assert_sound(self.project)
        pks = [item.pk for item in self.items]
        mine = Assignment.objects.filter(item__in=pks)
        told = mine.values_list("item", "reviewer", "state", "token", "current__verdict")
        people = {person.pk: n for n, person in enumerate(self.people)}
        found = {(pks.index(item), people[who]): rest for item, who, *rest in told}
        leased = {key: row[1] for key, row in found.items() if row[0] == "leased"}
        assert leased.keys() == self.held.keys() | self.lapsed
        assert self.held.items() <= leased.items()
        assert {key: row[2] for key, row in found.items() if row[0] == "submitted"} == self.done
        rows = dict(ReviewItem.objects.filter(pk__in=pks).values_list("pk", "state"))
        assert [rows[pk] for pk in pks] == [self.state(place) for place in range(len(pks))]
        noted = ReviewItem.objects.filter(pk__in=pks, changed_since_review=True)
        assert {pks.index(pk) for pk in noted.values_list("pk", flat=True)} == self.changed

    @invariant()
    def nothing_said_is_lost_or_changed(self):
        if not self.items:
            return
        mine = Label.objects.filter(assignment__item__in=self.items)
        assert dict(mine.exclude(kind="undo").values_list("pk", "verdict")) == self.said
        submitted = Assignment.objects.filter(item__in=self.items, state="submitted")
        counted = submitted.values_list("counted", flat=True)
        assert set(counted) == {self.first[key] for key in self.done}

    @invariant()
    def two_confirm_what_the_majority_calls_a_failure(self):
        for which in range(len(self.items)):
            if self.state(which) != "resolved" or which in self.decided:
                continue
            counted = [self.said[self.first[key]] for key in self.done if key[0] == which]
            stands = Resolution.objects.get(current_of=self.items[which].pk)
            assert stands.verdict == majority(counted)
            assert stands.confirmed == (majority(counted) == "fail" and counted.count("fail") >= 2)


def majority(verdicts):
    """Pass or fail, if more than half say so."""
    return next((each for each in ("pass", "fail") if 2 * verdicts.count(each) > len(verdicts)), None)


def test_whatever_happens_in_whatever_order_the_rows_follow_the_model(db, is_full):
    """`make chaos` goes on with examples of its own choice; `--hypothesis-seed` repeats a run."""
    run_state_machine_as_test(
        Queue,
        settings=settings(
            max_examples=500 if is_full else 25,
            stateful_step_count=60 if is_full else 40,
            deadline=None,
            derandomize=not is_full,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
