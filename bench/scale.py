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
SETTLING_SECONDS = 900


def measure(rounds: int, largest: int = SIZES[-1]) -> list[Figure]:
    """All spans go through the OTLP endpoint, in batches of 256, started within the last 30 days."""
    figures: list[Figure] = []
    pages: dict[int, tuple[float, float]] = {}
    with installed() as place:
        ingest.warm_up(place)
        empty = 0.0
        for size in [size for size in SIZES if size <= largest]:
            fill(place, size)
            note = wait_for_worker(place)
            times = page_times(place)
            lists = [each for kind in LISTS for each in times[kind]]
            pages[size] = list_p95, trace_p95 = percentile(lists, 0.95), percentile(times["trace"], 0.95)
            note = ", ".join(f"{kind} {percentile(times[kind], 0.95):.0f} ms" for kind in LISTS) + f"; {note}"
            stored = place.count("ingest_span")
            # The pages come first: measuring the rate stores more than the smallest size.
            empty = empty or rate(place, rounds)
            figures += [
                Figure(f"list page p95 at {stored:,} spans", list_p95, "ms", "<=", MOST_LIST_MS, note),
                Figure(f"trace page p95 at {stored:,} spans", trace_p95, "ms"),
            ]
        full = rate(place, rounds)
    first, last = pages[min(pages)], pages[max(pages)]
    growth = f"{max(pages):,} / {min(pages):,} spans"
    return [
        *figures,
        Figure("list page, growth", last[0] / first[0], "x", "<=", MOST_GROWTH, growth),
        Figure("trace page, growth", last[1] / first[1], "x", "<=", MOST_GROWTH, growth),
        Figure(
            "ingest, full / empty",
            full / empty,
            "x",
            ">=",
            LEAST_INGEST,
            f"{full:,.0f} / {empty:,.0f} spans/s",
        ),
    ]


def rate(place: Installation, rounds: int) -> float:
    """Spans a second once the worker has settled all that was there before."""
    place.wait_until_none("id IN (SELECT trace_id FROM ingest_unsettled)", SETTLING_SECONDS)
    found = []
    for _ in range(rounds):
        outcome = ingest.send(place, 256, 23_040, DAYS)
        found.append(outcome.spans / outcome.wall)
    return median(found)


def fill(place: Installation, size: int) -> None:
    stored = place.count("ingest_span")
    while stored < size:
        ingest.send(place, 256, max(256 * ingest.CLIENTS, min(STEP, size - stored) // 256 * 256), DAYS)
        stored = place.count("ingest_span")
        print(f"  {stored:,} spans stored", file=sys.stderr)


def wait_for_worker(place: Installation) -> str:
    """Until the worker has read every trace's columns; a note says how long, or that it was too long."""
    begun = time.monotonic()
    if stale := place.wait_until_none("stale_since IS NOT NULL", SETTLING_SECONDS):
        return f"the worker still had {stale:,} traces to read"
    return f"worker done after {time.monotonic() - begun:.0f} s"


def page_times(place: Installation) -> dict[str, list[float]]:
    """Milliseconds of every kind of list, and of the pages of traces drawn at random."""
    browser = place.signed_in()
    with place.database() as connection:
        ids = [
            row[0] for row in connection.execute("SELECT trace_id FROM ingest_trace ORDER BY id LIMIT 5000")
        ]
    drawn = random.Random(1).sample(ids, REQUESTS)
    base = f"/projects/{SLUG}/traces"
    times = {kind: [timed(browser, base + query) for _ in range(REQUESTS)] for kind, query in LISTS.items()}
    return times | {"trace": [timed(browser, f"{base}/{trace}") for trace in drawn]}


def timed(browser: clients.Connection, path: str) -> float:
    begun = time.perf_counter()
    status, body = browser.get(path)
    assert status == 200, f"{path} answered {status}: {body[:300]!r}"
    return 1000 * (time.perf_counter() - begun)
