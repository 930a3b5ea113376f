"""How many labels a second do reviewers give over HTTP, what does one cost, is a long queue as quick?"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import deque
from dataclasses import dataclass

from bench.figures import Figure, median, percentile
from bench.installation import Installation, installed

REVIEWERS, SECONDS = 50, 8.0
# Labels a second that so many reviewers should reach who never think, and for how long they are watched.
RATES, SPRINT_SECONDS, WARM_SECONDS = {1: 100, 8: 300, 32: 300}, 2.0, 3.0
# On a machine that others use as well, a few seconds are a matter of luck: so many times the rounds of other
# measures.
MORE_ROUNDS = 4
THINK_SECONDS = 1.0
MOST_PAIR_MS, MOST_CPU_MS = 250, 4
# The worker begins to make the snapshots of what comes next in this time. So many it makes ahead; until it
# has, it is at work beside whoever labels.
PREPARED_SECONDS = 4.0
PREPARED, PATIENCE_SECONDS = 5_000, 120.0
TRACES = 10_000
SIZES = (TRACES, 10 * TRACES, 100 * TRACES)
AHEAD = 5_000
CLAIMS = 200
LEAST_RATE, MOST_CLAIM_MS, MOST_GROWTH = 40, 150, 1.3

# Traces with an input and an output, as fast as the database takes them.
FILL = """
    INSERT INTO ingest_trace (project_id, trace_id, started_at, stale_since)
    SELECT q.project_id, 'load-' || n, now(), NULL
    FROM reviewapp_queue q, generate_series(1, %(traces)s::int) n WHERE q.id = %(queue)s
"""
FILL_TEXTS = """
    INSERT INTO ingest_tracerecord (trace_id, occurred_at, sha256, body)
    SELECT id, started_at, decode(md5(trace_id) || md5(trace_id), 'hex'), jsonb_build_object(
        'input', 'Where is my parcel ' || trace_id,
        'output', repeat('It is on its way and comes tomorrow. ', 20))
    FROM ingest_trace WHERE trace_id LIKE 'load-%'
"""
# An item for each of them in each of these rounds.
ADD = """
    INSERT INTO reviewapp_reviewitem (queue_id, kind, trace_id, subject, round, purpose, rubric_version_id,
        lane, state, required, open_slots, priority, rank, reasons, terms, reserved_for, changed_since_review,
        adjudication_reason, added_by, removed_by, enqueued_at)
    SELECT q.id, 'trace', t.id, 'trace:' || t.id, r, 'review', q.rubric_version_id, 'risk', 'open',
        %(overlap)s, %(overlap)s, 0, random(), '[]', '{}', '{}', false, '', '', '', now()
    FROM reviewapp_queue q, ingest_trace t, generate_series(%(first)s::int, %(last)s::int) r
    WHERE q.id = %(queue)s AND t.trace_id LIKE 'load-%%'
"""
# Tokens, each of which reviews as itself.
ISSUE = """
from ingest import tokens
from ingest.models import Project, Scope
project = Project.objects.get(slug="reviewing")
for number in range(10):
    print(tokens.issue(project, f"r{number}", [Scope.LABELS_WRITE]).text)
"""
UNPREPARED = """
    SELECT 1 FROM (SELECT snapshot_id FROM reviewapp_reviewitem WHERE open_slots > 0
        ORDER BY rank DESC LIMIT %s) next WHERE snapshot_id IS NULL LIMIT 1
"""
# One reviewer holds the best of them, and nobody else has begun.
HOLD = """
    WITH held AS (
        INSERT INTO reviewapp_assignment (item_id, reviewer_id, state, token, lease_until, claimed_at,
            display_order, skip_reason)
        SELECT i.id, %(reviewer)s, 'leased', gen_random_uuid(), now() + interval '1 day', now(), 'ab', ''
        FROM reviewapp_reviewitem i WHERE i.open_slots = 2 ORDER BY i.rank DESC LIMIT %(number)s
        RETURNING item_id
    )
    UPDATE reviewapp_reviewitem SET open_slots = 1 FROM held WHERE id = held.item_id
"""


class Reviewer(threading.Thread):
    """One who claims, thinks and labels until the time is over, over a connection of its own; `onward` with
    each next item claimed in the answer to the label before."""

    def __init__(
        self, place: Installation, token: str, until: float = 0.0, think: float = 0.0, onward: bool = False
    ) -> None:
        super().__init__()
        self.connection = http.client.HTTPConnection("127.0.0.1", place.server.port, timeout=30)
        self.token, self.until, self.think, self.onward = token, until, think, onward
        self.given: dict | None = None
        self.claims: list[float] = []
        self.pairs: list[float] = []
        self.failed = 0

    def run(self) -> None:
        while time.monotonic() < self.until and self.label_next():
            pass

    def label_next(self) -> bool:
        """False when there is nothing left."""
        begun = time.monotonic()
        status, told = (200, self.given) if self.given else self.post("/api/v1/queues/review/claim", {})
        if status == 204:
            return False
        if told is not self.given:
            self.claims.append(time.monotonic() - begun)
        time.sleep(self.think)
        begun += self.think
        if status == 200:
            said = {"lease_token": told["lease"]["token"], "verdict": "pass", "next": self.onward}
            status, labelled = self.post(f"/api/v1/items/{told['item']['id']}/label", said)
            self.given = labelled.get("next")
        self.failed += status != 201
        self.pairs.append(time.monotonic() - begun)
        return True

    def post(self, path: str, body: dict) -> tuple[int, dict]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request("POST", path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else {}


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue of one installation, with tokens that may label from it."""

    place: Installation
    pk: int
    tokens: list[str]


def measure(rounds: int) -> list[Figure]:
    """A second installation keeps the smallest queue. Claims from both are made in turns, since a machine
    that others use as well is not as quick in one minute as in the next."""
    with installed() as place:
        large = opened(place)
        figures = sprints(large, MORE_ROUNDS * rounds)
        figures += together(large)
        figures += ahead(large)
        with installed() as beside:
            return [*figures, *growth(large, opened(beside))]


def opened(place: Installation) -> Queue:
    place.server.manage("create_project", "reviewing")
    tokens = place.server.manage("shell", "-v", "0", "-c", ISSUE).split()
    queue = Queue(place, fill(place), tokens)
    add(queue, 1, 1)
    return queue


def fill(place: Installation) -> int:
    """The traces; the id of the queue."""
    with place.database() as database:
        row = database.execute(
            "SELECT q.id FROM reviewapp_queue q JOIN ingest_project p ON p.id = q.project_id "
            "WHERE p.slug = 'reviewing' AND q.slug = 'review'"
        ).fetchone()
        assert row
        database.execute(FILL, {"queue": row[0], "traces": TRACES})
        database.execute(FILL_TEXTS)
        database.execute("VACUUM ANALYZE ingest_trace, ingest_tracerecord")
        return int(row[0])


def add(queue: Queue, first: int, last: int, overlap: int = 1) -> None:
    with queue.place.database() as database:
        database.execute(ADD, {"queue": queue.pk, "first": first, "last": last, "overlap": overlap})
        database.execute("VACUUM ANALYZE reviewapp_reviewitem")
    time.sleep(PREPARED_SECONDS)
    wait_until_prepared(queue.place)


def wait_until_prepared(place: Installation) -> None:
    """To claim what the worker has not reached is another measure."""
    until = time.monotonic() + PATIENCE_SECONDS
    with place.database() as database:
        while database.execute(UNPREPARED, [PREPARED]).fetchone() and time.monotonic() < until:
            time.sleep(0.5)


def empty(place: Installation) -> None:
    with place.database() as database:
        database.execute("TRUNCATE reviewapp_reviewitem CASCADE")


@dataclass(frozen=True, slots=True)
class Sprint:
    """What so many gave who never think: labels a second, milliseconds of a pair and of CPU for each, and of
    CPU where a label brings the next item along."""

    rate: float
    p99: float
    cpu: float
    cpu_onward: float


def sprints(queue: Queue, rounds: int) -> list[Figure]:
    """Each round begins with a full queue, most of which a quick machine labels, and with another number of
    reviewers: none is always the first after the worker has seen ten thousand new items."""
    # The first requests of a server import, connect and plan; `start` measures those.
    work(queue, max(RATES), WARM_SECONDS)
    seen: dict[int, list[Sprint]] = {number: [] for number in RATES}
    order = deque(RATES)
    for _ in range(rounds):
        empty(queue.place)
        add(queue, 1, 1)
        for number in order:
            seen[number].append(sprint(queue, number))
        order.rotate()
    return [figure for number, found in seen.items() for figure in told(number, found)]


def sprint(queue: Queue, number: int) -> Sprint:
    begun = time.monotonic()
    pairs, cpu = pairs_and_cpu(queue, number)
    rate = len(pairs) / (time.monotonic() - begun)
    _, onward = pairs_and_cpu(queue, number, onward=True)
    return Sprint(rate, 1000 * percentile(pairs, 0.99), cpu, onward)


def pairs_and_cpu(queue: Queue, number: int, *, onward: bool = False) -> tuple[list[float], float]:
    """Seconds of each pair, and milliseconds of CPU a label."""
    before = queue.place.web_and_database()
    reviewers = work(queue, number, SPRINT_SECONDS, onward=onward)
    pairs = [seconds for each in reviewers for seconds in each.pairs]
    return pairs, 1000 * (queue.place.web_and_database() - before) / max(len(pairs), 1)


def told(number: int, found: list[Sprint]) -> list[Figure]:
    name = "1 reviewer" if number == 1 else f"{number} reviewers"
    p99 = median([each.p99 for each in found])
    note = f"p99 of the pair {p99:.0f} ms"
    figures = [
        Figure(f"labels/s, {name}, no thinking", median([e.rate for e in found]), "1/s", ">=", RATES[number],
               note)
    ]  # fmt: skip
    if number == max(RATES):
        figures.append(Figure("  claim and submit p99", p99, "ms", "<=", MOST_PAIR_MS))
    return [
        *figures,
        cost("  web and database a label", [each.cpu for each in found]),
        cost("  the same, the next item with it", [each.cpu_onward for each in found]),
    ]


def cost(name: str, found: list[float]) -> Figure:
    return Figure(name, median(found), "ms", "<=", MOST_CPU_MS, f"{min(found):.2f} to {max(found):.2f}")


def work(
    queue: Queue, number: int, seconds: float, think: float = 0.0, *, onward: bool = False
) -> list[Reviewer]:
    until = time.monotonic() + seconds
    tokens = queue.tokens
    reviewers = [Reviewer(queue.place, tokens[n % len(tokens)], until, think, onward) for n in range(number)]
    for reviewer in reviewers:
        reviewer.start()
        # People do not all press the key in the same moment.
        time.sleep(think / number)
    for reviewer in reviewers:
        reviewer.join()
    return reviewers


def together(queue: Queue) -> list[Figure]:
    """Each thinks for a second over each item: faster than anyone, and more than the labels asked for."""
    begun = time.monotonic()
    reviewers = work(queue, REVIEWERS, SECONDS, THINK_SECONDS)
    rate = sum(len(each.pairs) for each in reviewers) / (time.monotonic() - begun)
    claims = [seconds for each in reviewers for seconds in each.claims]
    pairs = [seconds for each in reviewers for seconds in each.pairs]
    p50, p95 = (1000 * percentile(claims, share) for share in (0.5, 0.95))
    note = f"claim p50 {p50:.0f} ms, claim and submit p99 {1000 * percentile(pairs, 0.99):.0f} ms"
    return [
        Figure(f"labels/s, {REVIEWERS} who think for 1 s", rate, "1/s", ">=", LEAST_RATE, note),
        Figure("  claim p95", p95, "ms", "<=", MOST_CLAIM_MS),
        Figure("  answers other than 200 and 201", sum(each.failed for each in reviewers), "", "<=", 0),
    ]


def ahead(queue: Queue) -> list[Figure]:
    """Two label each item, and one of them is far ahead of all others."""
    empty(queue.place)
    add(queue, 1, 1, overlap=2)
    far, near = queue.tokens[:2]
    hold(queue.place, far)
    # Who is ahead has come there by claiming, so the seat has its mark and the worker knows what comes next.
    claims_ms((queue.place, far))
    time.sleep(PREPARED_SECONDS)
    far_ms, near_ms = claims_ms((queue.place, far), (queue.place, near))
    note = f"{near_ms:.1f} ms for the others and {far_ms:.1f} ms, in turns"
    return [
        Figure(f"claim p50, overlap 2, {AHEAD:,} items ahead of the rest", far_ms / near_ms, "x", "<=",
               MOST_GROWTH, note),
    ]  # fmt: skip


def hold(place: Installation, token: str) -> None:
    with place.database() as database:
        reviewer = (
            "SELECT s.user_id FROM reviewapp_servicereviewer s JOIN ingest_apitoken t ON t.id = s.token_id "
        )
        row = database.execute(f"{reviewer} WHERE t.public_id = %s", [token.split("_")[1]]).fetchone()
        assert row
        database.execute(HOLD, {"reviewer": row[0], "number": AHEAD})
        database.execute("VACUUM ANALYZE reviewapp_reviewitem, reviewapp_assignment")


def growth(large: Queue, small: Queue) -> list[Figure]:
    """One reviewer of each, so that nothing but the queues' sizes differs."""
    empty(large.place)
    figures, done = [], 0
    for size in SIZES[1:]:
        add(large, done + 1, size // TRACES)
        done = size // TRACES
        found, least = claims_ms((large.place, large.tokens[0]), (small.place, small.tokens[0]))
        figures.append(
            Figure(f"claim p50, {size:,} against {SIZES[0]:,} open items", found / least, "x", "<=",
                   MOST_GROWTH, f"{least:.1f} ms and {found:.1f} ms, in turns")
        )  # fmt: skip
    return figures


def claims_ms(*people: tuple[Installation, str]) -> list[float]:
    """For each, the median claim of one who labels, after some to warm up; all take turns."""
    reviewers = [Reviewer(place, token) for place, token in people]
    for _ in range(CLAIMS):
        for each in reviewers:
            each.label_next()
    return [1000 * percentile(each.claims[CLAIMS // 4 :], 0.5) for each in reviewers]
