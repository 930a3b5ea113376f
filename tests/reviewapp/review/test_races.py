"""Many at once, on connections of their own: who gets an item, and who wins when a lease runs out."""

import contextlib
import random
import threading
import time
from collections import Counter
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from ingest.models import Project
from reviewapp.review import drafts, items, labels, leases, marks, queues, snapshots, telling
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, Draft, ItemState, Label, Lane, ReviewItem, State
from reviewapp.review.refusals import HandedIn, Refusal
from tests.reviewapp.review.actions import Actions, next_for
from tests.reviewapp.review.making import (
    FAIL,
    PASS,
    assert_sound,
    filled,
    make_queue,
    make_reviewer,
    make_traces,
    together,
)

REVIEWERS = 50


@pytest.fixture
def project(committed, request):
    names = f"p{abs(hash(request.node.name))}"
    return Project.objects.create(slug=names, name=names)


@pytest.fixture
def make_person(project):
    return lambda name: make_reviewer(project, f"{project.slug}-{name}")


def test_fifty_who_claim_at_once_never_get_the_same_slot(project, make_person):
    queue = make_queue(project, overlap=2)
    filled(queue, 60)
    people = [make_person(f"r{n}") for n in range(REVIEWERS)]

    def work(person):
        return [lease.item.pk for _ in range(3) if (lease := leases.claim(queue, person))]

    claimed = together([lambda person=person: work(person) for person in people])
    assert all(len(set(mine)) == len(mine) for mine in claimed)
    times = Counter(pk for mine in claimed for pk in mine)
    assert max(times.values()) == 2 and sum(times.values()) == 120
    assert_sound(project)


@pytest.mark.parametrize("given_back", [True, False])
def test_what_others_have_locked_just_now_is_waited_for_a_moment(
    project, make_person, monkeypatch, given_back
):
    queue = make_queue(project)
    (item,) = filled(queue, 1)
    locked, waited = threading.Event(), threading.Event()
    over = threading.Event()
    pauses = []

    def wait(seconds):
        pauses.append(seconds)
        waited.set()
        assert over.wait(60) if given_back else True

    def look_at_it():
        with transaction.atomic():
            ReviewItem.objects.select_for_update().get(pk=item.pk)
            locked.set()
            assert (waited if given_back else over).wait(60)
        over.set()

    def claim():
        assert locked.wait(60)
        lease = leases.claim(queue, person)
        over.set()
        return lease

    person = make_person("rita")
    monkeypatch.setattr(leases, "sleep", wait)
    _, lease = together([look_at_it, claim])
    assert (lease is not None) == given_back
    assert waited.is_set()
    # Nobody is sent home by a lock of some tenths of a second, as a busy machine keeps one.
    assert given_back or sum(pauses) == pytest.approx(0.31)


def test_fifty_who_work_a_queue_to_its_end_label_each_item_once_a_slot(project, make_person):
    queue = make_queue(project, overlap=3)
    filled(queue, 40)
    people = [make_person(f"r{n}") for n in range(REVIEWERS)]

    def work(person):
        chance = random.Random(person.pk)
        while lease := leases.claim(queue, person):
            token = lease.token
            if chance.random() < 0.1:
                leases.release(lease.item, person, token)
                continue
            labels.submit(lease.item, Actor(person), token, PASS if chance.random() < 0.7 else FAIL)

    together([lambda person=person: work(person) for person in people])
    done = Assignment.objects.of_project(project).filter(state=State.SUBMITTED)
    assert done.count() == Label.objects.of_project(project).count() == 120
    assert set(Counter(done.values_list("item", flat=True)).values()) == {3}
    assert not ReviewItem.objects.of_project(project).filter(state=ItemState.OPEN).exists()
    assert_sound(project)


def test_of_two_who_race_at_the_expiry_exactly_one_wins(project, make_person):
    ada, bob = make_person("ada"), make_person("bob")
    winners = set()
    for turn in range(30):
        queue = make_queue(project, f"race-{turn}")
        filled(queue, 1)
        lease = leases.claim(queue, ada)
        Assignment.objects.filter(pk=lease.assignment_id).update(
            lease_until=Now() + timedelta(seconds=0.004 * (turn % 10 + 1))
        )

        won = threading.Event()

        def submit(lease=lease, won=won):
            with contextlib.suppress(Refusal):
                labels.submit(lease.item, Actor(ada), lease.token, PASS)
                won.set()

        def take_over(won=won, queue=queue):
            taken = None
            while taken is None and not won.is_set():
                taken = leases.claim(queue, bob)
            if taken is not None:
                labels.submit(taken.item, Actor(bob), taken.token, FAIL)

        together([submit, take_over])
        said = list(Label.objects.filter(assignment__item=lease.item))
        assert len(said) == 1
        winners.add(said[0].reviewer_id)
    assert winners == {ada.pk, bob.pk}
    assert_sound(project)


def test_an_overlap_that_changes_while_many_claim_gives_no_slot_twice(project, make_person):
    queue = make_queue(project, overlap=1)
    filled(queue, 200)
    people = [make_person(f"r{n}") for n in range(8)]
    over = threading.Event()

    def work(person):
        for _ in range(25):
            leases.claim(queue, person)

    def change():
        overlap = 1
        while not over.is_set():
            overlap = 3 - overlap
            queues.change(queue, overlap=overlap)

    changing = threading.Thread(target=together, args=[[change]])
    changing.start()
    together([lambda person=person: work(person) for person in people])
    over.set()
    changing.join()
    assert_sound(project)


def test_a_doubled_submit_at_the_same_moment_is_one_label(project, make_person):
    queue = make_queue(project)
    ada = make_person("ada")
    filled(queue, 5)
    for _ in range(5):
        lease = leases.claim(queue, ada)
        same = lambda lease=lease: labels.submit(lease.item, Actor(ada), lease.token, PASS)  # noqa: E731
        done = together([same] * 6)
        assert sum(each.is_new for each in done) == 1
        assert len({each.label.pk for each in done}) == 1
    assert Label.objects.of_project(project).count() == 5


def while_open(first, second):
    """`first` in a transaction that is left open until `second`, on a connection of its own, waits for it."""
    begun = threading.Event()

    def hold():
        with transaction.atomic():
            done = first()
            begun.set()
            await_a_waiting_one()
        return done

    def follow():
        assert begun.wait(60)
        return second()

    return together([hold, follow])


def await_a_waiting_one():
    for _ in range(6000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid())"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_a_draft_saved_in_the_instant_of_its_submit_is_refused(project, make_person):
    ada, queue = make_person("ada"), make_queue(project)
    filled(queue, 1)
    lease = leases.claim(queue, ada)

    def save():
        with pytest.raises(HandedIn):
            drafts.save(lease.item, ada, 0, {"note": "late"})

    while_open(lambda: labels.submit(lease.item, Actor(ada), lease.token, PASS), save)
    assert not Draft.objects.filter(assignment__reviewer=ada).exists()


def test_a_draft_that_a_submit_has_waited_for_goes_with_the_next_look(project, make_person):
    ada, queue = make_person("ada"), make_queue(project)
    filled(queue, 2)
    lease, open_one = leases.claim(queue, ada), leases.claim(queue, ada)
    drafts.save(open_one.item, ada, 0, {"note": "kept"})
    while_open(
        lambda: drafts.save(lease.item, ada, 0, {"note": "just before"}),
        lambda: labels.submit(lease.item, Actor(ada), lease.token, PASS),
    )
    drafts.forget_submitted()
    left = Draft.objects.filter(assignment__reviewer=ada)
    assert [draft.body for draft in left] == [{"note": "kept"}]


def test_the_last_two_labels_of_an_item_settle_it_whoever_is_later(project, make_person):
    queue = make_queue(project, overlap=2)
    ada, bob = make_person("ada"), make_person("bob")
    filled(queue, 10)
    for _ in range(10):
        held = [(person, leases.claim(queue, person)) for person in (ada, bob)]
        together(
            [
                lambda person=person, lease=lease: labels.submit(lease.item, Actor(person), lease.token, FAIL)
                for person, lease in held
            ]
        )
    confirmed = ReviewItem.objects.of_project(project).filter(resolution__confirmed=True)
    assert confirmed.filter(state=ItemState.RESOLVED).count() == 10


def test_one_reviewer_in_many_tabs_never_holds_an_item_twice_nor_loses_a_slot(project, make_person):
    queue = make_queue(project, overlap=5)
    ada = make_person("ada")
    filled(queue, 12)
    claimed = [
        lease.item.pk for lease in together([lambda: leases.claim(queue, ada)] * 12) if lease is not None
    ]
    assert len(set(claimed)) == len(claimed)
    assert_sound(project)


def test_a_connection_that_dies_in_the_middle_of_a_claim_leaves_nothing(project, make_person):
    queue = make_queue(project)
    ada = make_person("ada")
    filled(queue, 1)
    settings = connection.get_connection_params()
    settings = {name: settings[name] for name in ("dbname", "user", "host", "port") if name in settings}
    take = leases.taking(queue.kind, Lane.RISK)
    values = {"queue": queue.pk, "reviewer": ada.pk, "seconds": 900, "item": None, "every": 4}
    with contextlib.closing(psycopg.connect(**settings)) as other:
        assert other.execute(take, values).fetchone()[0] is not None
        assert leases.claim(queue, ada) is None
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [other.info.backend_pid])
    for _ in range(3000):
        if lease := leases.claim(queue, ada):
            break
        time.sleep(0.02)
    assert lease is not None
    assert_sound(project)


def test_claims_keep_the_order_but_for_the_number_of_reviewers(project, make_person):
    queue = make_queue(project)
    made = filled(queue, 60)
    ranked = {item.pk: place for place, item in enumerate(reversed(made))}
    for pk, place in ranked.items():
        ReviewItem.objects.filter(pk=pk).update(rank=-place)
    people = [make_person(f"r{n}") for n in range(10)]

    def work(person):
        while lease := leases.claim(queue, person):
            row = Assignment.objects.get(pk=lease.assignment_id)
            labels.submit(lease.item, Actor(person), lease.token, PASS)
            yield row.claimed_at, ranked[lease.item.pk]

    served = sorted(each for mine in together([lambda p=p: list(work(p)) for p in people]) for each in mine)
    places = [place for _, place in served]
    assert sorted(places) == list(range(60))
    for index, place in enumerate(places):
        assert sum(later < place for later in places[index + 1 :]) <= len(people)


def test_nobody_makes_a_mark_while_another_is_about_to_open_something(project, make_person):
    rita = make_person("rita")
    queue = make_queue(project, overlap=2)
    filled(queue, 2)
    lease = leases.claim(queue, rita)
    labels.submit(lease.item, Actor(rita), lease.token, PASS)
    late = make_traces(project, 1, prefix="late")[0].trace_id
    with transaction.atomic():
        (item,) = items.enqueue(queue, [late]).added
        ReviewItem.objects.filter(pk=item.pk).update(rank=F("rank") + 1)
        assert together([lambda: marks.renew(queue, rita)]) == [False]
    assert marks.renew(queue, rita)
    assert leases.claim(queue, rita).item == item


OPENS = {
    "added": lambda lease, fresh: items.enqueue(lease.item.queue, [fresh]),
    "changed": lambda lease, _: ReviewItem.objects.filter(pk=lease.item.pk).update(rank=F("rank") + 1),
    "released": lambda lease, _: Assignment.objects.filter(pk=lease.assignment_id).update(
        state=State.RELEASED, token=None, lease_until=None
    ),
    "deleted": lambda lease, _: Assignment.objects.filter(pk=lease.assignment_id).delete(),
}


@pytest.mark.parametrize("how", OPENS)
def test_each_way_of_opening_by_itself_keeps_marks_from_being_made(project, make_person, how):
    rita = make_person("rita")
    queue = make_queue(project, overlap=2)
    filled(queue, 1)
    (fresh,) = make_traces(project, 1, prefix="fresh")
    lease = leases.claim(queue, rita)
    with transaction.atomic():
        OPENS[how](lease, fresh.trace_id)
        assert together([lambda: marks.renew(queue, rita)]) == [False]
        transaction.set_rollback(True)
    assert marks.renew(queue, rita)


def test_no_mark_hides_what_others_open_at_the_same_time(project, make_person, monkeypatch):
    monkeypatch.setattr(marks, "EVERY", 1)
    queue = make_queue(project, overlap=2)
    filled(queue, 20)
    people = [make_person(f"r{n}") for n in range(4)]
    over = threading.Event()

    def work(seed):
        actions = Actions(queue, [people[seed]], seed)
        for _ in range(60):
            actions.act()

    def watch():
        while not over.is_set():
            for person in people:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    assert next_for(queue, person) == next_for(queue, person, anywhere=True)

    watched = []
    watcher = threading.Thread(target=lambda: watched.append(together([watch])))
    watcher.start()
    together([lambda seed=seed: work(seed) for seed in range(4)])
    over.set()
    watcher.join()
    assert watched == [[None]]
    assert_sound(project)


def test_what_was_stored_while_a_claim_waited_for_the_item_is_shown(project, make_person):
    """The claim's statement sees the item as it is now, but not the snapshot that came with it."""
    queue = make_queue(project)
    (item,) = filled(queue, 1)
    rosa, done = make_person("rosa"), threading.Event()

    def prepare():
        with transaction.atomic():
            held = ReviewItem.objects.select_for_update(no_key=True).get(pk=item.pk)
            held.queue = queue
            waiting.set()
            wait_for_a_lock()
            snapshots.look(held)
        done.set()

    def wait_for_a_lock():
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone() != (0,):
                    return
            time.sleep(0.01)

    def claim():
        assert waiting.wait(60)
        lease = leases.reclaim(ReviewItem.objects.get(pk=item.pk), rosa)
        assert done.wait(60)
        return telling.claimed(lease)

    waiting = threading.Event()
    _, told = together([prepare, claim])
    assert told.item.traces and told.item.snapshot
