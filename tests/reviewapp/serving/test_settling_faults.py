"""Worker killed at random, queue truncated and doubled: every trace settles exactly once, and soon."""

from __future__ import annotations

import json
import random
import time
import urllib.request

import psycopg
import pytest

from reviewapp.serving import postgres, processes
from reviewapp.serving.postgres import Server as Postgres
from tests.servers import Server, serving

pytestmark = pytest.mark.server

SETTLED_SECONDS = 300
TRACES = 240
# How each trace that waits is made due, whatever the clock says.
OUT_OF_PATIENCE = "UPDATE ingest_trace SET first_seen = first_seen - interval '11 minutes'"
DOUBLED = "INSERT INTO django_q_ormq (key, payload, lock) SELECT key, payload, lock FROM django_q_ormq"


@pytest.fixture(scope="module")
def running():
    with serving(WEB_WORKERS="1") as server:
        yield server


def database(server: Server) -> psycopg.Connection:
    place = Postgres(server.data_dir).place
    return psycopg.connect(
        host=str(place.socket), dbname=postgres.DATABASE, user=postgres.DATABASE, autocommit=True
    )


def send(server: Server, token: str, first: int, number: int) -> None:
    traces = [
        {
            "id": f"t{index}",
            "input": "How?",
            "output": "So.",
            "scores": [{"id": f"s{index}", "name": "tone", "value": index % 2}],
        }
        for index in range(first, first + number)
    ]
    request = urllib.request.Request(
        f"{server.url}/api/v1/traces",
        json.dumps(traces).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        assert answer.status == 200


def kill_worker(server: Server) -> None:
    number = server.pid("worker")
    processes.kill([process.pid for process in processes.living() if process.group == number])


def wait_until(server: Server, query: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    with database(server) as connection:
        while connection.execute(query).fetchone()[0]:
            assert time.monotonic() < end, f"after {seconds} s still {query}"
            time.sleep(0.1)


def test_every_trace_settles_exactly_once_whatever_becomes_of_the_worker_and_its_queue(running):
    _, token = running.manage_each(
        ["create_project", "refunds"], ["create_token", "refunds", "exporter", "--scope", "ingest"]
    )
    chance = random.Random(20261121)
    mishaps = [
        lambda connection: kill_worker(running),
        lambda connection: connection.execute("TRUNCATE django_q_ormq"),
        lambda connection: connection.execute(DOUBLED),
    ] * 2
    chance.shuffle(mishaps)
    with database(running) as connection:
        connection.execute(
            "INSERT INTO ingest_routingrule "
            "(project_id, queue, name, match, conditions, severity, share, position, enabled) "
            "SELECT id, 'faults', 'low', 'any', "
            """'[{"condition": "score_below", "name": "tone", "threshold": 0.5}]', 1, 1, 0, true """
            "FROM ingest_project"
        )
        each = TRACES // len(mishaps)
        for number, mishap in enumerate(mishaps):
            send(running, token, number * each, each)
            connection.execute(OUT_OF_PATIENCE)
            time.sleep(chance.uniform(0.2, 1.5))
            mishap(connection)
        connection.execute(OUT_OF_PATIENCE)
        wait_until(running, "SELECT count(*) FROM ingest_unsettled", SETTLED_SECONDS)
        wait_until(running, "SELECT count(*) FROM ingest_signal", SETTLED_SECONDS)
        facts = connection.execute(
            "SELECT count(*), count(d.trace_id), count(DISTINCT d.trace_id), count(r.id), "
            "count(r.id) FILTER (WHERE s.value = 0) "
            "FROM ingest_trace t LEFT JOIN ingest_auditdraw d ON d.trace_id = t.id "
            "LEFT JOIN ingest_route r ON r.trace_id = t.id AND r.queue = 'faults' "
            "JOIN ingest_score s ON s.trace_id = t.id AND s.name = 'tone'"
        ).fetchone()
        assert facts == (TRACES, TRACES, TRACES, TRACES // 2, TRACES // 2)
        # Nothing was checked or counted twice: the counts are those of a recount.
        counted = "SELECT coalesce(sum(passed + failed), 0) FROM ingest_checkcount WHERE name = 'empty'"
        recount = "SELECT count(*) FROM ingest_score WHERE key LIKE 'touchstone:check:empty:%'"
        assert connection.execute(counted).fetchone() == connection.execute(recount).fetchone() == (TRACES,)
