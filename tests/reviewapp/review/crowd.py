"""Fifty who review over HTTP, a history of every lease kept by the database, and what it must not hold."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import uuid4

import psycopg

from reviewapp.serving import postgres
from reviewapp.serving.postgres import Server as Postgres
from tests.servers import Server

# Each change of an assignment, in the order in which the database made it: a claim and whatever ends it
# hold the item's lock, so that two which follow each other on one slot can stand in no other order.
KEEP = """
    CREATE TABLE IF NOT EXISTS lease_history (
        n bigserial PRIMARY KEY, item bigint, reviewer bigint, state text, token uuid);
    CREATE OR REPLACE FUNCTION note_lease() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO lease_history (item, reviewer, state, token)
        VALUES (NEW.item_id, NEW.reviewer_id, NEW.state, NEW.token);
        RETURN NULL;
    END $$;
    CREATE OR REPLACE TRIGGER note_lease AFTER INSERT OR UPDATE ON reviewapp_assignment
        FOR EACH ROW EXECUTE FUNCTION note_lease();
"""
DROP = "DROP TRIGGER note_lease ON reviewapp_assignment; DROP FUNCTION note_lease; DROP TABLE lease_history"
# Tokens, each with a reviewer of its own; queues whose items stand in a random order and have nothing in
# common, as those that are alike are ranked anew in the background.
FILL = """
import json, random
from django.db import connection
from ingest import tokens
from ingest.models import Project, Scope, Trace
from reviewapp.review import queues, rubrics
from reviewapp.review.models import Queue, ReviewItem
project, _ = Project.objects.get_or_create(slug="crowd", defaults={{"name": "Crowd"}})
version = rubrics.create_starter(project)
for slug, items, is_open, settings in {queues!r}:
    queue = queues.create(project, slug, rubric_version=version, **settings)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingest_trace (project_id, trace_id, started_at, stale_since, input, output) "
            "SELECT %s, %s || n, now(), NULL, translate(md5(%s || n), '0123456789', 'ghijklmnop'), "
            "translate(md5('a' || %s || n), '0123456789', 'qrstuvwxyz') FROM generate_series(1, %s) n "
            "RETURNING id", [project.pk, slug + "-", slug, slug, items])
        traces = [pk for pk, in cursor.fetchall()]
        cursor.execute(
            "INSERT INTO ingest_tracerecord (trace_id, occurred_at, body, sha256) "
            "SELECT id, started_at, jsonb_build_object('input', input, 'output', output), "
            "decode(md5(trace_id) || md5(trace_id), 'hex') FROM ingest_trace WHERE id = ANY(%s)", [traces])
    chance = random.Random(slug)
    ReviewItem.objects.bulk_create(
        ReviewItem(queue=queue, trace_id=pk, subject=f"trace:{{pk}}", rubric_version=version,
                   required=queue.overlap, open_slots=queue.overlap * is_open, rank=chance.random())
        for pk in traces)
print(json.dumps([tokens.issue(project, f"r{{n}}", [Scope.LABELS_WRITE]).text for n in range({people})]))
"""


def fill(server: Server, people: int, *made: tuple[str, int, bool, dict]) -> list[str]:
    """Queues (name, items, whether they are open, settings), and the tokens of so many reviewers."""
    said = server.manage("shell", "-v", "0", "-c", FILL.format(queues=list(made), people=people))
    return json.loads(said.splitlines()[-1])


def database(server: Server) -> psycopg.Connection:
    place = Postgres(server.data_dir).place
    return psycopg.connect(
        host=str(place.socket), dbname=postgres.DATABASE, user=postgres.DATABASE, autocommit=True
    )


class Client:
    """One connection, opened anew when it was closed."""

    def __init__(self, port: int, token: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(self, path: str, body: dict) -> tuple[int, dict]:
        self.connection.request("POST", f"/api/v1/{path}", json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else {}

    def close(self) -> None:
        self.connection.close()


@dataclass
class Work:
    """What a crowd has to do, and whether it is done."""

    queue: str
    wanted: int
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    def count(self) -> None:
        with self.lock:
            self.done += 1
            if self.done >= self.wanted:
                self.over.set()


class Reviewer(threading.Thread):
    """Claims and labels, and now and then skips, gives back, walks away, or presses a key twice."""

    def __init__(self, port: int, token: str, work: Work, seed: int) -> None:
        super().__init__(daemon=True)
        self.client, self.work, self.chance = Client(port, token), work, random.Random(seed)
        self.labelled: dict[str, int] = {}  # key -> item
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.strange: list[str] = []

    def run(self) -> None:
        try:
            while not self.work.over.is_set():
                status, told = self.post(f"queues/{self.work.queue}/claim", {})
                if status == 200:
                    self.decide(told["item"]["id"], told["lease"]["token"])
                else:
                    time.sleep(0.05)
        except Exception as error:
            self.strange.append(repr(error))
        self.client.close()

    def decide(self, item: int, token: str) -> None:
        what = self.chance.random()
        if what < 0.02:
            self.post(f"items/{item}/skip", {"lease_token": token, "reason": "context"})
        elif what < 0.04:
            self.post(f"items/{item}/release", {"lease_token": token})
        elif what > 0.99:
            return
        else:
            if what < 0.1:
                self.post(f"items/{item}/heartbeat", {"lease_token": token})
            self.label(item, token, twice=what > 0.95)

    def label(self, item: int, token: str, *, twice: bool) -> None:
        key = uuid4().hex
        body = {"lease_token": token, "idempotency_key": key, "verdict": "pass" if item % 2 else "fail"}
        status, told = self.post(f"items/{item}/label", body)
        if status != 201:
            return
        self.labelled[key] = item
        self.work.count()
        if twice:
            again, same = self.post(f"items/{item}/label", body)
            if again != 200 or same["label"]["id"] != told["label"]["id"]:
                self.strange.append(f"the same key a second time: {again} {same}")

    def post(self, path: str, body: dict) -> tuple[int, dict]:
        status, told = self.client.post(path, body)
        self.statuses[path.rsplit("/", 1)[1], status] += 1
        # 409: the lease ran out while the machine was busy.
        if status not in (200, 201, 204, 409):
            self.strange.append(f"{path}: {status} {told}")
        return status, told


def set_to_work(server: Server, tokens: list[str], work: Work, seconds: float) -> list[Reviewer]:
    """All of them until the queue is done, or so many seconds are over."""
    people = [Reviewer(server.port, token, work, seed) for seed, token in enumerate(tokens)]
    for person in people:
        person.start()
    work.over.wait(seconds)
    work.over.set()
    for person in people:
        person.join(60)
    return people


@dataclass
class Told:
    """What the history of a queue comes to. `doubled`: (item, how many held or had labelled it)."""

    doubled: list[tuple[int, int]]
    claims: int
    most_passed_over: int


def told(history: list[tuple[int, int, str, object]], ranks: dict[int, float], overlap: int) -> Told:
    """Replays who held what. At each claim: how many items of a higher rank stood open to this reviewer?"""
    now: dict[tuple[int, int], tuple[str, object]] = {}
    taken: Counter[int] = Counter()
    free = sorted(ranks, key=lambda pk: -ranks[pk])
    doubled, claims, most = [], 0, 0
    for item, reviewer, state, token in history:
        had, had_token = now.get((item, reviewer), ("released", None))
        takes = state in ("leased", "submitted")
        if state == "leased" and token != had_token and had == "released":
            claims += 1
            passed = 0
            for other in free:
                if other == item:
                    break
                passed += now.get((other, reviewer), ("released", None))[0] == "released"
            most = max(most, passed)
        was_full = taken[item] >= overlap
        taken[item] += takes - (had in ("leased", "submitted"))
        now[item, reviewer] = (state, token)
        if taken[item] > overlap:
            doubled.append((item, taken[item]))
        if (taken[item] >= overlap) != was_full:
            free = sorted([pk for pk in ranks if taken[pk] < overlap], key=lambda pk: -ranks[pk])
    return Told(doubled, claims, most)


class Auditor(threading.Thread):
    """Looks all the time: are counters right, does anyone hold what another has?"""

    def __init__(self, server: Server, queue: str) -> None:
        super().__init__(daemon=True)
        self.server, self.queue, self.leave = server, queue, threading.Event()
        self.looks, self.wrong = 0, []

    def run(self) -> None:
        with database(self.server) as connection:
            while not self.leave.wait(0.1):
                self.wrong += connection.execute(WRONG, [self.queue]).fetchall()
                self.looks += 1


WRONG = """
    SELECT i.id, i.state, i.required, i.open_slots, count(a.id) FILTER (WHERE a.state = 'leased'),
        count(a.id) FILTER (WHERE a.state = 'submitted')
    FROM reviewapp_reviewitem i JOIN reviewapp_queue q ON q.id = i.queue_id AND q.slug = %s
    LEFT JOIN reviewapp_assignment a ON a.item_id = i.id GROUP BY i.id
    HAVING i.open_slots <> CASE WHEN i.state = 'open'
            THEN i.required - count(a.id) FILTER (WHERE a.state IN ('leased', 'submitted')) ELSE 0 END
        OR count(a.id) FILTER (WHERE a.state IN ('leased', 'submitted')) > i.required
        OR (i.state = 'open') <> (count(a.id) FILTER (WHERE a.state = 'submitted') < i.required)
"""
