"""OpenTelemetry's GenAI conventions, old and new, wherever they put the messages."""

import json

import pytest

from ingest.otlp.messages import Message, ToolCall
from ingest.reading import Call, read
from tests.ingest.stored import chat, log, said, span

QUESTION = Message("user", "Where is my parcel?")
SYSTEM = Message("system", "You are helpful.")
LOOKUP = Message("assistant", "", (ToolCall("track", {"id": 7}, "c1"),))
RESULT = Message("tool", '{"at":"Bremen"}', tool_call_id="c1")
ANSWER = Message("assistant", "In Bremen.")

INPUT = [
    said("system", "You are helpful."),
    said("user", "Where is my parcel?"),
    {
        "role": "assistant",
        "parts": [{"type": "tool_call", "id": "c1", "name": "track", "arguments": {"id": 7}}],
    },
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": '{"at":"Bremen"}'}]},
]
OUTPUT = [said("assistant", "In Bremen.") | {"finish_reason": "stop"}]


def the_call(*spans, logs=()) -> Call:
    calls = read(spans, logs, ()).calls
    assert len(calls) == 1
    return calls[0]


def assert_told(call: Call) -> None:
    assert call.input == (SYSTEM, QUESTION, LOOKUP, RESULT)
    assert call.output == (ANSWER,)
    assert call.finish == ("stop",)


def test_messages_as_json_text_on_the_span():
    messages = {"gen_ai__input__messages": json.dumps(INPUT), "gen_ai__output__messages": json.dumps(OUTPUT)}
    assert_told(the_call(chat(**messages)))


def test_messages_as_structured_values_on_the_span():
    assert_told(the_call(chat(gen_ai__input__messages=INPUT, gen_ai__output__messages=OUTPUT)))


def test_messages_in_the_attributes_of_a_details_log():
    details = log(
        "gen_ai.client.inference.operation.details",
        gen_ai__input__messages=INPUT,
        gen_ai__output__messages=OUTPUT,
        gen_ai__usage__input_tokens=5,
    )
    call = the_call(chat(), logs=[details])
    assert_told(call)
    assert call.input_tokens == 5


def test_messages_in_the_body_of_a_details_log():
    body = {"gen_ai.input.messages": INPUT, "gen_ai.output.messages": json.dumps(OUTPUT)}
    assert_told(the_call(chat(), logs=[log("gen_ai.client.inference.operation.details", body)]))


def test_messages_in_a_details_event_of_the_span():
    event = {"gen_ai.input.messages": json.dumps(INPUT), "gen_ai.output.messages": OUTPUT}
    assert_told(the_call(chat(events=[("gen_ai.client.inference.operation.details", event)])))


def test_the_span_counts_before_its_details_event():
    details = log(
        "gen_ai.client.inference.operation.details",
        gen_ai__operation__name="chat",
        gen_ai__request__model="other",
        gen_ai__response__id="r1",
    )
    call = the_call(chat(gen_ai__request__model="asked"), logs=[details])
    assert (call.model, call.response_id) == ("asked", "r1")


def test_one_log_event_for_each_message():
    tools = [{"id": "c1", "type": "function", "function": {"name": "track", "arguments": '{"id": 7}'}}]
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "In Bremen."}}
    logs = [
        log("gen_ai.system.message", {"content": "You are helpful."}, time=0.1, gen_ai__system="acme"),
        log("gen_ai.user.message", {"content": "Where is my parcel?"}, time=0.2),
        log("gen_ai.assistant.message", {"tool_calls": tools}, time=0.3),
        log("gen_ai.tool.message", {"content": '{"at":"Bremen"}', "id": "c1"}, time=0.4),
        log("gen_ai.choice", choice, time=0.5),
    ]
    assert_told(the_call(chat(), logs=logs))
    assert_told(the_call(chat(), logs=logs[::-1]))


def test_messages_of_one_instant_are_told_in_the_order_of_a_conversation():
    logs = [
        log("gen_ai.choice", {"message": {"content": "In Bremen."}}),
        log("gen_ai.user.message", {"content": "Where is my parcel?"}),
        log("gen_ai.system.message", {"content": "You are helpful."}),
    ]
    call = the_call(chat(), logs=logs)
    assert call.input == (SYSTEM, QUESTION)
    assert call.output == (ANSWER,)


def test_one_span_event_for_each_message():
    tools = json.dumps([{"id": "c1", "function": {"name": "track", "arguments": '{"id": 7}'}}])
    events = [
        ("gen_ai.system.message", {"content": "You are helpful.", "gen_ai.system": "acme"}),
        ("gen_ai.user.message", {"gen_ai.event.content": '{"content": "Where is my parcel?"}'}),
        ("gen_ai.assistant.message", {"tool_calls": tools}),
        ("gen_ai.tool.message", {"content": '{"at":"Bremen"}', "id": "c1"}),
        ("gen_ai.choice", {"finish_reason": "stop", "message": '{"content": "In Bremen."}'}),
    ]
    assert_told(the_call(chat(events=events)))


def test_events_without_content_say_nothing():
    choice = log("gen_ai.choice", {"index": 0, "finish_reason": "length", "message": {"role": "assistant"}})
    logs = [
        log("gen_ai.user.message", {}, gen_ai__system="acme"),
        log("gen_ai.tool.message", {"id": "c"}),
        choice,
    ]
    call = the_call(chat(), logs=logs)
    assert (call.input, call.output, call.finish) == ((), (), ("length",))


def test_numbered_attributes_in_order_of_their_number():
    call = the_call(
        span(
            gen_ai__system="acme",
            gen_ai__request__model="m",
            gen_ai__usage__prompt_tokens=11,
            gen_ai__usage__completion_tokens="3",
            gen_ai__prompt__10__role="tool",
            gen_ai__prompt__10__tool_call_id="c1",
            gen_ai__prompt__10__content='{"at":"Bremen"}',
            gen_ai__prompt__2__role="assistant",
            gen_ai__prompt__2__tool_calls__0__id="c1",
            gen_ai__prompt__2__tool_calls__0__name="track",
            gen_ai__prompt__2__tool_calls__0__arguments='{"id": 7}',
            gen_ai__prompt__1__role="user",
            gen_ai__prompt__1__content='[{"type": "text", "text": "Where is my parcel?"}]',
            gen_ai__prompt__0__role="system",
            gen_ai__prompt__0__content="You are helpful.",
            gen_ai__completion__0__content="In Bremen.",
            gen_ai__completion__0__finish_reason="end_turn",
        )
    )
    assert_told(call)
    assert (call.provider, call.input_tokens, call.output_tokens) == ("acme", 11, 3)


def test_the_oldest_form_holds_prompt_and_completion_in_content_events():
    events = [
        ("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps([{"role": "user", "content": "Hi"}])}),
        (
            "gen_ai.content.completion",
            {"gen_ai.completion": json.dumps([{"role": "assistant", "content": "Ho"}])},
        ),
    ]
    call = the_call(chat(events=events))
    assert call.input == (Message("user", "Hi"),)
    assert call.output == (Message("assistant", "Ho"),)


def test_system_instructions_stay_apart_from_the_messages_and_lead_the_conversation():
    instructions = json.dumps([{"type": "text", "content": "You are helpful."}])
    messages = [said("user", "Where is my parcel?")]
    reading = read([chat(gen_ai__system_instructions=instructions, gen_ai__input__messages=messages)], (), ())
    assert reading.calls[0].system == "You are helpful."
    assert reading.calls[0].input == (QUESTION,)
    assert reading.conversation == (SYSTEM, QUESTION)


def test_parts_without_a_word_are_kept_and_empty_ones_dropped():
    image = {"type": "uri", "modality": "image", "uri": "https://example.test/a.png"}
    parts = [{"type": "text", "content": ""}, image, {"type": "text", "content": "See"}, {"type": "text"}, {}]
    messages = [
        {"role": "user", "parts": parts},
        {"role": "user", "parts": []},
        {"role": "user", "content": ""},
    ]
    assert the_call(chat(gen_ai__input__messages=messages)).input == (Message("user", "See", (), (image,)),)


def test_answers_of_tools_are_messages_of_their_own_whoever_passes_them_on():
    blocks = [
        {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "Bremen"}]},
        {"type": "tool_result", "tool_use_id": "c2", "content": {"days": 2}},
        {"type": "text", "text": "When?"},
    ]
    call = the_call(chat(gen_ai__input__messages=[{"role": "user", "content": blocks}]))
    assert call.input == (
        Message("tool", "Bremen", tool_call_id="c1"),
        Message("tool", '{"days": 2}', tool_call_id="c2"),
        Message("user", "When?"),
    )


def test_an_answer_that_is_json_stays_what_was_said():
    output = [{"role": "assistant", "content": '{"city": "Bremen"}'}]
    assert the_call(chat(gen_ai__output__messages=output)).output == (
        Message("assistant", '{"city": "Bremen"}'),
    )


def test_messages_cut_at_the_limit_are_read_up_to_the_cut():
    cut = json.dumps(INPUT)[:-30] + " …[cut]"
    call = the_call(chat(gen_ai__input__messages=cut))
    assert call.input[:3] == (SYSTEM, QUESTION, LOOKUP)
    assert call.input[3].text.endswith("…[cut]")


def test_text_that_is_no_json_is_one_message():
    assert the_call(chat(gen_ai__input__messages="[oops")).input == (Message("user", "[oops"),)


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        (["stop"], "stop"),
        (["end_turn"], "stop"),
        ("STOP", "stop"),
        ('["max_tokens"]', "length"),
        (["FinishReason.MAX_TOKENS"], "length"),
        (["tool_use"], "tool_calls"),
        (["tool-calls"], "tool_calls"),
        (["tool_call"], "tool_calls"),
        (["SAFETY"], "content_filter"),
        (["error"], "error"),
        (["Paused"], "paused"),
    ],
)
def test_finish_reasons_have_one_vocabulary(sent, word):
    assert the_call(chat(gen_ai__response__finish_reasons=sent)).finish == (word,)


def test_retrieved_documents_and_prompt_and_session():
    documents = json.dumps([{"id": "kb/1", "score": 0.5, "content": "30 days"}])
    search = span(
        "search", "root", gen_ai__operation__name="retrieval", gen_ai__retrieval__documents=documents
    )
    root = chat(
        gen_ai__prompt__name="refund",
        gen_ai__prompt__version="v3",
        gen_ai__conversation__id="s1",
        gen_ai__agent__name="shop",
    )
    reading = read([root, search], (), ())
    assert [(each.id, each.text, each.score, each.span_id) for each in reading.documents] == [
        ("kb/1", "30 days", 0.5, "search")
    ]
    assert (reading.prompt_name, reading.prompt_version) == ("refund", "v3")
    assert (reading.session_id, reading.route) == ("s1", "shop")
    assert len(reading.calls) == 1


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [(12, 12), ("12", 12), (12.0, 12), (True, None), (-1, None), ("x", None), ([1], None), (10**30, None)],
)
def test_token_counts_of_any_type(sent, read_as):
    assert the_call(chat(gen_ai__usage__input_tokens=sent)).input_tokens == read_as


def test_escaped_characters_that_no_database_keeps_are_replaced():
    sent = r'[{"role": "user", "content": "a\u0000b \ud800 \ud83d\ude00"}]'
    (message,) = the_call(chat(gen_ai__input__messages=sent)).input
    message.text.encode()
    assert message.text.startswith("a\ufffdb ")
    assert message.text.endswith("😀")
