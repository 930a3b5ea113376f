"""A client that notes each batch before it sends it and each answer after, and what the notes then demand."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.ingest.otlp import Span, traces_body

Stored = tuple[str, str, str]  # trace id, span id, name
SPANS = 5


@dataclass
class Journal:
    sent: dict[str, list[Stored]] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)

    def complaints(self, found: Iterable[Stored]) -> list[str]:
        """What is wrong with the stored spans: lost though acknowledged, doubled, changed, half a batch."""
        counted = Counter(found)
        expected = {span for spans in self.sent.values() for span in spans}
        wrong = [
            f"acknowledged and lost: {t}"
            for t in self.acknowledged
            if not all(counted[s] for s in self.sent[t])
        ]
        wrong += [f"stored twice: {span}" for span, times in counted.items() if times > 1]
        wrong += [f"never sent so: {span}" for span in counted if span not in expected]
        for trace, spans in self.sent.items():
            if 0 < sum(bool(counted[span]) for span in spans) < len(spans):
                wrong.append(f"stored in part: {trace}")
        return wrong


class Exporter(threading.Thread):
    """Sends one batch after the other, and each again and again until it is acknowledged, as exporters do."""

    def __init__(self, port: int, token: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-protobuf"}
        self.random = random.Random(seed)
        self.journal = Journal()
        self.leave = threading.Event()
        self.client: http.client.HTTPConnection | None = None

    def run(self) -> None:
        while not self.leave.is_set():
            trace = f"{self.random.getrandbits(128):032x}"
            spans = [Span(trace, f"{n + 1:016x}", name=f"step {self.random.random()}") for n in range(SPANS)]
            self.journal.sent[trace] = [(span.trace_id, span.span_id, span.name) for span in spans]
            body = traces_body(spans)
            while not self.leave.is_set():
                status = self.post(body)
                if status == 200:
                    self.journal.acknowledged.append(trace)
                    break
                self.journal.refusals[status] += 1
                time.sleep(0.02)
        self.hang_up()

    def post(self, body: bytes) -> int:
        """The status, or 0 when no answer came."""
        try:
            self.client = self.client or http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            self.client.request("POST", "/v1/traces", body, self.headers)
            answer = self.client.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.hang_up()
            return 0
        return answer.status

    def hang_up(self) -> None:
        if self.client is not None:
            self.client.close()
        self.client = None

    def wait_for(self, more: int, seconds: float = 120) -> None:
        """Until `more` further batches are acknowledged."""
        wanted, end = len(self.journal.acknowledged) + more, time.monotonic() + seconds
        while len(self.journal.acknowledged) < wanted:
            assert time.monotonic() < end, (
                f"only {len(self.journal.acknowledged)} of {wanted} acknowledged; {self.journal.refusals}"
            )
            time.sleep(0.005)
