"""The attributes of Vercel's AI SDK, in its versions."""

import json

import pytest

from tests.ingest.dialects.told import ANSWER, ASKED_MESSAGES, QUESTION, SAID_MESSAGES, reading, the_call
from tests.ingest.stored import span

PROMPT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
]
METADATA = {
    "ai.telemetry.functionId": "support-answer",
    "ai.telemetry.metadata.sessionId": "s",
    "ai.telemetry.metadata.userId": "u",
    "ai.telemetry.metadata.promptVersion": "v3",
    "ai.telemetry.metadata.plan": "pro",
}


def outer(op="ai.generateText", **said):
    return span(name=op, **({"ai.operationId": op, "ai.model.id": "gpt-x"} | METADATA | said))


def inner(op="ai.generateText.doGenerate", **said):
    told = {
        "ai.operationId": op,
        "ai.model.id": "gpt-x",
        "ai.model.provider": "openai.chat",
        "ai.prompt.messages": json.dumps(PROMPT),
        "ai.response.text": ANSWER,
        "ai.response.finishReason": "stop",
        "ai.response.id": "r1",
        "ai.usage.inputTokens": 12,
        "ai.usage.outputTokens": 3,
    }
    return span("inner", "root", start=0.1, name=op, **(told | said))


def test_two_levels_are_one_call():
    found = reading(outer(**{"ai.usage.inputTokens": 12, "ai.usage.outputTokens": 3}), inner())
    [call] = found.calls
    assert (call.op, call.provider, call.model) == ("ai.generateText.doGenerate", "openai.chat", "gpt-x")
    assert (call.input, call.output) == (ASKED_MESSAGES, SAID_MESSAGES)
    assert (found.input_tokens, found.output_tokens, call.finish, call.response_id) == (
        12,
        3,
        ("stop",),
        "r1",
    )


def test_metadata_says_who_and_what_for():
    found = reading(outer(), inner())
    assert (found.session_id, found.user_id, found.prompt_version) == ("s", "u", "v3")
    assert found.route == "support-answer"
    assert found.tags["plan"] == "pro"


def test_version_7_names_its_session_in_the_runtime_context():
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-x",
        "ai.settings.context.sessionId": "s",
    }
    found = reading(span(**said))
    assert found.session_id == "s" and found.calls[0].op == "chat"


def test_the_function_alone_tells_input_and_output():
    found = reading(
        outer(
            **{
                "ai.prompt": json.dumps({"system": "Be brief.", "prompt": QUESTION}),
                "ai.response.text": ANSWER,
            }
        )
    )
    assert (found.input, found.output) == (QUESTION, ANSWER)
    assert found.calls[0].input == ASKED_MESSAGES


def test_tool_calls_and_reasoning():
    calls = [{"toolCallId": "c1", "toolName": "get_order", "input": '{"order_id": "A-1"}'}]
    call = the_call(
        inner(
            **{
                "ai.response.text": "",
                "ai.response.toolCalls": json.dumps(calls),
                "ai.response.reasoning": "hm",
                "ai.response.finishReason": "tool-calls",
            }
        )
    )
    [message] = call.output
    assert [(each.name, each.arguments, each.id) for each in message.tool_calls] == [
        ("get_order", {"order_id": "A-1"}, "c1")
    ]
    assert message.other == ({"type": "reasoning", "text": "hm"},)
    assert call.finish == ("tool_calls",)


def test_an_object():
    call = the_call(
        inner("ai.generateObject.doGenerate", **{"ai.response.text": "", "ai.response.object": '{"a":1}'})
    )
    assert call.output[0].text == '{"a":1}'


@pytest.mark.parametrize(
    ("said", "texts"),
    [({"ai.value": '"return policy"'}, ["return policy"]), ({"ai.values": ['"a"', '"b"']}, ["a", "b"])],
)
def test_embeddings(said, texts):
    call = the_call(
        span(**{"ai.operationId": "ai.embed.doEmbed", "ai.model.id": "e", "ai.usage.tokens": 6, **said})
    )
    assert [each.text for each in call.input] == texts
    assert (call.input_tokens, call.is_generation) == (6, False)


def test_a_tools_span_is_no_call():
    tool = span("t", "root", start=0.2, **{"ai.operationId": "ai.toolCall", "ai.toolCall.args": "{}"})
    assert len(reading(outer(), inner(), tool).calls) == 1
