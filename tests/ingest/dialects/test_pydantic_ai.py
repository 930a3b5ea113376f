"""Pydantic AI's and Logfire's attributes, in their versions."""

import dataclasses
import json

import pytest

from tests.ingest.dialects.told import ANSWER, ASKED_MESSAGES, QUESTION, SAID_MESSAGES, reading, the_call
from tests.ingest.stored import chat, said, span

EVENTS = [
    {
        "role": "system",
        "content": "Be brief.",
        "gen_ai.message.index": 0,
        "event.name": "gen_ai.system.message",
    },
    {"content": QUESTION, "role": "user", "gen_ai.message.index": 0, "event.name": "gen_ai.user.message"},
    {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "event.name": "gen_ai.choice"},
]
MESSAGES = [said("system", "Be brief."), said("user", QUESTION), said("assistant", ANSWER)]


def test_events_in_an_attribute():
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "events": json.dumps(EVENTS)}
    call = the_call(dataclasses.replace(span(), attributes=told))
    assert (call.input, call.output) == (ASKED_MESSAGES, SAID_MESSAGES)


@pytest.mark.parametrize(
    "told",
    [
        {"pydantic_ai.all_messages": json.dumps(MESSAGES)},
        {
            "all_messages_events": json.dumps(
                [
                    *EVENTS[:2],
                    {"role": "assistant", "content": ANSWER, "event.name": "gen_ai.assistant.message"},
                ]
            )
        },
    ],
)
def test_an_agents_run_is_not_a_call_of_its_own(told):
    agent = span(agent_name="support", final_result=ANSWER, **{"gen_ai.usage.input_tokens": 12, **told})
    inner = chat("inner", "root", start=0.1, **{"gen_ai.usage.input_tokens": 12})
    found = reading(agent, inner)
    assert [call.span_id for call in found.calls] == ["inner"]
    assert (found.input, found.output, found.input_tokens) == (QUESTION, ANSWER, 12)
    assert found.route == "support"


def test_a_structured_result_is_shown_as_it_is():
    found = reading(span(agent_name="a", final_result='{"days": 30}', all_messages_events=json.dumps(EVENTS)))
    assert found.output == '{"days": 30}'


def test_logfires_streams_are_told_twice_and_counted_once():
    request = {"model": "gpt-x", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    sent = span(
        "sent",
        "root",
        start=0.1,
        **{
            "request_data": json.dumps(request),
            "logfire.span_type": "span",
            "gen_ai.request.model": "gpt-x",
            "gen_ai.operation.name": "x",
        },
    )
    came = span(
        "came",
        "root",
        start=0.5,
        **{
            "request_data": json.dumps(request),
            "logfire.span_type": "log",
            "gen_ai.request.model": "gpt-x",
            "response_data": json.dumps({"combined_chunk_content": ANSWER, "chunk_count": 3}),
        },
    )
    call = the_call(span(), sent, came)
    assert (call.span_id, call.output) == ("came", SAID_MESSAGES)
    assert call.input[-1].text == QUESTION


def test_logfires_older_answers():
    response = {
        "message": {"role": "assistant", "content": ANSWER},
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    call = the_call(
        span(
            **{
                "request_data": json.dumps(
                    {"model": "gpt-x", "messages": [{"role": "user", "content": QUESTION}]}
                ),
                "response_data": json.dumps(response),
                "operation.cost": 0.5,
            }
        )
    )
    assert (call.model, call.input_tokens, call.output_tokens, call.cost_usd) == ("gpt-x", 1, 2, 0.5)
    assert call.output == SAID_MESSAGES
