"""How many labels a second do reviewers give over HTTP, what does one cost, is a long queue as quick?"""

from __future__ import annotations

import http.client
import json
import threading
import time

from bench.figures import Figure, percentile
from bench.installation import Installation, installed

REVIEWERS, SECONDS = 50, 8.0
# Labels a second that so many reviewers should reach who never think, and for how long they are watched.
RATES, SPRINT_SECONDS = {1: 100, 8: 300, 32: 300}, 5.0
THINK_SECONDS = 1.0
MOST_PAIR_MS, MOST_CPU_MS = 250, 4
# The worker makes the snapshots of what comes next in this time.
PREPARED_SECONDS = 5.0
SIZES = (1_000, 100_000)
CLAIMS = 200
LEAST_RATE, MOST_CLAIM_MS, MOST_GROWTH = 40, 150, 1.3

# Traces with an input and an output, and an item for each, as fast as the database takes them.
FILL = """
from django.db import connection
from ingest.models import Project
from reviewapp.review.models import Queue
queue = Queue.objects.get(project__slug={project!r}, slug="review")
with connection.cursor() as cursor:
    cursor.execute("TRUNCATE reviewapp_reviewitem CASCADE")
    cursor.execute(
        "INSERT INTO ingest_trace (project_id, trace_id, started_at, stale_since) "
        "SELECT %s, {prefix!r} || n, now(), NULL FROM generate_series(1, {number}) n", [queue.project_id])
    cursor.execute(
        "INSERT INTO ingest_tracerecord (trace_id, occurred_at, body, sha256) "
        "SELECT id, started_at, jsonb_build_object('input', 'Where is my parcel ' || trace_id, 'output', "
        "repeat('It is on its way and comes tomorrow. ', 20)), decode(md5(trace_id) || md5(trace_id), 'hex') "
        "FROM ingest_trace WHERE trace_id LIKE {prefix!r} || '%%'")
    cursor.execute(
        "INSERT INTO reviewapp_reviewitem (queue_id, kind, trace_id, subject, round, purpose, "
        "rubric_version_id, lane, state, required, open_slots, priority, rank, reasons, terms, reserved_for, "
        "changed_since_review, adjudication_reason, added_by, removed_by, enqueued_at) "
        "SELECT %s, 'trace', id, 'trace:' || id, 1, 'review', %s, 'risk', 'open', 1, 1, 0, random(), '[]', "
        "'{{}}', '{{}}', false, '', '', '', now() FROM ingest_trace WHERE trace_id LIKE {prefix!r} || '%%'",
        [queue.pk, queue.rubric_version_id])
    cursor.execute("ANALYZE reviewapp_reviewitem")
"""


class Reviewer(threading.Thread):
    """One who claims, thinks and labels until the time is over, over a connection of its own."""

    def __init__(
        self, place: Installation, token: str, until: float, most: int = 10**9, think: float = 0.0
    ) -> None:
        super().__init__()
        self.connection = http.client.HTTPConnection("127.0.0.1", place.server.port, timeout=30)
        self.token, self.until, self.most, self.think = token, until, most, think
        self.claims: list[float] = []
        self.pairs: list[float] = []
        self.failed = 0

    def run(self) -> None:
        while time.monotonic() < self.until and len(self.claims) < self.most:
            begun = time.monotonic()
            status, told = self.post("/api/v1/queues/review/claim", {})
            if status == 204:
                return
            self.claims.append(time.monotonic() - begun)
            time.sleep(self.think)
            begun += self.think
            if status == 200:
                said = {"lease_token": told["lease"]["token"], "verdict": "pass"}
                status, _ = self.post(f"/api/v1/items/{told['item']['id']}/label", said)
            self.failed += status != 201
            self.pairs.append(time.monotonic() - begun)

    def post(self, path: str, body: dict) -> tuple[int, dict]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request("POST", path, json.dumps(body), headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else {}


def measure(rounds: int) -> list[Figure]:
    with installed() as place:
        place.server.manage("create_project", "reviewing")
        tokens = [
            place.server.manage("create_token", "reviewing", f"r{n}", "--scope", "labels:write").splitlines()[
                -1
            ]
            for n in range(min(REVIEWERS, 10))
        ]
        figures = growth(place, tokens[0])
        fill(place, "load-", 20_000)
        for number, least in RATES.items():
            figures += sprint(place, tokens, number, least)
        return [*together(place, tokens), *figures]


def fill(place: Installation, prefix: str, number: int) -> None:
    place.server.manage("shell", "-c", FILL.format(project="reviewing", prefix=prefix, number=number))
    time.sleep(PREPARED_SECONDS)


def sprint(place: Installation, tokens: list[str], number: int, least: int) -> list[Figure]:
    """So many who never think."""
    before, begun = place.web_and_database(), time.monotonic()
    reviewers = work(place, tokens, number, SPRINT_SECONDS)
    pairs = [seconds for each in reviewers for seconds in each.pairs]
    rate = len(pairs) / (time.monotonic() - begun)
    cpu = 1000 * (place.web_and_database() - before) / max(len(pairs), 1)
    p99 = 1000 * percentile(pairs, 0.99)
    name = "1 reviewer" if number == 1 else f"{number} reviewers"
    told = [
        Figure(f"labels/s, {name}, no thinking", rate, "1/s", ">=", least, f"p99 of the pair {p99:.0f} ms")
    ]
    if number == max(RATES):
        told.append(Figure("  claim and submit p99", p99, "ms", "<=", MOST_PAIR_MS))
    return [*told, Figure("  web and database a label", cpu, "ms", "<=", MOST_CPU_MS)]


def work(
    place: Installation, tokens: list[str], number: int, seconds: float, think: float = 0.0
) -> list[Reviewer]:
    until = time.monotonic() + seconds
    reviewers = [Reviewer(place, tokens[n % len(tokens)], until, think=think) for n in range(number)]
    for reviewer in reviewers:
        reviewer.start()
        # People do not all press the key in the same moment.
        time.sleep(think / number)
    for reviewer in reviewers:
        reviewer.join()
    return reviewers


def together(place: Installation, tokens: list[str]) -> list[Figure]:
    """Each thinks for a second over each item: faster than anyone, and more than the labels asked for."""
    begun = time.monotonic()
    reviewers = work(place, tokens, REVIEWERS, SECONDS, THINK_SECONDS)
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


def growth(place: Installation, token: str) -> list[Figure]:
    """One reviewer alone, so that nothing but the queue's size differs."""
    medians = []
    for size in SIZES:
        fill(place, f"s{size}-", size)
        alone = Reviewer(place, token, time.monotonic() + SECONDS, CLAIMS)
        alone.run()
        medians.append(1000 * percentile(alone.claims[CLAIMS // 4 :], 0.5))
    small, large = medians
    return [
        Figure(f"claim p50, {SIZES[1]:,} against {SIZES[0]:,} open items", large / small, "x", "<=",
               MOST_GROWTH, f"{small:.1f} ms and {large:.1f} ms"),
    ]  # fmt: skip
