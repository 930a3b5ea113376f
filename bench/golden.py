"""How quick is the golden dataset: publish, download, the answer that nothing changed, upload of a run?"""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.figures import Figure, median, percentile
from bench.installation import SLUG, Installation, installed

CASES, POSTED = 10_000, 1_000
WORDS = [
    "refund",
    "parcel",
    "order",
    "the",
    "of",
    "a",
    "customer",
    "service",
    "zip",
    "broke",
    "warranty",
    "return",
    "label",
    "ä",
    "5–7",
    "days",
]
QUESTIONS = 200
CLIENTS = 100


def measure(rounds: int) -> list[Figure]:
    with installed() as place:
        scopes = ["--scope", "golden:read", "--scope", "golden:write", "--scope", "runs:write"]
        client = Client(place, place.server.manage("create_token", SLUG, "golden", *scopes))
        for body in cases():
            client.ask("POST", "/api/v1/golden/bench/cases", body, "application/x-ndjson")
        publish = client.ask("POST", "/api/v1/golden/bench/versions")[0]
        address = "/api/v1/golden/bench/versions/1"
        _, size, etag = client.ask("GET", address)
        before = place.web_memory()
        downloads = [client.ask("GET", address)[0] for _ in range(5 * rounds)]
        growth = (place.web_memory() - before) * 1024 * 1024 / size
        unchanged = [client.ask("GET", address, etag=etag)[0] * 1000 for _ in range(QUESTIONS)]
        begun = time.perf_counter()
        digests = crowd(place, client.headers, address)
        together = time.perf_counter() - begun
        uploads = [client.ask("POST", f"{address}/runs", results(n))[0] for n in range(rounds)]
    note = f"{CASES:,} cases, {size / 1e6:.0f} MB"
    return [
        Figure("golden publish, all formats", publish, "s", "<=", 10, note),
        Figure("golden download", median(downloads), "s", "<=", 0.1, note),
        Figure("golden download, memory / body", growth, "x", "<=", 0.1, note),
        Figure(
            f"digests that {CLIENTS} clients at once have",
            len(digests),
            "",
            "<=",
            1,
            f"after {together:.1f} s",
        ),
        Figure("golden 304 p95", percentile(unchanged, 0.95), "ms", "<=", 5),
        Figure("golden run upload with verdict", median(uploads), "s", "<=", 3, f"{CASES:,} outputs scored"),
    ]


class Client:
    """One kept connection, as CI has it."""

    def __init__(self, place: Installation, token: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", place.server.port)
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json", etag: str = ""
    ) -> tuple[float, int, str]:
        """Seconds, bytes and the ETag; the body is read and dropped."""
        more = {"If-None-Match": etag} if etag else {}
        begun = time.perf_counter()
        self.connection.request(method, path, body, {**self.headers, "Content-Type": kind, **more})
        answer = self.connection.getresponse()
        size = 0
        while piece := answer.read(1 << 20):
            size += len(piece)
        assert answer.status in (200, 201, 304), (answer.status, path)
        return time.perf_counter() - begun, size, answer.headers.get("ETag", "")


def crowd(place: Installation, headers: dict[str, str], address: str) -> set[str]:
    """The digests of what so many downloaded at once; who is told to come again does."""

    def download(_: int) -> str:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", place.server.port, timeout=120)
            connection.request("GET", address, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            if answer.status == 200:
                return hashlib.sha256(body).hexdigest()
            assert answer.status == 503, answer.status
            time.sleep(float(answer.headers["Retry-After"]))

    with ThreadPoolExecutor(CLIENTS) as threads:
        return set(threads.map(download, range(CLIENTS)))


def cases() -> Iterator[bytes]:
    """About 3 KB each, in bodies under the limit."""
    rng = random.Random(1)

    def text() -> str:
        return " ".join(rng.choice(WORDS) for _ in range(230))

    for start in range(0, CASES, POSTED):
        lines: list[dict[str, Any]] = [
            {"id": f"c{n:05d}", "input": text(), "expected": text(),
             "assertions": [{"type": "contains", "value": "refund"}], "tags": ["a"]}
            for n in range(start, start + POSTED)
        ]  # fmt: skip
        yield "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def results(run: int) -> bytes:
    rows = [{"case_id": f"c{n:05d}", "output": "Your refund is on its way. " * 8} for n in range(CASES)]
    return json.dumps({"run_key": f"bench-{run}", "results": rows}).encode()
