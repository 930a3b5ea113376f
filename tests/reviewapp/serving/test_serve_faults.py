"""Whatever is killed, and when: what was acknowledged is there, once, and soon the server is ready again."""

from __future__ import annotations

import random

import psycopg
import pytest

from reviewapp.serving import postgres, processes
from reviewapp.serving.postgres import Server as Postgres
from tests.reviewapp.journal import Exporter, Journal
from tests.servers import Server, serving

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def running():
    with serving(WEB_WORKERS="2") as server:
        yield server


@pytest.fixture(scope="module")
def token(running):
    made = running.manage_each(
        ["create_project", "refunds"], ["create_token", "refunds", "exporter", "--scope", "ingest"]
    )
    return made[-1]


def database(server: Server) -> psycopg.Connection:
    place = Postgres(server.data_dir).place
    return psycopg.connect(
        host=str(place.socket), dbname=postgres.DATABASE, user=postgres.DATABASE, autocommit=True
    )


def stored(server: Server) -> list[tuple[str, str, str]]:
    query = "SELECT t.trace_id, s.span_id, s.name FROM ingest_span s JOIN ingest_trace t ON t.id = s.trace_id"
    with database(server) as connection:
        return connection.execute(query).fetchall()


def group(server: Server, name: str) -> list[int]:
    number = server.pid(name)
    return [process.pid for process in processes.living() if process.group == number]


def web_process(server):
    return [pid for pid in group(server, "web") if pid != server.pid("web")][:1]


def web_main(server):
    return [server.pid("web")]


def web_group(server):
    return group(server, "web")


def worker_group(server):
    return group(server, "worker")


def postmaster(server):
    return [server.pid("postgres")]


def backend(server):
    with database(server) as connection:
        others = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
        query = f"SELECT pid FROM pg_stat_activity WHERE {others}"
        return [random.choice(connection.execute(query).fetchall())[0]]


def test_a_killed_part_comes_back_and_nothing_acknowledged_is_lost(running, token):
    exporter = Exporter(running.port, token, seed=20260801)
    exporter.start()
    victims = [web_process, web_main, web_group, worker_group, postmaster, backend, postmaster]
    random.Random(11).shuffle(victims)
    for victim in victims:
        exporter.wait_for(20)
        processes.kill(victim(running))
        exporter.wait_for(20, running.soon())
        running.wait_ready(running.soon())
    exporter.leave.set()
    exporter.join(120)
    assert exporter.journal.complaints(stored(running)) == []
    assert exporter.journal.refusals.keys() <= {0, 503}
    # Something was in flight when it was killed, or this proves little.
    assert exporter.journal.refusals
    prove_the_checker(exporter.journal, stored(running))


def test_everything_killed_at_once_and_started_again(running, token):
    exporter = Exporter(running.port, token, seed=20260802)
    exporter.start()
    for everything in (True, False):
        exporter.wait_for(20)
        parts = web_group(running) + worker_group(running) + postgres_processes(running) if everything else []
        processes.kill([running.process.pid, *parts])
        running.process.wait()
        running.process.stdout.close()
        assert running.start() < running.soon()
        exporter.wait_for(20)
    exporter.leave.set()
    exporter.join(120)
    found = [span for span in stored(running) if span[0] in exporter.journal.sent]
    assert exporter.journal.complaints(found) == []
    prove_the_checker(exporter.journal, found)


def postgres_processes(server: Server) -> list[int]:
    return [process.pid for process in processes.servers_in(Postgres(server.data_dir).place.data)]


def prove_the_checker(journal: Journal, found: list[tuple[str, str, str]]) -> None:
    """One planted defect of each kind must be seen."""
    victim = journal.sent[journal.acknowledged[0]][0]
    assert journal.complaints([span for span in found if span != victim])
    assert journal.complaints([*found, victim])
    assert journal.complaints([(*span[:2], "changed") if span == victim else span for span in found])
