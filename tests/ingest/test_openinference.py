"""OpenInference's attributes: calls, contents, tools, retrievers."""

import json

from ingest.otlp.messages import Message, ToolCall
from ingest.reading import read
from tests.ingest.stored import span

QUESTION = Message("user", "Where is my parcel?")
ANSWER = Message("assistant", "In Bremen.")


def llm(span_id="root", parent_id="", *, start=0, **attributes):
    return span(span_id, parent_id, start=start, openinference__span__kind="LLM", **attributes)


def test_a_model_call():
    reading = read(
        [
            llm(
                llm__model_name="m-2026-08-06",
                llm__provider="acme",
                llm__invocation_parameters='{"model": "m"}',
                llm__token_count__prompt=40,
                llm__token_count__completion=2,
                llm__cost__total=0.25,
                llm__finish_reason="tool_calls",
                llm__input_messages__0__message__role="user",
                llm__input_messages__0__message__content="Where is my parcel?",
                llm__output_messages__0__message__role="assistant",
                llm__output_messages__0__message__tool_calls__0__tool_call__id="c1",
                llm__output_messages__0__message__tool_calls__0__tool_call__function__name="track",
                llm__output_messages__0__message__tool_calls__0__tool_call__function__arguments='{"id": 7}',
                session__id="s1",
                user__id="u1",
            )
        ],
        (),
        (),
    )
    (call,) = reading.calls
    assert (call.op, call.provider, call.model, call.response_model) == ("LLM", "acme", "m", "m-2026-08-06")
    assert (call.input_tokens, call.output_tokens, call.cost_usd, call.finish) == (
        40,
        2,
        0.25,
        ("tool_calls",),
    )
    assert call.input == (QUESTION,)
    assert call.output == (Message("assistant", "", (ToolCall("track", {"id": 7}, "c1"),)),)
    assert (reading.session_id, reading.user_id) == ("s1", "u1")
    assert reading.output == 'track({"id": 7})'


def test_contents_with_text_and_an_image():
    (call,) = read(
        [
            llm(
                llm__input_messages__0__message__role="user",
                llm__input_messages__0__message__contents__1__message_content__type="image",
                llm__input_messages__0__message__contents__1__message_content__image__image__url="https://example.test/a.png",
                llm__input_messages__0__message__contents__0__message_content__type="text",
                llm__input_messages__0__message__contents__0__message_content__text="Where is my parcel?",
            )
        ],
        (),
        (),
    ).calls
    image = {"type": "image", "image.image.url": "https://example.test/a.png"}
    assert call.input == (Message("user", "Where is my parcel?", (), (image,)),)


def test_messages_sent_as_a_structured_list():
    messages = [
        {
            "message": {
                "role": "user",
                "contents": [{"message_content": {"type": "text", "text": "Where is my parcel?"}}],
            }
        },
        {"message.role": "assistant", "message.tool_calls": [{"tool_call": {"function": {"name": "track"}}}]},
    ]
    (call,) = read([llm(llm__input_messages=messages)], (), ()).calls
    assert call.input == (QUESTION, Message("assistant", "", (ToolCall("track", None),)))


def test_function_calls_and_completions_of_older_versions():
    (call,) = read(
        [
            llm(
                llm__prompts__0__prompt__text="Where is my parcel?",
                llm__output_messages__0__message__function_call_name="track",
                llm__output_messages__0__message__function_call_arguments_json='{"id": 7}',
            )
        ],
        (),
        (),
    ).calls
    assert call.input == (QUESTION,)
    assert call.output[0].tool_calls == (ToolCall("track", {"id": 7}),)


def test_an_embedding_is_a_call_but_answers_nothing():
    embedding = span(
        "embed",
        "root",
        openinference__span__kind="EMBEDDING",
        embedding__model_name="e",
        llm__token_count__prompt=6,
        embedding__embeddings__0__embedding__text="parcel",
        embedding__embeddings__0__embedding__vector=[0.1, 0.2],
    )
    answer = llm(
        "llm", "root", start=1, llm__model_name="m", llm__output_messages__0__message__content="In Bremen."
    )
    reading = read([span(), embedding, answer], (), ())
    assert [(call.span_id, call.model) for call in reading.calls] == [("embed", "e"), ("llm", "m")]
    assert reading.calls[0].input == (Message("user", "parcel"),)
    assert (reading.model, reading.output, reading.input_tokens) == ("m", "In Bremen.", 6)


def test_documents_come_from_retrievers_which_are_no_calls():
    retriever = span(
        "find",
        "root",
        openinference__span__kind="RETRIEVER",
        retrieval__documents__1__document__content="Gift cards are not refundable.",
        retrieval__documents__1__document__metadata='{"source": "kb/gift", "score": 0.7, "title": "Gifts"}',
        retrieval__documents__0__document__id="kb/returns",
        retrieval__documents__0__document__content="30 days.",
        retrieval__documents__0__document__score=0.9,
    )
    returned = [{"page_content": "30 days.", "metadata": {"source": "kb/returns"}}, {"page_content": "New."}]
    again = span(
        "again",
        "root",
        start=2,
        openinference__span__kind="RETRIEVER",
        output__value=json.dumps({"documents": returned}),
    )
    reading = read([span(), retriever, again], (), ())
    assert [(each.id, each.text, each.score, each.title, each.span_id) for each in reading.documents] == [
        ("kb/returns", "30 days.", 0.9, "", "find"),
        ("kb/gift", "Gift cards are not refundable.", 0.7, "Gifts", "find"),
        ("", "New.", None, "", "again"),
    ]
    assert reading.calls == ()


def test_input_and_output_of_the_root_chain_are_what_is_reviewed():
    root = span(
        openinference__span__kind="CHAIN",
        input__value="Where is it?",
        output__value="There.",
        metadata='{"plan": "pro", "versions": {"a": 1}}',
        tag__tags=["beta"],
        llm__prompt_template__version="v4",
    )
    call = llm("llm", "root", llm__input_messages__0__message__content="Where is my parcel?")
    reading = read([root, call], (), ())
    assert (reading.input, reading.output, reading.io_source) == ("Where is it?", "There.", "root")
    assert reading.tags == {"plan": "pro", "beta": True}
    assert reading.prompt_version == "v4"


def test_a_conversation_in_the_root_s_json_is_read_for_its_last_words():
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Ho"},
        {"type": "human", "content": "Hm"},
    ]
    root = span(
        openinference__span__kind="AGENT",
        input__value=json.dumps({"messages": messages}),
        input__mime_type="application/json",
        output__value=json.dumps({"city": "Bremen"}),
        output__mime_type="application/json",
    )
    reading = read([root], (), ())
    assert (reading.input, reading.output) == ("Hm", '{"city": "Bremen"}')
    assert reading.calls == ()


def test_the_exception_tells_what_went_wrong():
    events = [("exception", {"exception.type": "acme.NotFound", "exception.message": "no such model"})]
    failed = llm(status="error", error="Traceback ... NotFound", events=events, llm__model_name="m")
    handled = llm("second", "root", start=1, events=events, llm__model_name="m")
    reading = read([failed, handled], (), ())
    assert (reading.status, reading.error) == ("error", "acme.NotFound: no such model")
    (call,) = reading.calls
    assert (call.span_id, call.error) == ("second", "")


def test_a_span_that_speaks_two_dialects_is_read_field_by_field():
    both = llm(
        gen_ai__operation__name="chat",
        gen_ai__request__model="m",
        llm__model_name="m-2026",
        llm__token_count__prompt=4,
        gen_ai__usage__output_tokens=2,
        llm__token_count__completion=99,
        llm__output_messages__0__message__content="In Bremen.",
    )
    (call,) = read([both], (), ()).calls
    assert (call.op, call.model, call.response_model) == ("chat", "m", "m-2026")
    assert (call.input_tokens, call.output_tokens) == (4, 2)
    assert call.output == (ANSWER,)
