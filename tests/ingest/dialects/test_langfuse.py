"""Langfuse's attributes: generations, usage and costs in their several words, tools, plain answers."""

import json

import pytest

from tests.ingest.dialects.told import (
    ANSWER,
    ASKED,
    ASKED_MESSAGES,
    CALLED,
    CALLED_MESSAGES,
    QUESTION,
    SAID,
    SAID_MESSAGES,
    reading,
    the_call,
)
from tests.ingest.stored import span


def step(span_id="root", parent_id="", *, kind="span", start=0, status="unset", resource=None, **said):
    """An observation; `trace_x` and `version` say things of the whole."""
    attributes = {f"langfuse.observation.{key.replace('__', '.')}": value for key, value in said.items()}
    attributes["langfuse.observation.type"] = kind
    return span(span_id, parent_id, start=start, status=status, resource=resource, **attributes)


def generation(**said):
    said = {"model__name": "gpt-x", "input": json.dumps(ASKED), "output": json.dumps(SAID)} | said
    return step(kind="generation", **said)


def test_a_generation():
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}
    call = the_call(generation(usage_details=json.dumps(usage), cost_details='{"total": 0.5, "input": 0.4}'))
    assert (call.op, call.model, call.response_model) == ("generation", "gpt-x", "gpt-x")
    assert (call.input, call.output) == (ASKED_MESSAGES, SAID_MESSAGES)
    assert (call.input_tokens, call.output_tokens, call.cost_usd) == (12, 3, 0.5)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"input": 10, "input_cached_tokens": 2, "output": 3, "total": 15}, (12, 3)),
        ({"input_tokens": 12, "input_tokens_details": {"cached_tokens": 8}, "output_tokens": 3}, (12, 3)),
        ({"input": 6}, (6, None)),
        ({"input": "many"}, (None, None)),
    ],
)
def test_usage_in_several_words(usage, tokens):
    call = the_call(generation(usage_details=json.dumps(usage)))
    assert (call.input_tokens, call.output_tokens) == tokens


def test_costs_without_a_total_add_up():
    assert the_call(generation(cost_details='{"input": 0.25, "output": 0.5}')).cost_usd == 0.75


def test_tools_and_whole_requests():
    call = the_call(
        generation(input=json.dumps({"tools": [{}], "messages": ASKED}), output=json.dumps(CALLED))
    )
    assert (call.input, call.output) == (ASKED_MESSAGES, CALLED_MESSAGES)


def test_plain_texts_and_structured_answers():
    call = the_call(generation(input=QUESTION, output=json.dumps({"days": 30})))
    assert call.input[0].text == QUESTION
    assert json.loads(call.output[0].text) == {"days": 30}


def test_the_arguments_of_a_function_are_what_was_asked():
    given = json.dumps({"args": [QUESTION], "kwargs": {}})
    found = reading(step(input=given, output=json.dumps(ANSWER)))
    assert (found.input, found.output) == (QUESTION, ANSWER)
    assert reading(step(input=json.dumps({"args": [], "kwargs": {"question": QUESTION}}))).input == QUESTION
    both = json.dumps({"args": [1, 2], "kwargs": {}})
    assert reading(step(input=both)).input == both


def test_what_the_sender_says_of_the_trace_counts_wherever_it_stands():
    child = span(
        "child", "root", start=1, **{"langfuse.trace.input": QUESTION, "langfuse.trace.output": ANSWER}
    )
    found = reading(step(input='{"args": ["raw"], "kwargs": {}}'), child)
    assert (found.input, found.output) == (QUESTION, ANSWER)


def test_who_and_what_for():
    said = {
        "langfuse.trace.metadata.plan": '"pro"',
        "langfuse.trace.tags": ["prod"],
        "langfuse.version": "v3",
        "langfuse.environment": "staging",
        "session.id": "s",
        "langfuse.user.id": "u",
        "langfuse.observation.prompt.name": "support",
        "langfuse.observation.prompt.version": 4,
    }
    found = reading(span(**said))
    assert found.tags == {"plan": "pro", "version": "v3", "prod": True}
    assert (found.session_id, found.user_id, found.environment) == ("s", "u", "staging")
    assert (found.prompt_name, found.prompt_version) == ("support", "4")


def test_a_retrievers_documents():
    found = reading(step(kind="retriever", output='[{"id": "kb/1", "text": "30 days", "score": 0.9}]'))
    assert [(each.id, each.text, each.score) for each in found.documents] == [("kb/1", "30 days", 0.9)]
    assert found.calls == ()


def test_an_error_by_level_alone():
    call = the_call(generation(level="ERROR", status_message="no such model"))
    assert (call.error, call.error_message) == ("error", "no such model")


def test_a_generation_around_another_instrumentations_call_is_one_call():
    inner = span(
        "inner",
        "root",
        start=0.1,
        **{"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-x", "gen_ai.usage.input_tokens": 12},
    )
    call = the_call(generation(usage_details='{"input": 12, "output": 3}'), inner)
    assert (call.span_id, call.op) == ("inner", "chat")
    assert (call.input_tokens, call.output_tokens) == (12, 3)
    assert (call.input, call.output) == (ASKED_MESSAGES, SAID_MESSAGES)
