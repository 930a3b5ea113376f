"""How many traces a second does one worker settle, check and route, and how soon do they stand in a queue?"""

from __future__ import annotations

import time

from bench import clients, ingest, payloads, processes
from bench.figures import Figure, median, percentile
from bench.installation import SLUG, Installation, installed

SPANS = 15_360
LEAST_RATE = 300
# What a trace waits for anyway, and the goal.
QUIET_SECONDS, MOST_LAG = 30, 35
RATE, SECONDS = 50, 15
WAIT_SECONDS = 60

# Of a project without a rate every trace is drawn, so each has a route to wait for.
RULES = """
    INSERT INTO ingest_routingrule
           (project_id, queue, name, match, conditions, severity, share, position, enabled)
    SELECT id, 'review', r.name, 'any', r.conditions::jsonb, 1, 1, r.position, true
      FROM ingest_project, (VALUES
           ('Failed check', '[{"condition": "check_failed", "name": ""}]', 0),
           ('Low score', '[{"condition": "score_below", "name": "", "threshold": 0.5}]', 1),
           ('Audit', '[{"condition": "audit"}]', 2)) r (name, conditions, position)
     WHERE slug = %s
    ON CONFLICT DO NOTHING
"""
LAGS = """
    SELECT extract(epoch FROM i.enqueued_at - t.last_seen)
      FROM reviewapp_reviewitem i JOIN ingest_trace t ON t.id = i.trace_id
     WHERE t.last_seen >= %s AND t.root_ended
"""


def measure(rounds: int) -> list[Figure]:
    with installed() as place:
        with place.database() as connection:
            connection.execute(RULES, [SLUG])
        figures = rate(place, rounds)
        return [*figures, lag(place)]


def rate(place: Installation, rounds: int) -> list[Figure]:
    """Traces that have been read wait; then all of them are due at once."""
    rates, worker, database = [], [], []
    for _ in range(rounds):
        ingest.send(place, 256, SPANS)
        place.wait_until_none("stale_since IS NOT NULL", WAIT_SECONDS)
        before = spent(place)
        with place.database() as connection:
            connection.execute("UPDATE ingest_trace SET first_seen = first_seen - interval '11 minutes'")
        waiting = place.count("ingest_unsettled")
        begun = time.perf_counter()
        while place.count("ingest_unsettled") and time.perf_counter() - begun < WAIT_SECONDS:
            time.sleep(0.05)
        rates.append(waiting / (time.perf_counter() - begun))
        after = spent(place)
        worker.append(1000 * (after[0] - before[0]) / waiting)
        database.append(1000 * (after[1] - before[1]) / waiting)
    note = f"one worker, {rounds} rounds of about {SPANS // payloads.SPANS_A_TRACE:,} traces of 5 spans"
    return [
        Figure("settled, checked and routed", median(rates), "traces/s", ">=", LEAST_RATE, note),
        Figure("  CPU of the worker", median(worker), "ms/trace"),
        Figure("  CPU of the database", median(database), "ms/trace"),
    ]


def spent(place: Installation) -> tuple[float, float]:
    return (
        processes.cpu_seconds(processes.of_server(place.run, "worker")),
        processes.cpu_seconds(processes.of_server(place.run, "postgres")),
    )


def lag(place: Installation) -> Figure:
    with place.database() as connection:
        (begun,) = connection.execute("SELECT now()").fetchone()
        batches = payloads.batches(payloads.SPANS_A_TRACE, RATE * SECONDS)
        outcome = clients.OpenLoop(place.server.url, place.token, RATE, connections=8).run(batches)
        assert not outcome.failures, outcome.statuses
        end = time.monotonic() + WAIT_SECONDS
        lags: list[float] = []
        while len(lags) < RATE * SECONDS and time.monotonic() < end:
            time.sleep(0.5)
            lags = [float(seconds) for (seconds,) in connection.execute(LAGS, [begun])]
    note = f"{RATE} traces/s for {SECONDS} s, {len(lags)} items, {QUIET_SECONDS} s of it quiet time"
    return Figure(
        "from the last span to the item in its queue, p95", percentile(lags, 0.95), "s", "<=", MOST_LAG, note
    )
