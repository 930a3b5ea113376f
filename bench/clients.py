"""How is load made without measuring the client? Raw sockets, ready-made bytes, forked processes."""

from __future__ import annotations

import json
import multiprocessing
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock, Thread
from urllib.parse import urlsplit

from bench.payloads import Batch

TIMEOUT = 30
PROTOBUF = "application/x-protobuf"
CONTEXT = multiprocessing.get_context("fork")


class Connection:
    """HTTP/1.1 over one socket, kept open."""

    def __init__(self, url: str, token: str = "", cookie: str = "") -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 80)
        credential = f"Cookie: {cookie}" if cookie else f"Authorization: Bearer {token}"
        self.head = f"Host: {parts.netloc}\r\n{credential}\r\n"
        self.socket: socket.socket | None = None

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        kind = f"Content-Type: {PROTOBUF}\r\nContent-Length: {len(body)}\r\n"
        return self.exchange(f"POST {path} HTTP/1.1\r\n{self.head}{kind}\r\n".encode(), body)

    def get(self, path: str) -> tuple[int, bytes]:
        return self.exchange(f"GET {path} HTTP/1.1\r\n{self.head}\r\n".encode(), b"")

    def exchange(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        if self.socket is None:
            self.socket = socket.create_connection(self.address, TIMEOUT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.sendall(head + body if len(body) < 65_536 else head)
            if len(body) >= 65_536:
                self.socket.sendall(body)
            return self.receive(self.socket)
        except OSError:
            self.close()
            raise

    def receive(self, connection: socket.socket) -> tuple[int, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        while len(body) < length:
            body += self.more(connection)
        if b"connection: close" in lines:
            self.close()
        return int(head[9:12]), body

    def more(self, connection: socket.socket) -> bytes:
        received = connection.recv(262_144)
        if not received:
            raise ConnectionError("the server closed the connection")
        return received

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket = None


@dataclass
class Outcome:
    """What a run of requests came to: statuses (0 is no answer) and seconds each."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0
    spans: int = 0

    def add(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        self.seconds.append(seconds)

    @property
    def failures(self) -> int:
        return sum(count for status, count in self.statuses.items() if status != 200)


def send_closed(url: str, token: str, shares: Sequence[Sequence[Batch]]) -> Outcome:
    """Each process sends its share as fast as it is answered, then reads its last trace; wall over all."""
    gate, results = CONTEXT.Barrier(len(shares) + 1), CONTEXT.Queue()

    def work(share: Sequence[Batch]) -> None:
        connection, outcome = Connection(url, token), Outcome()
        connection.get("/healthz")
        gate.wait()
        for batch in share:
            begun = time.perf_counter()
            status, _ = connection.post("/v1/traces", batch.body)
            outcome.add(status, time.perf_counter() - begun)
        last = next((batch.completes for batch in reversed(share) if batch.completes), "")
        outcome.add(*read_back(connection, last))
        results.put(outcome)

    workers = [CONTEXT.Process(target=work, args=[share]) for share in shares]
    for worker in workers:
        worker.start()
    gate.wait()
    begun = time.perf_counter()
    found = [results.get(timeout=600) for _ in workers]
    sent = sum(batch.spans for share in shares for batch in share)
    total = Outcome(wall=time.perf_counter() - begun, spans=sent)
    for worker in workers:
        worker.join()
    for each in found:
        total.statuses += each.statuses
        total.seconds += each.seconds
    return total


def read_back(connection: Connection, trace_id: str) -> tuple[int, float]:
    """Whether the very next request shows the trace with all its spans."""
    begun = time.perf_counter()
    status, body = connection.get(f"/api/v1/traces/{trace_id}")
    if status == 200 and len(json.loads(body)["spans"]) != 5:
        status = 599
    return status, time.perf_counter() - begun


class OpenLoop:
    """Requests at fixed moments, answered or not; each is timed from the moment it was due."""

    def __init__(self, url: str, token: str, rate: float, connections: int) -> None:
        self.url, self.token, self.rate, self.connections = url, token, rate, connections
        self.lock = Lock()

    def run(self, batches: Sequence[Batch]) -> Outcome:
        outcome, queue = Outcome(), iter(enumerate(batches))
        begun = time.perf_counter() + 0.2

        def work() -> None:
            connection = Connection(self.url, self.token)
            while True:
                with self.lock:
                    place, batch = next(queue, (-1, None))
                if batch is None:
                    connection.close()
                    return
                due = begun + place / self.rate
                time.sleep(max(0.0, due - time.perf_counter()))
                try:
                    status, _ = connection.post("/v1/traces", batch.body)
                except OSError:
                    status = 0
                with self.lock:
                    outcome.add(status, time.perf_counter() - due)

        threads = [Thread(target=work) for _ in range(self.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcome.wall = time.perf_counter() - begun
        return outcome
