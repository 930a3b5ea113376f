"""Published instrumentation packages, as they are today, against a running server: what is read of them?

Not part of `make test`: it installs packages. Run it with `make interop`.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from interop import model
from interop.environments import Exporter
from tests import servers

GENAI = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_and_event",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
}
VERCEL = ("@ai-sdk/openai", "@opentelemetry/sdk-node", "@opentelemetry/exporter-trace-otlp-proto", "zod")
# Those that record the whole of exporters/work.py, as one trace.
OPENAI = (
    Exporter("genai", "genai_openai.py", ("opentelemetry-instrumentation-genai-openai", "openai"), GENAI),
    Exporter("openinference", "openinference_openai.py", ("openinference-instrumentation-openai", "openai")),
    Exporter("openllmetry", "openllmetry.py", ("traceloop-sdk", "openai", "httpx")),
    Exporter("openllmetry-0.40", "openllmetry.py", ("traceloop-sdk==0.40.14", "openai")),
    Exporter("langfuse", "langfuse_sdk.py", ("langfuse", "openai")),
)
AGENT = Exporter("pydantic-ai", "pydantic_ai_agent.py", ("pydantic-ai-slim[openai]",))
FUNCTIONS = (
    Exporter("vercel-6", "vercel.mjs", ("ai@6", "@ai-sdk/openai@3", *VERCEL[1:]), {"AI_SDK": "6"}),
    Exporter("vercel-7", "vercel.mjs", ("ai@7", "@ai-sdk/otel", *VERCEL), {"AI_SDK": "7"}),
    Exporter("vercel-7", "vercel.mjs", ("ai@7", "@ai-sdk/otel", *VERCEL), {"AI_SDK": "7", "LEGACY": "1"}),
)


@pytest.fixture(scope="module")
def running() -> Iterator[servers.Server]:
    with servers.serving() as server:
        yield server


@pytest.fixture(scope="module")
def model_url() -> Iterator[str]:
    fake = model.serve()
    yield f"http://127.0.0.1:{fake.server_address[1]}/v1"
    fake.shutdown()
    fake.server_close()


class Sent:
    """What one exporter sent into a project of its own, read back."""

    def __init__(self, server: servers.Server, token: str) -> None:
        self.server, self.token = server, token

    def get(self, path: str) -> Any:
        request = urllib.request.Request(
            f"{self.server.url}/api/v1/{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def traces(self, least: int = 1) -> list[dict[str, Any]]:
        """Oldest first; an exporter's last batch may come a moment after it has ended."""
        end = time.monotonic() + 10
        while len(listed := self.get("traces?limit=200")["traces"]) < least and time.monotonic() < end:
            time.sleep(0.2)
        listed.sort(key=lambda each: each["started_at"])
        return [self.get(f"traces/{each['trace_id']}") for each in listed]


@pytest.fixture
def send(running: servers.Server, model_url: str, request: pytest.FixtureRequest) -> Any:
    def sent_by(exporter: Exporter) -> Sent:
        if exporter.missing():
            pytest.skip(f"{exporter.name}: {exporter.missing()}")
        exporter.prepare()
        slug = "".join(each if each.isalnum() else "-" for each in request.node.name)[-50:].strip("-").lower()
        running.manage("create_project", slug)
        token = running.manage("create_token", slug, "t", "--scope", "admin")
        exporter.run(
            dict(os.environ)
            | {
                "TOKEN": token,
                "TOUCHSTONE": running.url,
                "OPENAI_BASE_URL": model_url,
                "OPENAI_API_KEY": "fake",
                "OTEL_EXPORTER_OTLP_ENDPOINT": running.url,
                "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{token}",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_METRICS_EXPORTER": "none",
            }
        )
        return Sent(running, token)

    return sent_by


def texts(call: dict[str, Any], side: str) -> list[tuple[str, str]]:
    return [(each["role"], each["text"]) for each in call[side]]


@pytest.mark.parametrize("exporter", OPENAI, ids=lambda each: each.name)
def test_openai_calls_in_one_trace(send: Any, exporter: Exporter) -> None:
    [trace] = send(exporter).traces()
    assert (trace["session_id"], trace["user_id"]) == ("sess-42", "user-7")
    assert trace["input"] and trace["output"]
    answered, called, told, streamed, failed = trace["calls"]
    question = [
        ("system", "You are a support agent for Acme."),
        ("user", "How long do I have to return an item?"),
    ]
    for call in (answered, streamed):
        assert texts(call, "input") == question
        assert texts(call, "output") == [("assistant", model.ANSWER)]
    assert called["output"][0]["tool_calls"] == [{"name": "get_order", "arguments": {"order_id": "A-1001"}}]
    assert texts(told, "input")[-1] == ("tool", '{"status":"shipped"}')
    assert texts(told, "output") == [("assistant", model.SHIPPED)]
    for call in (answered, called, told):
        assert (call["input_tokens"], call["output_tokens"]) == (model.INPUT_TOKENS, model.OUTPUT_TOKENS)
        assert call["response_model"] == model.MODEL
    assert failed["error"] and failed["model"] == "bad-model"
    assert not any(call["error"] for call in (answered, called, told, streamed))
    if exporter.name == "langfuse":
        assert [(each["name"], each["value"]) for each in trace["scores"]] == [("user_thumbs", 0)]
        assert [(each["kind"], each["value"]) for each in trace["feedback"]] == [("thumbs", "down")]
    else:
        assert [call["finish"] for call in (answered, called, told)] == [["stop"], ["tool_calls"], ["stop"]]


def test_an_agent_counts_its_calls_once(send: Any) -> None:
    [trace] = send(AGENT).traces()
    assert (trace["session_id"], trace["user_id"]) == ("sess-42", "user-7")
    called, told = trace["calls"]
    assert called["output"][0]["tool_calls"] == [{"name": "get_order", "arguments": {"order_id": "A-1001"}}]
    assert texts(told, "output") == [("assistant", model.SHIPPED)]
    assert trace["tokens"] == {"input": 2 * model.INPUT_TOKENS, "output": 2 * model.OUTPUT_TOKENS}
    assert (trace["input"], trace["output"]) == ("Where is order A-1001?", model.SHIPPED)


@pytest.mark.parametrize(
    "exporter", FUNCTIONS, ids=lambda each: each.name + each.environment.get("LEGACY", "")
)
def test_functions_of_vercels_sdk(send: Any, exporter: Exporter) -> None:
    answered, with_tool, streamed, failed = send(exporter).traces(4)
    for trace in (answered, streamed):
        assert (trace["input"], trace["output"]) == ("How long do I have to return an item?", model.ANSWER)
        assert trace["tokens"] == {"input": model.INPUT_TOKENS, "output": model.OUTPUT_TOKENS}
        assert trace["route"] == "support-answer"
    called, told = with_tool["calls"]
    assert called["output"][0]["tool_calls"] == [{"name": "get_order", "arguments": {"order_id": "A-1001"}}]
    assert (called["finish"], told["finish"]) == (["tool_calls"], ["stop"])
    assert with_tool["output"] == model.SHIPPED
    assert failed["status"] == "error" and len(failed["calls"]) == 1
    if "LEGACY" not in exporter.environment:
        assert (answered["session_id"], answered["user_id"]) == ("sess-42", "user-7")
