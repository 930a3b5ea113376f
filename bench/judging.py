"""How many judgments a second does the worker get from a fast endpoint, and from a slow one?"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator

from bench import clients
from bench.figures import Figure
from bench.installation import SLUG, Installation, installed
from tests import servers
from tests.evaluation.judges import stub as stubs

TRACES, SECONDS, WARM = 1_500, 15.0, 100
LEAST_RATE = 50
# What a provider's model takes; then the number of calls under way at once is what limits.
SLOW_SECONDS = 0.2
KEY = "ORION_KEY"

# A live version's run over all traces: rows, which the worker finds.
START = """
from django.utils import timezone
from evaluation.judges.judgments import asking
from evaluation.judges.making import versions
from evaluation.judges.models import JudgeVersion, Kind, Origin, RunKind
from ingest.models import Project, Trace
project = Project.objects.get(slug={slug!r})
version = versions.create(project, "speed", Kind.LITELLM, endpoint="orion", prompt={prompt!r})
run = asking.start(version, RunKind.GIVEN)
traces = Trace.objects.filter(project=project).order_by("pk").values_list("pk", flat=True)
print(asking.ask_traces(version, [(pk, Origin.GIVEN) for pk in traces], run))
"""


def measure(rounds: int) -> list[Figure]:
    with stubs.serving() as stub, servers.data_directory() as directory:
        file = directory / "judges.toml"
        file.write_text(
            '[[endpoint]]\nname = "orion"\nmodel = "openai/orion-mini-2026-08-11"\nkey = "ORION_KEY"\n'
            f'base_url = "http://127.0.0.1:{stub.port}/v1"\ninput_price = 0.01\noutput_price = 0.01\n'
        )
        environment = {"JUDGES_FILE": str(file), KEY: "sk-bench", "JUDGE_MONTHLY_BUDGET": "1000"}
        with installed(**environment) as place:
            fill(place)
            with running(place, "at once"):
                quick = rate(place)
            with running(place, "slowly", stub, SLOW_SECONDS):
                slow = rate(place)
            calls = len(stub.calls)
            attempts = attempts_of(place)
    return [
        Figure("judgments/s, endpoint answers at once", quick, "1/s", ">=", LEAST_RATE),
        Figure(f"  endpoint takes {1000 * SLOW_SECONDS:.0f} ms", slow, "1/s"),
        Figure("  calls without a recorded attempt", max(calls - attempts, 0), "", "<=", 0),
    ]


def fill(place: Installation) -> None:
    browser = clients.Connection(place.server.url, place.token)
    for start in range(0, TRACES, 500):
        bodies = [
            {"id": f"t{n}", "input": f"Where is parcel {n}?", "output": "On its way. " * 20}
            for n in range(start, start + 500)
        ]
        body = json.dumps(bodies).encode()
        head = f"POST /api/v1/traces HTTP/1.1\r\n{browser.head}Content-Type: application/json\r\n"
        status, told = browser.exchange(f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body)
        assert status == 200, told
    place.wait_until_none("id IN (SELECT trace_id FROM ingest_unsettled)", 60)


@contextlib.contextmanager
def running(
    place: Installation, prompt: str, stub: stubs.Stub | None = None, seconds: float = 0.0
) -> Iterator[None]:
    if stub:
        stub.seconds = seconds
    place.server.manage("shell", "-c", START.format(slug=SLUG, prompt=prompt))
    yield
    with place.database() as connection:
        connection.execute("UPDATE evaluation_judgment SET progress = 'stopped' WHERE progress = 'waiting'")
    if stub:
        stub.seconds = 0.0


def rate(place: Installation) -> float:
    """Judgments a second once the worker is warm, for as long as there are any."""
    done = "progress IN ('done', 'invalid')"
    before, begun = place.count("evaluation_judgment", done), time.monotonic()
    while place.count("evaluation_judgment", done) < before + WARM:
        assert time.monotonic() - begun < 60, "the worker judges nothing"
        time.sleep(0.1)
    first, begun = place.count("evaluation_judgment", done), time.monotonic()
    while time.monotonic() - begun < SECONDS and place.count("evaluation_judgment", "progress = 'waiting'"):
        time.sleep(0.1)
    return (place.count("evaluation_judgment", done) - first) / (time.monotonic() - begun)


def attempts_of(place: Installation) -> int:
    with place.database() as connection:
        row = connection.execute("SELECT sum(attempts) FROM evaluation_judgment").fetchone()
        return int(row[0]) if row and row[0] else 0
