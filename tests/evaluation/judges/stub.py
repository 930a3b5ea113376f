"""A local server that speaks the OpenAI protocol and misbehaves as told; it keeps a log of its calls."""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY = "sk-very-secret-key"
MODEL = "orion-mini-2026-08-11"
GOOD = json.dumps({"verdict": "fail", "score": 0.9, "confidence": 0.8, "rationale": "It promises a refund."})


class Stub:
    """`answers` are the ways of the next calls, the last one for all that follow."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.ways: list[str] = ["good"]
        self.port = 0
        self.model = MODEL
        self.seconds = 0.0
        self._lock = threading.Lock()

    def way(self, body: dict[str, Any]) -> str:
        with self._lock:
            self.calls.append(body)
            return self.ways.pop(0) if len(self.ways) > 1 else self.ways[0]


CONTENT = {
    "good": GOOD,
    "fenced": f"```json\n{GOOD}\n```",
    "pass": '{"verdict": "pass", "score": 0.1}',
    "first": '{"preference": "first", "rationale": "It answers."}',
    "second": '{"preference": "second"}',
    "both_bad": '{"preference": "both_bad"}',
    "neither": '{"preference": "a"}',
    "truncated": '{"verdict": "fa',
    "wrong_enum": '{"verdict": "maybe"}',
    "nan": '{"verdict": "fail", "score": NaN}',
    "out_of_range": '{"verdict": "fail", "score": 7}',
    "html": "<html><body>verdict: pass</body></html>",
    "empty": "",
    "list": '["fail"]',
    "boolean_score": '{"verdict": "fail", "score": true}',
    "prose": 'Sure! Here it is: {"verdict": "pass"}',
    "half": '{"verdict": "pass", "rationale": "\\ud83d \ud83d"}',
}
PATIENCE, DRIP_SECONDS = 3.0, 12.0
MANY_TOKENS = {"prompt_tokens": 10**12, "completion_tokens": 10**12, "total_tokens": 2 * 10**12}


def _handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body["authorization"] = self.headers.get("Authorization", "")
            way = stub.way(body)
            time.sleep(stub.seconds)
            if way == "reset":
                self.connection.close()
            elif way == "slow":
                time.sleep(1.5 * PATIENCE)
                self._send(200, _completion(GOOD, stub.model))
            elif way == "not_json":
                self._raw(200, b"<html>502</html>", "text/html")
            elif way == "empty_body":
                self._raw(200, b"", "application/json")
            elif way == "drip":
                self._drip(json.dumps(_completion(GOOD, stub.model)).encode())
            elif way == "endless":
                self._raw(200, b" " * 5_000_000, "application/json")
            elif way == "elsewhere":
                self._raw(307, b"", "text/plain", {"Location": f"http://127.0.0.1:{stub.port}/other"})
            elif way == "retry_nan":
                self._raw(429, b"{}", "application/json", {"Retry-After": "nan"})
            elif way == "untold":
                self._send(200, _completion(GOOD, stub.model) | {"usage": None})
            elif way == "many_tokens":
                self._send(200, _completion(GOOD, stub.model) | {"usage": MANY_TOKENS})
            elif way == "packed":
                body = gzip.compress(json.dumps(_completion(GOOD, stub.model)).encode())
                self._raw(200, body, "application/json", {"Content-Encoding": "gzip"})
            elif way == "repeats":
                said = [self.headers["Authorization"], self.headers["Host"], body["messages"][0]["content"]]
                told = json.dumps({"verdict": "fail", "rationale": f"It is bad. {' '.join(said)}"})
                self._send(200, _completion(told, f"orion {self.headers['Authorization']}"))
            elif way == "half_model":
                self._send(200, _completion(GOOD, "orion\ud800"))
            elif way == "huge":
                self._send(200, _completion("x" * 200_000, stub.model))
            elif way.isdecimal():
                key = self.headers.get("Authorization", "")
                self._send(int(way), {"error": {"message": f"no: {key}", "type": "x"}}, way == "429")
            else:
                self._send(200, _completion(CONTENT[way], stub.model))

        def _send(self, status: int, body: Any, retry_after: bool = False) -> None:
            headers = {"Retry-After": "7"} if retry_after else {}
            self._raw(status, json.dumps(body).encode(), "application/json", headers)

        def _raw(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {
                "Content-Type": kind,
                "Content-Length": str(len(body)),
                **(headers or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # whoever has read enough hangs up
                self.wfile.write(body)

        def _drip(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for letter in body:
                time.sleep(DRIP_SECONDS / len(body))
                try:
                    self.wfile.write(bytes([letter]))
                except OSError:
                    return

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


def hurry(listed: str) -> None:
    """The endpoint's patience, without end for a busy machine, becomes shorter than what is slow here."""
    file = Path(listed)
    file.write_text(re.sub(r"timeout = .*", f"timeout = {PATIENCE}", file.read_text()))


def _completion(text: str, model: str) -> dict[str, Any]:
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    }


@contextmanager
def serving() -> Iterator[Stub]:
    stub = Stub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stub))
    stub.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
