"""A model server of our own: answers like OpenAI's API, always the same, so that a reading can be asserted.

Chat completions (streamed, with tools), responses and embeddings. The model `bad-model` does not exist.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "gpt-5-mini-2026-07-18"
ANSWER = "You can return an item within 30 days of delivery."
SHIPPED = "Your order A-1001 shipped on 3 March."
TOOL_ARGUMENTS = '{"order_id": "A-1001"}'
STRUCTURED = '{"answer": "30 days"}'
INPUT_TOKENS, OUTPUT_TOKENS = 42, 17
USAGE = {
    "prompt_tokens": INPUT_TOKENS,
    "completion_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    "prompt_tokens_details": {"cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
RESPONSE_USAGE = {
    "input_tokens": INPUT_TOKENS,
    "output_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    "input_tokens_details": {"cached_tokens": 8},
    "output_tokens_details": {"reasoning_tokens": 0},
}


def message_for(request: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The assistant's message and its finish reason."""
    messages, tools = request["messages"], request.get("tools") or []
    if request.get("response_format", {}).get("type") == "json_schema":
        return {"role": "assistant", "content": STRUCTURED}, "stop"
    if messages[-1]["role"] == "tool":
        return {"role": "assistant", "content": SHIPPED}, "stop"
    if not tools:
        return {"role": "assistant", "content": ANSWER}, "stop"
    function = tools[0]["function"]
    required = function.get("parameters", {}).get("properties", {})
    arguments = TOOL_ARGUMENTS if "order_id" in required else json.dumps(dict.fromkeys(required, "30 days"))
    call = {
        "id": "call_abc123",
        "type": "function",
        "function": {"name": function["name"], "arguments": arguments},
    }
    return {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    numbers = iter(range(1, 10**9))

    def log_message(self, *arguments: Any) -> None:
        """Nothing: the output is the tests'."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = json.loads(self.rfile.read(length) or b"{}")
        path = re.sub(r"^.*/v1", "", self.path)
        if request.get("model", "").endswith("bad-model"):
            error = {"message": "The model `bad-model` does not exist", "code": "model_not_found"}
            self._answer({"error": error | {"type": "invalid_request_error", "param": None}}, 404)
        elif path == "/chat/completions" and request.get("stream"):
            self._stream(request)
        elif path == "/chat/completions":
            self._answer(self._completion(request))
        elif path == "/responses":
            self._answer(self._response(request))
        elif path == "/embeddings":
            self._answer(self._embeddings(request))
        else:
            self._answer({"error": {"message": f"no such path {self.path}"}}, 404)

    def _head(self, request: dict[str, Any], kind: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{next(self.numbers):04}",
            "object": kind,
            "created": 1_790_000_000,
            "model": MODEL,
            "system_fingerprint": "fp_fake",
            "service_tier": "default",
        }

    def _completion(self, request: dict[str, Any]) -> dict[str, Any]:
        message, finish = message_for(request)
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        return self._head(request, "chat.completion") | {"choices": [choice], "usage": USAGE}

    def _stream(self, request: dict[str, Any]) -> None:
        message, finish = message_for(request)
        head = self._head(request, "chat.completion.chunk")
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        if calls := message.get("tool_calls"):
            deltas.append({"tool_calls": [{"index": 0, **calls[0]}]})
        else:
            deltas += [{"content": word} for word in re.findall(r"\S+\s?", message["content"])]
        lines = [head | {"choices": [{"index": 0, "delta": each, "finish_reason": None}]} for each in deltas]
        lines.append(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        lines.append(head | {"choices": [], "usage": USAGE})
        body = "".join(f"data: {json.dumps(line)}\n\n" for line in lines) + "data: [DONE]\n\n"
        self._send(body.encode(), "text/event-stream")

    def _response(self, request: dict[str, Any]) -> dict[str, Any]:
        text = {"type": "output_text", "text": ANSWER, "annotations": []}
        message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
        return {
            "id": f"resp_{next(self.numbers):04}",
            "object": "response",
            "created_at": 1_790_000_000,
            "status": "completed",
            "model": MODEL,
            "output": [message | {"content": [text]}],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": RESPONSE_USAGE,
        }

    def _embeddings(self, request: dict[str, Any]) -> dict[str, Any]:
        inputs = request["input"] if isinstance(request["input"], list) else [request["input"]]
        if request.get("encoding_format") == "base64":
            vector: Any = "AAAAAAAAgD8="
        else:
            vector = [0.0, 1.0]
        data = [{"object": "embedding", "index": n, "embedding": vector} for n in range(len(inputs))]
        usage = {"prompt_tokens": 6, "total_tokens": 6}
        return {"object": "list", "data": data, "model": request["model"], "usage": usage}

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
        self._send(json.dumps(body).encode(), "application/json", status)

    def _send(self, body: bytes, content_type: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve(port: int = 0) -> ThreadingHTTPServer:
    """A running server; its address is in `server_address`."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
