"""Worker killed, queue truncated and doubled, endpoint misbehaving: one result each, no call unseen."""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from evaluation.judges.judgments import claims
from reviewapp.serving import postgres, processes
from reviewapp.serving.postgres import Server as Postgres
from tests.evaluation.judges import stub as stubs
from tests.evaluation.judges.stub import Stub
from tests.servers import Server, serving

pytestmark = pytest.mark.server

TRACES, ENDED_SECONDS = 60, 300
BUDGET = 1.0
START = """
import time
from django.core.management import call_command
from evaluation.judges.judgments import asking
from evaluation.judges.making import versions
from evaluation.judges.models import Kind, Origin, RunKind
from ingest import intake, native
from ingest.documents import Documents
from ingest.models import Project, Trace
from ingest.redaction.policies import redactor_of
call_command("create_project", "refunds")
project = Project.objects.get(slug="refunds")
bodies = [{{"id": f"t{{n}}", "input": f"Where is parcel {{n}}?", "output": "Here."}} for n in range({traces})]
taken = native.take_traces(Documents(bodies, bulk=True), time.time_ns(), redactor_of(project))
intake.store(project, taken.batch())
version = versions.create(project, "orion-judge", Kind.LITELLM, endpoint="orion")
traces = Trace.objects.order_by("pk").values_list("pk", flat=True)
asking.ask_traces(version, [(pk, Origin.GIVEN) for pk in traces], asking.start(version, RunKind.GIVEN))
"""
# What waits is due and the endpoint rested, whatever the clock says.
NOW = (
    "UPDATE evaluation_judgment SET due_at = now() WHERE progress = 'waiting'",
    "DELETE FROM evaluation_endpointhealth",
)
# A worker that was killed writes nothing any more: its leases are over.
LAPSED = "UPDATE evaluation_judgment SET lease_until = now() - interval '1 second' WHERE progress = 'running'"
DOUBLED = "INSERT INTO django_q_ormq (key, payload, lock) SELECT key, payload, lock FROM django_q_ormq"


class Moody(Stub):
    """Fails the first call about every fifth trace, each in its own way; after that what it says is fixed."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[int] = Counter()
        self.seconds = 0.05

    def way(self, body: dict[str, Any]) -> str:
        number = int(re.findall(r"parcel (\d+)", json.dumps(body))[-1])
        with self._lock:
            self.asked[number] += 1
            if self.asked[number] == 1 and number % 5 == 0:
                return ("500", "reset", "503", "not_json")[number // 5 % 4]
        return expected(number)[1]


def expected(number: int) -> tuple[str, str]:
    """The verdict, and how the endpoint says it."""
    return (("fail", "good"), ("pass", "pass"), ("invalid", "wrong_enum"))[number % 3]


@pytest.fixture
def moody(monkeypatch: pytest.MonkeyPatch) -> Iterator[Moody]:
    monkeypatch.setattr(stubs, "Stub", Moody)
    with stubs.serving() as stub:
        assert isinstance(stub, Moody)
        yield stub


@pytest.fixture
def running(moody: Moody, tmp_path: Path) -> Iterator[Server]:
    file = tmp_path / "judges.toml"
    file.write_text(
        '[[endpoint]]\nname = "orion"\nmodel = "openai/orion-mini-2026-08-11"\nkey = "ORION_KEY"\n'
        f'base_url = "http://127.0.0.1:{moody.port}/v1"\ninput_price = 0.1\noutput_price = 1.0\n'
    )
    tmp_path.chmod(0o755)
    environment = {"JUDGES_FILE": str(file), "ORION_KEY": stubs.KEY, "JUDGE_MONTHLY_BUDGET": str(BUDGET)}
    with serving(WEB_WORKERS="1", **environment) as server:
        server.manage("shell", "-c", START.format(traces=TRACES))
        yield server


def database(server: Server) -> psycopg.Connection[Any]:
    place = Postgres(server.data_dir).place
    return psycopg.connect(
        host=str(place.socket), dbname=postgres.DATABASE, user=postgres.DATABASE, autocommit=True
    )


def kill_worker(server: Server, connection: psycopg.Connection[Any]) -> None:
    number = server.pid("worker")
    processes.kill([process.pid for process in processes.living() if process.group == number])
    connection.execute(LAPSED)


def wait_for(connection: psycopg.Connection[Any], query: str, least: int) -> None:
    end = time.monotonic() + ENDED_SECONDS
    while True:
        for statement in NOW:
            connection.execute(statement)
        row = connection.execute(query).fetchone()
        if row and row[0] >= least:
            return
        assert time.monotonic() < end, f"after {ENDED_SECONDS} s still {row} for {query}"
        time.sleep(0.1)


def test_every_judgment_ends_once_whatever_becomes_of_the_worker_and_its_queue(
    running: Server, moody: Moody
) -> None:
    chance = random.Random(20261121)
    ended = (
        "SELECT count(*) FROM evaluation_judgment WHERE progress IN ('done', 'invalid', 'failed', 'stopped')"
    )
    kills = 0
    with database(running) as connection:
        mishaps = ["kill", "truncate", "double", "kill"]
        for place, mishap in enumerate(mishaps):
            wait_for(connection, ended, place * 12 + chance.randrange(1, 12))
            if mishap == "kill":
                kill_worker(running, connection)
                kills += 1
            else:
                connection.execute("TRUNCATE django_q_ormq" if mishap == "truncate" else DOUBLED)
        wait_for(connection, ended, TRACES)
        rows = connection.execute(
            "SELECT t.trace_id, j.progress, j.verdict, j.attempts, (SELECT count(*) FROM ingest_score s "
            "WHERE s.trace_id = t.id AND s.name = 'orion-judge') FROM ingest_trace t "
            "LEFT JOIN evaluation_judgment j ON j.trace_id = t.id"
        ).fetchall()
        spent = connection.execute(
            "SELECT spent_usd, (SELECT coalesce(sum(usd), 0) FROM evaluation_reservation) "
            "FROM evaluation_monthlyspend"
        ).fetchone()
    assert len(rows) == TRACES, "one row a trace, so no judgment twice"
    lost = 0
    for name, progress, verdict, attempts, scores in rows:
        number = int(name.removeprefix("t"))
        assert (verdict, progress) == (expected(number)[0], "invalid" if number % 3 == 2 else "done")
        assert scores == (number % 3 != 2), "the score of a verdict stands once"
        assert moody.asked[number] <= attempts, "no call without an attempt that was written before it"
        lost += attempts - moody.asked[number]
    assert lost <= claims.CHUNK * kills, "only what a kill cut off between attempt and call was not asked"
    assert spent is not None
    assert spent[0] + spent[1] <= BUDGET
