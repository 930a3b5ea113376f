"""One call that several layers recorded is one call; unknown parts are kept; anything is read."""

import dataclasses
import json
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.otlp.dialects import PRECEDENCE
from ingest.otlp.messages import read_messages
from ingest.otlp.payloads import read_request, read_response, readable
from tests.ingest.dialects.told import ANSWER, QUESTION, reading, the_call
from tests.ingest.stored import chat, said, span


def with_scope(record, scope):
    return dataclasses.replace(record, scope=scope)


def test_two_packages_beside_each_other_record_one_call():
    told = {"gen_ai.response.id": "r1"}
    full = chat(
        "full",
        "root",
        start=0.1,
        **told,
        **{
            "gen_ai.usage.input_tokens": 12,
            "gen_ai.output.messages": json.dumps([said("assistant", ANSWER)]),
        },
    )
    bare = chat("bare", "root", start=0.2, **told)
    spans = [span(), with_scope(full, "one"), with_scope(bare, "two")]
    for order in permutations(spans):
        assert [call.span_id for call in reading(*order).calls] == ["full"]


@pytest.mark.parametrize(
    ("scope", "response_id", "start"),
    [("one", "r1", 0.2), ("two", "r2", 0.2), ("two", "r1", 5.0), ("two", "", 0.2)],
)
def test_calls_that_only_look_alike_are_two(scope, response_id, start):
    first = with_scope(chat("a", "root", start=0.1, **{"gen_ai.response.id": "r1"}), "one")
    other = with_scope(
        chat("b", "root", start=start, end=start + 1, **{"gen_ai.response.id": response_id}), scope
    )
    assert len(reading(span(end=9), first, other).calls) == 2


def test_a_wrapper_around_two_calls_lends_them_nothing():
    wrapper = span(
        **{
            "langfuse.observation.type": "generation",
            "langfuse.observation.output": ANSWER,
            "langfuse.observation.usage_details": '{"input": 9}',
        }
    )
    found = reading(wrapper, chat("a", "root", start=0.1), chat("b", "root", start=0.2))
    assert [(call.input_tokens, call.output) for call in found.calls] == [(None, ()), (None, ())]


def test_a_failed_call_is_lent_no_answer():
    wrapper = span(**{"langfuse.observation.type": "generation", "langfuse.observation.output": ANSWER})
    assert the_call(wrapper, chat("a", "root", start=0.1, status="error", error="x")).output == ()


def test_bedrocks_untyped_parts_in_json():
    [called] = read_messages('[{"toolUse": {"toolUseId": "c", "name": "f", "input": {"a": 1}}}]', "assistant")
    assert (called.tool_calls[0].name, called.tool_calls[0].arguments) == ("f", {"a": 1})
    [text] = read_messages([{"role": "user", "content": '[{"text": "hi"}]'}], "user")
    assert text.text == "hi"


def test_unknown_parts_are_kept():
    part = {"type": "hologram", "depth": 3}
    [message] = read_request(
        {"messages": [{"role": "user", "content": [part, {"type": "text", "text": "hi"}]}]}
    )
    assert (message.text, message.other) == ("hi", (part,))


@pytest.mark.parametrize(
    ("value", "role", "text"),
    [
        ({"question": QUESTION, "user": 7}, "user", QUESTION),
        ({"a": 1, "b": 2}, "user", '{"a": 1, "b": 2}'),
        ({"answer": ANSWER}, "assistant", ANSWER),
        ({"answer": ANSWER, "sources": [1]}, "assistant", json.dumps({"answer": ANSWER, "sources": [1]})),
        ({"messages": [{"role": "user", "content": QUESTION}]}, "user", QUESTION),
        ("plain", "user", "plain"),
        (None, "user", ""),
        ([], "user", ""),
        (0, "user", "0"),
    ],
)
def test_what_a_reader_is_shown(value, role, text):
    assert readable(value, role) == text
    assert readable(json.dumps(value), role) == (text if value is not None else "null")


def test_escapes_become_nothing_that_a_database_refuses():
    assert readable('"a\\u0000\\ud800b"', "user") == "a\ufffd?b"
    hostile = "{'session_id': 'a\\x00\\ud800', 'n': " + "9" * 30 + ", 'c': 1j, 'b': b'x', 'f': 1e999}"
    found = reading(chat(**{"hidden_params": "{}", "metadata.requester_metadata": hostile}))
    assert found.session_id == "a\ufffd?"
    assert json.dumps(found.tags, allow_nan=False)
    assert found.tags["n"] == "9" * 30 and "c" not in found.tags


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "args",
                    "kwargs",
                    "messages",
                    "role",
                    "content",
                    "parts",
                    "text",
                    "choices",
                    "message",
                    "output",
                    "input",
                    "type",
                    "candidates",
                    "generations",
                    "value",
                    "system",
                    "config",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(JSON, st.booleans())
def test_any_payload_is_read(value, as_text):
    sent = json.dumps(value) if as_text else value
    for read in (read_request, read_response):
        assert all(message.says_something for message in read(sent))
    assert isinstance(readable(sent, "user"), str) and isinstance(readable(sent, "assistant"), str)


KEYS = [
    "langfuse.observation.type",
    "langfuse.observation.input",
    "langfuse.observation.usage_details",
    "langfuse.observation.cost_details",
    "langfuse.observation.output",
    "langfuse.trace.tags",
    "ai.operationId",
    "ai.prompt",
    "ai.prompt.messages",
    "ai.response.toolCalls",
    "ai.values",
    "ai.response.object",
    "ai.telemetry.metadata.userId",
    "pydantic_ai.all_messages",
    "all_messages_events",
    "events",
    "final_result",
    "agent_name",
    "request_data",
    "response_data",
    "hidden_params",
    "metadata.requester_metadata",
    "langsmith.span.kind",
    "gen_ai.prompt",
    "gen_ai.completion",
    "langsmith.metadata.usage_metadata",
    "traceloop.span.kind",
    "traceloop.entity.input",
    "llm.request.type",
    "mlflow.spanType",
    "mlflow.spanInputs",
    "mlflow.spanOutputs",
    "gcp.vertex.agent.llm_request",
    "gcp.vertex.agent.llm_response",
    "lmnr.span.input",
    "braintrust.span_attributes",
    "braintrust.metadata",
    "langwatch.input",
    "genkit:input",
    "output",
    "framework",
]
KINDS = st.sampled_from(
    ["generation", "llm", "LLM", "retriever", "RETRIEVER", "ai.generateText", "promptflow", '"LLM"']
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), JSON | KINDS | JSON.map(json.dumps), max_size=6))
def test_no_attribute_breaks_a_dialect(attributes):
    reading(dataclasses.replace(span(), attributes=attributes))


def test_the_table_names_each_dialect_once():
    names = [dialect.name for dialect in PRECEDENCE]
    assert len(names) == len(set(names))
