"""OTLP spans a second until readable, at batches of 1, 32 and 256, beside a bare COPY of the same rows."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg

from bench import clients, payloads
from bench.figures import Figure, median
from bench.installation import Installation, installed

CLIENTS = 3
# Who sends spans one by one waits for each commit; that many do so is what makes it a load.
CLIENTS_OF_ONE = 8
# Spans a round, enough for a second or more; and the goals, spans a second.
ROUNDS = {256: (46_080, 14_000), 32: (19_200, 6_000), 1: (1_500, 600)}
MOST_CPU_MS = 0.15
READ_SECONDS = 120


def measure(rounds: int) -> list[Figure]:
    figures: list[Figure] = []
    with installed() as place:
        warm_up(place)
        for size, (spans, goal) in ROUNDS.items():
            figures += at_batch(place, size, spans, goal, rounds)
    return figures


def warm_up(place: Installation) -> None:
    send(place, 256, 7_680)


def senders(size: int) -> int:
    return CLIENTS_OF_ONE if size == 1 else CLIENTS


def send(place: Installation, size: int, spans: int, days: float = 0.0) -> clients.Outcome:
    """About so many spans; each client has traces of its own, since a batch cuts some of them in two."""
    number = senders(size)
    shares = [payloads.batches(size, spans // size // number, days) for _ in range(number)]
    outcome = clients.send_closed(place.server.url, place.token, shares)
    assert not outcome.failures, f"not every answer was 200: {outcome.statuses}"
    return outcome


def at_batch(place: Installation, size: int, spans: int, goal: int, rounds: int) -> list[Figure]:
    rates, costs, floors = [], [], []
    for _ in range(rounds):
        # Each round begins rested; what it brings itself is read while it lasts.
        place.wait_until_none("stale_since IS NOT NULL", READ_SECONDS)
        spent = place.web_and_database()
        outcome = send(place, size, spans)
        spent = place.web_and_database() - spent
        rates.append(outcome.spans / outcome.wall)
        costs.append(1000 * spent / outcome.spans)
        floors.append(floor(place, size, outcome.spans))
    rate, bare = median(rates), median(floors)
    name = f"OTLP, batches of {size}"
    return [
        Figure(
            name, rate, "spans/s", ">=", goal, f"{senders(size)} clients, {rounds} rounds of {spans:,} spans"
        ),
        Figure(
            "  bare COPY, same rows and indexes", bare, "spans/s", note="one connection, a commit a batch"
        ),
        Figure("  ratio to the bare COPY", rate / bare, ""),
        Figure(
            "  CPU of web and database", median(costs), "ms/span", "<=", MOST_CPU_MS if size == 256 else None
        ),
    ]


def floor(place: Installation, size: int, spans: int) -> float:
    """Spans a second when the newest rows go into a table with the same indexes by COPY and nothing else."""
    with place.database() as connection:
        connection.execute("DROP TABLE IF EXISTS bench_span")
        connection.execute("CREATE TABLE bench_span (LIKE ingest_span INCLUDING ALL EXCLUDING IDENTITY)")
        chunks = copied_out(connection, size, spans)
        begun = time.perf_counter()
        for chunk in chunks:
            with connection.cursor().copy("COPY bench_span FROM STDIN") as copy:
                copy.write(chunk)
        wall = time.perf_counter() - begun
        connection.execute("DROP TABLE bench_span")
    return spans / wall


def copied_out(connection: psycopg.Connection, size: int, spans: int) -> Sequence[bytes]:
    query = f"COPY (SELECT * FROM ingest_span ORDER BY id DESC LIMIT {spans}) TO STDOUT"
    with connection.cursor().copy(query) as copy:
        rows = [bytes(row) for row in copy]
    return [b"".join(rows[start : start + size]) for start in range(0, len(rows), size)]
