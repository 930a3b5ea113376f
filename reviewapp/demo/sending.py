"""Sends the demo's conversations to a server, through the doors that any application would use.

Nothing is written to the database from here. Everything has an id, so sending again changes nothing.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from reviewapp.demo import bodies, reactions
from reviewapp.demo.steps import compact
from reviewapp.demo.traffic import Plan, conversations
from reviewapp.demo.turns import NATIVE, OPENINFERENCE, OTEL, Turn

PROTOBUF, NDJSON = "application/x-protobuf", "application/x-ndjson"
CONVERSATIONS_A_ROUND = 25
ATTEMPTS = 6


class Refused(Exception):
    """The server did not take a body; the text says which and why."""


class Client:
    """One connection to the server, kept open; repeats what the server asks to be repeated."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self.connection = self.connect()

    def connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "127.0.0.1", parts.port, timeout=30)

    def post(self, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        answer = self.ask("POST", path, body, {"Content-Type": content_type})
        return result(path, answer, content_type)

    def get(self, path: str) -> bytes:
        return self.ask("GET", path, b"", {})

    def ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        for attempt in range(ATTEMPTS):
            try:
                status, wait, answer = self.exchange(method, path, body, headers)
            except (OSError, http.client.HTTPException):
                # A server that was restarted; bodies carry ids, so a second arrival changes nothing.
                status, wait, answer = 503, 0.5 * (attempt + 1), b"no connection"
                self.connection.close()
            if status < 300:
                return answer
            if status not in (429, 502, 503):
                break
            time.sleep(wait)
        raise Refused(f"{self.url}{path} answered {status}: {answer.decode(errors='replace')[:300]}")

    def exchange(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, float, bytes]:
        self.connection.request(method, path, body, headers | {"Authorization": f"Bearer {self.token}"})
        response = self.connection.getresponse()
        seconds = response.getheader("Retry-After", "1")
        return response.status, float(seconds) if seconds.isdigit() else 1.0, response.read()


def result(path: str, answer: bytes, content_type: str) -> dict[str, Any]:
    """What the server says of a native body; a rejected line is a fault of the demo, never passed over."""
    if content_type == PROTOBUF or not answer:
        return {}
    said: dict[str, Any] = json.loads(answer)
    if said.get("rejected"):
        raise Refused(f"{path} rejected {said['rejected'][0]}")
    return said


def send(plan: Plan, url: str, token: str, progress: Callable[[int], None]) -> None:
    """All of the plan, in rounds, so that feedback follows its trace as it does in life."""
    client = Client(url, token)
    visits = conversations(plan)
    sent = 0
    while batch := list(islice(visits, CONVERSATIONS_A_ROUND)):
        send_round(client, batch)
        sent += sum(map(len, batch))
        progress(sent)


def send_round(client: Client, visits: Sequence[Sequence[Turn]]) -> None:
    turns = [turn for visit in visits for turn in visit]
    signals = [
        signal
        for visit in visits
        for turn, following in zip(visit, [*visit[1:], None], strict=True)
        for signal in reactions.signals(turn, following)
    ]
    scores = [(turn, score) for turn in turns for score in reactions.scores(turn)]
    events = [score for turn, score in scores if bodies.can_be_event(score, turn)]
    direct = [score for turn, score in scores if not bodies.can_be_event(score, turn)]

    post_lines(client, "/api/v1/feedback", (bodies.native_feedback(each) for each in signals if each.early))
    for channel in (OTEL, OPENINFERENCE):
        if chosen := [turn for turn in turns if turn.channel == channel]:
            client.post("/v1/traces", bodies.trace_request(chosen), PROTOBUF)
    post_lines(client, "/api/v1/traces", (bodies.native_trace(t) for t in turns if t.channel == NATIVE))
    if events:
        client.post("/v1/logs", bodies.evaluation_request(events), PROTOBUF)
    post_lines(client, "/api/v1/scores", map(bodies.native_score, direct))
    late = (bodies.native_feedback(each) for each in signals if not each.early)
    post_lines(client, "/api/v1/feedback", late)


def post_lines(client: Client, path: str, items: Iterable[dict[str, Any]]) -> None:
    body = "".join(f"{compact(item)}\n" for item in items)
    if body:
        client.post(path, body.encode(), NDJSON)
