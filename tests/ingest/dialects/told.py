"""What all dialects are asked in their tests."""

from typing import Any

from ingest.otlp.messages import Message, ToolCall
from ingest.reading import Call, Reading, read
from ingest.records import SpanRecord

QUESTION = "How long do I have to return an item?"
ANSWER = "30 days."
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]
SAID = {"role": "assistant", "content": ANSWER}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "get_order", "arguments": '{"order_id": "A-1"}'},
        }
    ],
}
COMPLETION = {
    "id": "chatcmpl-1",
    "model": "gpt-x-2026",
    "choices": [{"index": 0, "finish_reason": "stop", "message": SAID}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 3},
}
ASKED_MESSAGES = (Message("system", "Be brief."), Message("user", QUESTION))
SAID_MESSAGES = (Message("assistant", ANSWER),)
CALLED_MESSAGES = (Message("assistant", "", (ToolCall("get_order", {"order_id": "A-1"}, "c1"),)),)


def reading(*spans: SpanRecord, logs: Any = ()) -> Reading:
    return read(spans, logs, ())


def the_call(*spans: SpanRecord, logs: Any = ()) -> Call:
    [call] = reading(*spans, logs=logs).calls
    return call
