"""Do the pages and the ingest stay as quick when there are a hundred times as many spans?"""

from __future__ import annotations

import random
import sys
import time

from bench import clients, ingest
from bench.figures import Figure, median, percentile
from bench.installation import SLUG, Installation, installed

SIZES = (10_000, 100_000, 1_000_000)
DAYS = 30
STEP = 76_800
MOST_GROWTH, MOST_LIST_MS, LEAST_INGEST = 1.5, 150, 0.8
REQUESTS = 120
# The newest page, and pages narrowed by what a quarter of the traces have, by a word in one of forty, and by
# one in nearly all.
LISTS = {"newest": "", "route": "?route=refunds", "rare word": "?q=chandelier", "common word": "?q=refund"}
# Traces whose root a batch has cut off settle by themselves minutes later.
WAITING = "stale_since IS NOT NULL OR root_ended AND id IN (SELECT trace_id FROM ingest_unsettled)"
SETTLING_SECONDS = 900


def measure(rounds: int, largest: int = SIZES[-1]) -> list[Figure]:
    """All spans go through the OTLP endpoint, in batches of 256, started within the last 30 days.

    A second installation stays small. Pages of both are asked for in turns, since a machine that others use
    as well is not as quick in one minute as in the next.
    """
    figures: list[Figure] = []
    growth: list[tuple[float, float]] = []
    with installed() as place, installed() as small:
        for each in (place, small):
            ingest.warm_up(each)
            fill(each, SIZES[0])
            wait_for_worker(each)
        for size in [size for size in SIZES if size <= largest]:
            fill(place, size)
            note = wait_for_worker(place)
            stored = place.count("ingest_span")
            times, beside = page_times(place, small)
            (list_p95, trace_p95), (small_list, small_trace) = p95s(times), p95s(beside)
            growth.append((list_p95 / small_list, trace_p95 / small_trace))
            note = ", ".join(f"{kind} {percentile(times[kind], 0.95):.0f} ms" for kind in LISTS) + f"; {note}"
            figures += [
                Figure(f"list page p95 at {stored:,} spans", list_p95, "ms", "<=", MOST_LIST_MS, note),
                Figure(f"trace page p95 at {stored:,} spans", trace_p95, "ms"),
            ]
        # The pages come first: measuring the rate stores more than the smallest size.
        full, empty = rates(rounds, place, small)
    against = f"against the small one, in turns; {small_list:.0f} and {small_trace:.0f} ms there"
    speeds = f"{full:,.0f} / {empty:,.0f} spans/s, in turns"
    return [
        *figures,
        Figure("list page, growth", growth[-1][0], "x", "<=", MOST_GROWTH, against),
        Figure("trace page, growth", growth[-1][1], "x", "<=", MOST_GROWTH, against),
        Figure("ingest, full / empty", full / empty, "x", ">=", LEAST_INGEST, speeds),
    ]


def p95s(times: dict[str, list[float]]) -> tuple[float, float]:
    """Of all lists together, and of the pages of traces; ms."""
    lists = [each for kind in LISTS for each in times[kind]]
    return percentile(lists, 0.95), percentile(times["trace"], 0.95)


def rates(rounds: int, *places: Installation) -> list[float]:
    """Spans a second of each place, both at rest, in turns."""
    found: list[list[float]] = [[] for _ in places]
    for each in places:
        wait_for_worker(each)
    for _ in range(rounds):
        for each, rate in zip(places, found, strict=True):
            outcome = ingest.send(each, 256, 23_040, DAYS)
            rate.append(outcome.spans / outcome.wall)
            wait_for_worker(each)
    return [median(each) for each in found]


def fill(place: Installation, size: int) -> None:
    stored = place.count("ingest_span")
    while stored < size:
        ingest.send(place, 256, max(256 * ingest.CLIENTS, min(STEP, size - stored) // 256 * 256), DAYS)
        stored = place.count("ingest_span")
        print(f"  {stored:,} spans stored", file=sys.stderr)


def wait_for_worker(place: Installation) -> str:
    """Until the worker has read and settled all traces; a note says how long, or that it was too long."""
    begun = time.monotonic()
    if waiting := place.wait_until_none(WAITING, SETTLING_SECONDS):
        return f"the worker still had {waiting:,} traces to do"
    return f"worker done after {time.monotonic() - begun:.0f} s"


def page_times(*places: Installation) -> list[dict[str, list[float]]]:
    """For each place: milliseconds of every kind of list, and of the pages of traces drawn at random."""
    base = f"/projects/{SLUG}/traces"
    browsers = [place.signed_in() for place in places]
    paths = [
        {kind: [base + query] * REQUESTS for kind, query in LISTS.items()} | {"trace": drawn(place, base)}
        for place in places
    ]
    times: list[dict[str, list[float]]] = [{kind: [] for kind in paths[0]} for _ in places]
    for kind in paths[0]:
        for number in range(REQUESTS):
            for browser, asked, found in zip(browsers, paths, times, strict=True):
                found[kind].append(timed(browser, asked[kind][number]))
    return times


def drawn(place: Installation, base: str) -> list[str]:
    with place.database() as connection:
        rows = connection.execute("SELECT trace_id FROM ingest_trace ORDER BY id LIMIT 5000").fetchall()
    return [f"{base}/{trace}" for (trace,) in random.Random(1).sample(rows, REQUESTS)]


def timed(browser: clients.Connection, path: str) -> float:
    begun = time.perf_counter()
    status, body = browser.get(path)
    assert status == 200, f"{path} answered {status}: {body[:300]!r}"
    return 1000 * (time.perf_counter() - begun)
