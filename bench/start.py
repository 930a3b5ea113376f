"""How long does a start take, how much memory does it hold, and what does a web process load?"""

from __future__ import annotations

import subprocess
import sys
import time

from bench import processes
from bench.figures import Figure, median
from bench.installation import installed
from tests.servers import ROOT

MOST_SECONDS, MOST_MB = 3, 350
HEAVY = ("litellm", "sklearn", "scipy", "numpy", "pandas")
IDLE_SECONDS = 5


def measure(rounds: int) -> list[Figure]:
    with installed() as place:
        server, starts = place.server, []
        for _ in range(rounds):
            server.stop()
            starts.append(server.start())
        time.sleep(IDLE_SECONDS)
        assert server.process
        everything = processes.tree(server.process.pid) | processes.of_server(
            place.run, "web", "worker", "postgres"
        )
        memory = sum(processes.rollup(pid, "Pss") for pid in everything)
        loaded = heavy_modules(place.server.environment)
    return [
        Figure("warm start to ready", median(starts), "s", "<=", MOST_SECONDS, f"{rounds} starts"),
        Figure(
            "memory of all processes, idle",
            memory,
            "MB",
            "<=",
            MOST_MB,
            f"PSS of {len(everything)} processes",
        ),
        Figure("heavy modules in a web process", len(loaded), "", "<=", 0, ", ".join(loaded)),
    ]


def heavy_modules(environment: dict[str, str]) -> list[str]:
    """What loading the web server's application brings with it, every view included."""
    code = (
        "import sys, reviewapp.wsgi; from django.urls import get_resolver; get_resolver().url_patterns; "
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment, check=True
    )
    return done.stdout.split()
