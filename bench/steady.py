"""Does it keep up at a steady rate, and stay responsive under three times its capacity?"""

from __future__ import annotations

import threading
import time

from bench import clients, payloads
from bench.figures import Figure, percentile
from bench.installation import Installation, installed

RATE, SPANS = 200, payloads.SPANS_A_TRACE
MOST_MS, MOST_MB, MOST_RECOVERY = 250, 300, 5
ALLOWED = {200, 429, 503}


def measure(rounds: int, seconds: int = 20) -> list[Figure]:
    with installed() as place:
        calm(place, 3)
        steady = calm(place, seconds)
        capacity = closed_rate(place)
        figures = steady_figures(steady, seconds)
        return figures + overload(place, capacity, max(8, seconds // 2))


def calm(place: Installation, seconds: int) -> clients.Outcome:
    batches = payloads.batches(SPANS, RATE * seconds)
    return clients.OpenLoop(place.server.url, place.token, RATE, connections=24).run(batches)


def steady_figures(outcome: clients.Outcome, seconds: int) -> list[Figure]:
    p50, p95, p99 = (1000 * percentile(outcome.seconds, share) for share in (0.5, 0.95, 0.99))
    note = f"open loop, {seconds} s, p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    return [
        Figure(f"{RATE} traces/s of {SPANS} spans, p95", p95, "ms", "<=", MOST_MS, note),
        Figure("  answers other than 200", outcome.failures, "", "<=", 0),
    ]


def closed_rate(place: Installation) -> float:
    """Traces a second with every client waiting for its answer: what the server can take."""
    shares = [payloads.batches(SPANS, 500) for _ in range(4)]
    return 2000 / clients.send_closed(place.server.url, place.token, shares).wall


def overload(place: Installation, capacity: float, seconds: int) -> list[Figure]:
    rate = 3 * capacity
    memory = Peak(place)
    batches = payloads.batches(SPANS, int(rate * seconds))
    with memory:
        outcome = clients.OpenLoop(place.server.url, place.token, rate, connections=400).run(batches)
    recovery = seconds_to_recover(place)
    others = sum(count for status, count in outcome.statuses.items() if status not in ALLOWED)
    said = ", ".join(f"{status}: {count}" for status, count in sorted(outcome.statuses.items()))
    note = f"{rate:.0f} traces/s offered for {seconds} s; {said}"
    return [
        Figure("3 x overload, other than 200, 429, 503", others, "", "<=", 0, note),
        Figure("  largest web process", memory.largest, "MB", "<=", MOST_MB, "resident"),
        Figure("  until five quick answers in a row", recovery, "s", "<=", MOST_RECOVERY),
    ]


class Peak:
    """Watches the web processes' memory while it is entered."""

    def __init__(self, place: Installation) -> None:
        self.place, self.largest, self.over = place, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self) -> None:
        while not self.over.wait(0.25):
            self.largest = max(self.largest, self.place.web_memory())

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *exception: object) -> None:
        self.over.set()
        self.thread.join()


def seconds_to_recover(place: Installation) -> float:
    begun, quick = time.perf_counter(), 0
    connection = clients.Connection(place.server.url, place.token)
    for batch in payloads.batches(SPANS, 600):
        sent = time.perf_counter()
        try:
            status, _ = connection.post("/v1/traces", batch.body)
        except OSError:
            status = 0
        quick = quick + 1 if status == 200 and time.perf_counter() - sent <= MOST_MS / 1000 else 0
        if quick == 5:
            break
        time.sleep(0.05)
    return time.perf_counter() - begun
