"""Fifty reviewers at once over HTTP: as many labels as slots, no item to two, none stuck, the best first.

A short form by default; `make chaos` runs 3,000 items at each overlap and 1,000 races.
"""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from tests.reviewapp.review import crowd

pytestmark = pytest.mark.server

PEOPLE, SHORT, FULL = 50, 150, 3000
RACES, FULL_RACES, AT_ONCE = 200, 1000, 4
LEASE_SECONDS = 4


@pytest.fixture(scope="module")
def size(is_full):
    return FULL if is_full else SHORT


@pytest.fixture(scope="module")
def races(is_full):
    return FULL_RACES if is_full else RACES


@pytest.fixture(scope="module")
def tokens(server, size, races):
    made = [(f"crowd-{n}", size, True, {"overlap": n, "lease_seconds": LEASE_SECONDS}) for n in (1, 2, 3)]
    made += [(f"race-{n}", races // AT_ONCE, False, {}) for n in range(AT_ONCE)]
    issued = crowd.fill(server, PEOPLE, *made)
    with crowd.database(server) as connection:
        connection.execute(crowd.KEEP)
        yield issued
        connection.execute(crowd.DROP)


@pytest.mark.parametrize("overlap", [1, 2, 3])
def test_fifty_label_every_slot_once_and_the_best_first(server, tokens, size, overlap):
    work = crowd.Work(f"crowd-{overlap}", size * overlap)
    auditor = crowd.Auditor(server, work.queue)
    auditor.start()
    begun = time.monotonic()
    people = crowd.set_to_work(server, tokens, work, 300 + size / 10)
    took = time.monotonic() - begun
    auditor.leave.set()
    auditor.join(60)
    given = {key: item for person in people for key, item in person.labelled.items()}
    statuses = sum((person.statuses for person in people), Counter())
    assert [each for person in people for each in person.strange] == []
    with crowd.database(server) as connection:
        stored = connection.execute(LABELS, [work.queue]).fetchall()
        ranks = dict(connection.execute(RANKS, [work.queue]).fetchall())
        history = connection.execute(HISTORY, [work.queue]).fetchall()
        stuck = connection.execute(STUCK, [work.queue]).fetchall()
    # Labels = items x overlap, each the one that was acknowledged; nothing is left over or held.
    assert dict(stored) == given and len(stored) == len(given) == size * overlap, statuses
    assert set(Counter(given.values()).values()) == {overlap}
    assert stuck == []
    # No slot was ever given twice: neither in what was seen meanwhile nor in what the database noted.
    assert auditor.wrong == [] and auditor.looks > 3
    replayed = crowd.told(history, ranks, overlap)
    assert replayed.doubled == []
    assert replayed.claims >= size * overlap
    # At no claim stood more items of a higher rank open than there were others at work.
    assert replayed.most_passed_over <= PEOPLE
    # They did disturb each other: leases ran out, items were given back and skipped.
    assert statuses["skip", 200] and statuses["release", 200] and replayed.claims > size * overlap
    print(
        f"overlap {overlap}: {len(stored)} labels in {took:.1f} s ({len(stored) / took:.0f}/s), "
        f"{replayed.claims} claims, {auditor.looks} audits, at most {replayed.most_passed_over} passed over"
    )


def test_the_history_tells_of_a_slot_given_twice_and_of_a_claim_out_of_order():
    ranks = {1: 0.9, 2: 0.5, 3: 0.1}
    sound = [(1, 7, "leased", "a"), (1, 7, "submitted", None), (2, 8, "leased", "b"),
             (2, 8, "released", None), (2, 9, "leased", "c")]  # fmt: skip
    assert crowd.told(sound, ranks, 1) == crowd.Told([], 3, 0)
    assert crowd.told([*sound, (2, 8, "leased", "d")], ranks, 1).doubled == [(2, 2)]
    assert crowd.told([*sound, (1, 9, "leased", "e")], ranks, 1).doubled == [(1, 2)]
    assert crowd.told([(3, 7, "leased", "a")], ranks, 1).most_passed_over == 2


def test_of_two_at_the_expiry_exactly_one_is_accepted(server, tokens, races):
    """The old holder submits in the instant in which another claims, over and over, around the expiry."""
    outcomes, lock = [], threading.Lock()

    def work(number):
        old, new = (crowd.Client(server.port, token) for token in tokens[2 * number : 2 * number + 2])
        with crowd.database(server) as connection:
            left, step, before = 0.03, 0.003, None
            for _ in range(races // AT_ONCE):
                outcome = run_race(connection, old, new, f"race-{number}", left)
                # Whoever won has it harder next time, so that they meet at the very end; the more so the
                # longer one goes on winning, so that they meet soon on a slow machine.
                step = step * 2 if outcome == before else 0.003
                left, before = max(0.0, left + (step if outcome[0] == 409 else -step)), outcome
                with lock:
                    outcomes.append(outcome)
        old.close()
        new.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    # 204 and 409: the item was not theirs any more.
    assert set(outcomes) <= {(201, 204), (409, 201)} and len(outcomes) == races, Counter(outcomes)
    with crowd.database(server) as connection:
        assert connection.execute(RACED).fetchall() == [(races, races)]
    # Both win often enough that it was a race.
    won = Counter(old for old, _ in outcomes)
    assert min(won[201], won[409]) >= races / 10, won
    print(f"{races} races: the old holder won {won[201]}, the new one {won[409]}")


def run_race(connection, old, new, queue, left):
    """`left`: the seconds until the lease ends. What the old holder's submit was answered with, and the
    new one's submit, or the last claim where there was none."""
    connection.execute(OPEN, [queue])
    status, held = old.post(f"queues/{queue}/claim", {})
    assert status == 200
    item, token = held["item"]["id"], held["lease"]["token"]
    connection.execute(SHORTEN, [left, item])
    answered = []

    def submit():
        time.sleep(0.02)
        answered.append(old.post(f"items/{item}/label", {"lease_token": token, "verdict": "pass"})[0])

    thread = threading.Thread(target=submit)
    thread.start()
    status = 204
    # Until one of them has it: the old one is refused for good once it is refused.
    while status == 204 and answered != [201]:
        status, claimed = new.post(f"queues/{queue}/claim", {})
    if status == 200:
        said = {"lease_token": claimed["lease"]["token"], "verdict": "fail"}
        status, _ = new.post(f"items/{item}/label", said)
    thread.join(30)
    return answered[0], status


OF_QUEUE = "JOIN reviewapp_queue q ON q.id = i.queue_id AND q.slug = %s"
LABELS = f"""
    SELECT l.idempotency_key, a.item_id FROM reviewapp_label l
    JOIN reviewapp_assignment a ON a.id = l.assignment_id JOIN reviewapp_reviewitem i ON i.id = a.item_id
    {OF_QUEUE}
"""
RANKS = f"SELECT i.id, i.rank FROM reviewapp_reviewitem i {OF_QUEUE}"
HISTORY = f"""
    SELECT h.item, h.reviewer, h.state, h.token FROM lease_history h
    JOIN reviewapp_reviewitem i ON i.id = h.item {OF_QUEUE} ORDER BY h.n
"""
STUCK = f"""
    SELECT i.id, i.state, i.open_slots FROM reviewapp_reviewitem i {OF_QUEUE}
    WHERE i.state = 'open' OR i.open_slots <> 0
        OR EXISTS (SELECT FROM reviewapp_assignment a WHERE a.item_id = i.id AND a.state = 'leased')
"""
OPEN = """
    UPDATE reviewapp_reviewitem SET open_slots = 1 WHERE id = (
        SELECT i.id FROM reviewapp_reviewitem i JOIN reviewapp_queue q ON q.id = i.queue_id AND q.slug = %s
        WHERE i.state = 'open' ORDER BY i.id LIMIT 1)
"""
SHORTEN = """
    UPDATE reviewapp_assignment SET lease_until = clock_timestamp() + %s * interval '1 second'
    WHERE item_id = %s AND state = 'leased'
"""
RACED = """
    SELECT count(*), count(DISTINCT a.item_id) FROM reviewapp_label l
    JOIN reviewapp_assignment a ON a.id = l.assignment_id JOIN reviewapp_reviewitem i ON i.id = a.item_id
    JOIN reviewapp_queue q ON q.id = i.queue_id WHERE q.slug LIKE 'race-%'
"""
