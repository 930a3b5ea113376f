"""What a trace says, read from its rows: calls, input and output, what is inherited and added up."""

import json
import time
from collections.abc import Iterable
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.otlp.messages import Message
from ingest.reading import Reading, read
from ingest.records import canonical_json
from tests.ingest.stored import at, body, chat, log, said, span


def asked(text: str) -> list:
    return [said("user", text)]


def answered(text: str) -> list:
    return [said("assistant", text)]


def test_nothing_stored_reads_as_nothing():
    assert read((), (), ()) == Reading()


# Calls, tokens, cost


def test_only_leaf_model_calls_count():
    """agent (usage of all) > chain wrapper (its own usage) > two calls: 10 + 20 tokens, not 60."""
    spans = [
        span("agent", gen_ai__operation__name="invoke_agent", gen_ai__usage__input_tokens=30),
        span("wrapper", "agent", start=0.1, openinference__span__kind="LLM", llm__token_count__prompt=30),
        chat("a", "wrapper", start=0.2, gen_ai__usage__input_tokens=10, gen_ai__usage__cost=0.5),
        span("tool", "wrapper", start=0.3, gen_ai__operation__name="execute_tool"),
        chat("b", "tool", start=0.4, gen_ai__usage__input_tokens=20, gen_ai__usage__cost=0.25),
    ]
    reading = read(spans, (), ())
    assert [call.span_id for call in reading.calls] == ["a", "b"]
    assert (reading.input_tokens, reading.output_tokens, reading.cost_usd) == (30, None, 0.75)


def test_an_agent_that_tells_its_usage_stands_for_calls_nobody_recorded():
    silent = span("silent", gen_ai__operation__name="invoke_agent", gen_ai__request__model="m")
    telling = span(
        "telling", "silent", gen_ai__operation__name="invoke_agent", gen_ai__usage__output_tokens=7
    )
    reading = read([silent, telling], (), ())
    assert [call.span_id for call in reading.calls] == ["telling"]
    assert reading.output_tokens == 7


def test_an_embedding_below_a_call_does_not_hide_it():
    embedding = span("embed", "root", gen_ai__operation__name="embeddings", gen_ai__usage__input_tokens=1)
    reading = read([chat(gen_ai__usage__input_tokens=10), embedding], (), ())
    assert [call.span_id for call in reading.calls] == ["embed", "root"]
    assert reading.input_tokens == 11


def test_calls_come_in_order_of_start():
    spans = [span(), chat("z", "root", start=0.1), chat("b", "root", start=0.2), chat("a", "root", start=0.2)]
    assert [call.span_id for call in read(spans[::-1], (), ()).calls] == ["z", "a", "b"]


def test_a_failed_call_names_the_type_of_its_error():
    typed = chat("typed", "root", status="error", error="no such model", error__type="acme.NotFound")
    untyped = chat("untyped", "root", start=1, status="error", error="no such model")
    silent = chat("silent", "root", start=2, status="error")
    reading = read([span(), typed, untyped, silent], (), ())
    assert [call.error for call in reading.calls] == ["acme.NotFound", "no such model", "error"]
    assert reading.calls[0].error_message == "no such model"
    assert (reading.error_count, reading.status, reading.error) == (3, "ok", "")


# What is inherited over the trace


def test_session_and_user_are_inherited_from_any_span_the_root_first():
    spans = [
        span(start=1, session__id="of-root"),
        chat("a", "root", start=0, session__id="of-a", user__id="u"),
    ]
    reading = read(spans, (), ())
    assert (reading.session_id, reading.user_id) == ("of-root", "u")


def test_a_session_counts_before_a_conversation_id():
    spans = [chat(gen_ai__conversation__id="c"), chat("a", "root", session__id="s")]
    assert read(spans, (), ()).session_id == "s"


def test_environment_comes_from_the_resource():
    for key in ("deployment.environment.name", "deployment.environment"):
        assert read([span(resource={key: "production"})], (), ()).environment == "production"


@pytest.mark.parametrize(
    ("spans", "route"),
    [
        ([span(http__route="/chat"), span("a", "root", touchstone__route="refund")], "refund"),
        ([span(http__route="/chat"), chat("a", "root", gen_ai__agent__name="shop")], "/chat"),
        (
            [span(name="POST"), span("a", "root", http__route="/inner", gen_ai__workflow__name="returns")],
            "returns",
        ),
        ([span(name="POST", resource={"service.name": "bot"})], ""),
    ],
)
def test_the_route_is_stated_or_that_of_the_request_or_the_agent(spans, route):
    assert read(spans, (), ()).route == route


def test_own_attributes_say_what_the_conventions_have_no_word_for():
    root = span(
        touchstone__input="Q",
        touchstone__output="A",
        touchstone__prompt__name="refund",
        touchstone__prompt__version="v3",
        touchstone__environment="staging",
        touchstone__tags='{"plan": "pro"}',
        input__value="raw",
    )
    reading = read([root, chat("a", "root", touchstone__cost_usd=0.5)], (), ())
    assert (reading.input, reading.output, reading.io_source) == ("Q", "A", "root")
    assert (reading.prompt_name, reading.prompt_version, reading.environment) == ("refund", "v3", "staging")
    assert (reading.tags, reading.cost_usd) == ({"plan": "pro"}, 0.5)


# Input, output, conversation


def test_without_words_on_the_root_the_calls_are_asked():
    spans = [
        span(),
        chat("a", "root", gen_ai__input__messages=asked("first"), gen_ai__output__messages=answered("one")),
        chat(
            "b",
            "root",
            start=1,
            gen_ai__input__messages=asked("second"),
            gen_ai__output__messages=answered("two"),
        ),
        chat("c", "root", start=2, status="error", gen_ai__output__messages=answered("broken off")),
    ]
    reading = read(spans, (), ())
    assert (reading.input, reading.output, reading.io_source) == ("first", "two", "calls")


def test_input_and_output_may_be_found_in_two_places():
    spans = [span(input__value="asked"), chat("a", "root", gen_ai__output__messages=answered("told"))]
    assert read(spans, (), ()).io_source == "root/calls"


def test_a_root_that_calls_the_model_is_read_by_its_messages_not_its_raw_request():
    root = chat(gen_ai__input__messages=asked("Hi"), input__value='{"temperature": 1}', output__value="raw")
    reading = read([root], (), ())
    assert (reading.input, reading.output) == ("Hi", "raw")


def test_the_conversation_is_that_of_the_most_complete_call():
    history = [said("user", "Q"), said("assistant", "?"), said("user", "!")]
    spans = [
        span(),
        chat("a", "root", gen_ai__input__messages=asked("Q"), gen_ai__output__messages=answered("?")),
        chat("b", "root", start=1, gen_ai__input__messages=history, gen_ai__output__messages=answered("A")),
        chat(
            "c",
            "root",
            start=2,
            gen_ai__input__messages=asked("sub"),
            gen_ai__output__messages=answered("task"),
        ),
    ]
    assert [message.text for message in read(spans, (), ()).conversation] == ["Q", "?", "!", "A"]


# Time and end


def test_time_and_status_are_those_of_the_root():
    root = span(start=1, end=3, status="error", error="boom")
    reading = read([span("early", "root", start=0, end=9), root], (), ())
    assert (reading.started_at, reading.ended_at, reading.latency_ms) == (at(1), at(3), 2000.0)
    assert (reading.status, reading.error, reading.error_count) == ("error", "boom", 1)
    assert reading.root_ended


def test_an_open_root_has_not_ended():
    reading = read([span(end=None), chat("a", "root")], (), ())
    assert (reading.root_ended, reading.ended_at, reading.latency_ms, reading.status) == (
        False,
        None,
        None,
        "unset",
    )


def test_children_that_came_first_are_no_end_of_the_trace():
    reading = read([chat("a", "later", start=0, end=1), chat("b", "later", start=1, end=2)], (), ())
    assert not reading.root_ended
    assert (reading.flags, reading.latency_ms) == (("root_missing",), 2000.0)


def test_a_server_span_ends_a_trace_whose_caller_is_elsewhere():
    assert read([span(parent_id="elsewhere", kind=2), chat("a", "root")], (), ()).root_ended


def test_with_several_roots_all_must_have_ended():
    reading = read([span(), span("second", start=1, end=None)], (), ())
    assert (reading.root_ended, reading.name, reading.flags) == (False, "root", ("several_roots",))


def test_spans_in_a_circle_are_read_as_roots():
    circle = [chat("a", "b", gen_ai__usage__input_tokens=1), chat("b", "a", gen_ai__usage__input_tokens=2)]
    own_parent = chat("c", "c", gen_ai__usage__input_tokens=4)
    assert read([*circle, own_parent], (), ()).input_tokens == 7


def test_of_two_records_of_a_span_the_ended_one_counts():
    assert read([span(end=2), span(end=None)], (), ()).ended_at == at(2)


# Bodies of the native API


def test_a_body_alone_is_a_trace():
    sent = body(
        input={"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]},
        output="A",
        context=[{"id": "kb/1", "text": "30 days", "score": 0.9}],
        model="m",
        provider="acme",
        prompt_name="refund",
        prompt_version="v3",
        route="refund",
        environment="production",
        session_id="s",
        user_id="u",
        tokens={"input": 3, "output": 4},
        cost_usd=0.5,
        latency_ms=800,
        started_at="2026-09-01T12:00:00Z",
        tags={"plan": "pro"},
    )
    reading = read((), (), [sent])
    assert (reading.input, reading.output, reading.io_source) == ("Q", "A", "body")
    assert reading.conversation == (Message("system", "S"), Message("user", "Q"), Message("assistant", "A"))
    assert [(each.id, each.text, each.score) for each in reading.documents] == [("kb/1", "30 days", 0.9)]
    assert (reading.model, reading.provider, reading.route, reading.environment) == (
        "m",
        "acme",
        "refund",
        "production",
    )
    assert (reading.prompt_name, reading.prompt_version) == ("refund", "v3")
    assert (reading.session_id, reading.user_id, reading.tags) == ("s", "u", {"plan": "pro"})
    assert (reading.input_tokens, reading.output_tokens, reading.cost_usd, reading.latency_ms) == (
        3,
        4,
        0.5,
        800,
    )
    assert (reading.started_at, reading.status, reading.root_ended, reading.calls) == (at(0), "ok", True, ())


def test_a_body_counts_before_its_spans_and_they_fill_what_it_leaves_out():
    call = chat(gen_ai__input__messages=asked("Q"), gen_ai__usage__input_tokens=9, user__id="u")
    reading = read([call], (), [body(output="A", tokens={"output": 2})])
    assert (reading.input, reading.output, reading.io_source) == ("Q", "A", "root/body")
    assert (reading.input_tokens, reading.output_tokens, reading.user_id) == (9, 2, "u")


def test_bodies_merge_and_where_they_differ_the_later_decides():
    first = body(time=1, input="Q", output="old", tokens={"input": 3}, tags={"a": 1})
    later = body(time=2, output="new", tokens={"input": None, "output": 4}, tags={"b": 2}, model="")
    for bodies in ([first, later], [later, first, later]):
        reading = read((), (), bodies)
        assert (reading.input, reading.output) == ("Q", "new")
        assert (reading.input_tokens, reading.output_tokens, reading.tags) == (3, 4, {"a": 1, "b": 2})
        assert reading.flags == ("conflicting_bodies",)


def test_bodies_of_one_time_are_decided_by_content():
    bodies = [body(output="A"), body(output="B"), body(input="Q")]
    assert read((), (), bodies) == read((), (), bodies[::-1])
    assert read((), (), bodies).output == max(bodies[:2], key=lambda each: each.sha256).body["output"]


def test_an_error_in_a_body_is_its_status():
    reading = read((), (), [body(input="Q", error="timeout")])
    assert (reading.status, reading.error, reading.root_ended) == ("error", "timeout", False)


def test_start_and_end_of_a_body_give_its_latency():
    reading = read((), (), [body(started_at="2026-09-01T12:00:00Z", ended_at="2026-09-01T12:00:01.5Z")])
    assert (reading.latency_ms, reading.ended_at - reading.started_at) == (1500.0, timedelta(seconds=1.5))


def test_json_a_user_typed_stays_text():
    assert read((), (), [body(input='{"a": 1}')]).conversation == (Message("user", '{"a": 1}'),)


# Whatever comes

KEYS = [
    *("gen_ai.operation.name", "gen_ai.request.model", "gen_ai.input.messages", "gen_ai.output.messages"),
    *("gen_ai.system_instructions", "gen_ai.usage.input_tokens", "gen_ai.response.finish_reasons"),
    *("gen_ai.prompt.0.role", "gen_ai.prompt.999999999.content", "gen_ai.prompt.0.tool_calls.1.name"),
    *("gen_ai.completion.0.content", "gen_ai.completion.x.content", "gen_ai.prompt", "gen_ai.event.content"),
    *("gen_ai.retrieval.documents", "gen_ai.message.index", "openinference.span.kind", "llm.model_name"),
    *("llm.invocation_parameters", "llm.input_messages", "llm.input_messages.1.message.content"),
    *(
        "llm.input_messages.0.message.contents.0.message_content.type",
        "llm.token_count.prompt",
        "llm.cost.total",
    ),
    *("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", "llm.finish_reason"),
    *("input.value", "output.value", "retrieval.documents.0.document.metadata", "retrieval.documents"),
    *(
        "embedding.embeddings.0.embedding.text",
        "metadata",
        "tag.tags",
        "session.id",
        "touchstone.tags",
        "http.route",
    ),
    *("exception.type", "error.type", "content", "message", "tool_calls", "finish_reason", "role"),
]
WORDS = [
    *(
        "chat",
        "embeddings",
        "invoke_agent",
        "LLM",
        "RETRIEVER",
        "user",
        "stop",
        "",
        "[",
        "{",
        '{"a',
        '[{"role"',
    ),
    *(
        '[{"role":"user","parts":[{"type":"text","content":"x"}]}]',
        '{"messages":[[{"kwargs":{"content":"x"}}]]}',
    ),
    *(
        '[{"type":"tool_call"},{"type":"tool_call_response","response":{"a":[1e999,NaN]}}]',
        '{"documents":[1,{}]}',
    ),
    *('"\\ud800\\u0000"', '{"content":"\\ud800\\u0000"}', "[" * 3000, '{"a":' * 3000, "9" * 5000),
]
NAMES = ["role", "content", "parts", "type", "text", "tool_calls", "function", "name", "arguments", "message"]
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.sampled_from(WORDS),
        st.text("ab{", max_size=3),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)
attributes = st.dictionaries(st.sampled_from(KEYS), values, max_size=6)
event_names = st.sampled_from(
    [
        "gen_ai.user.message",
        "gen_ai.choice",
        "gen_ai.client.inference.operation.details",
        "exception",
        "gen_ai.content.prompt",
    ]
)
span_ids = st.sampled_from(["a", "b", "c"])
times = st.sampled_from([0, 0, 1])


@st.composite
def stored_spans(draw):
    said = draw(attributes)
    events = draw(st.lists(st.tuples(event_names, attributes), max_size=2))
    made = span(
        draw(span_ids),
        draw(st.sampled_from(["", "a", "b", "c", "gone"])),
        start=draw(times),
        end=draw(st.sampled_from([None, 2])),
        status=draw(st.sampled_from(["unset", "ok", "error"])),
        events=events,
    )
    made.attributes.update(said)
    return made


@st.composite
def stored_logs(draw):
    return log(draw(event_names), draw(values), span_id=draw(span_ids), time=draw(times), **draw(attributes))


bodies = st.builds(
    lambda time, fields: body(time=time, **fields),
    times,
    st.dictionaries(
        st.sampled_from(
            [
                "input",
                "output",
                "context",
                "tokens",
                "tags",
                "status",
                "cost_usd",
                "model",
                "started_at",
                "error",
            ]
        ),
        values,
        max_size=5,
    ),
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(stored_spans(), max_size=4),
    st.lists(stored_logs(), max_size=3),
    st.lists(bodies, max_size=3),
    st.randoms(),
)
def test_anything_is_read_alike_in_any_order_and_can_be_stored(spans, logs, sent, random: Random):
    spans = list({each.span_id: each for each in spans}.values())
    reading = read(spans, logs, sent)
    for rows in (spans, logs, sent):
        random.shuffle(rows)
    assert canonical_json(read(spans, logs, sent)) == canonical_json(reading)
    stored = json.dumps(
        {"input": reading.input, "output": reading.output, "calls": repr(reading.calls)}, ensure_ascii=False
    )
    stored.encode()
    assert "\x00" not in reading.input + reading.output + reading.model + reading.error


def many_spans(count: int) -> list:
    """`count` wide spans in no order, a hundred of them below the root."""
    messages = json.dumps([said("user", "Where is my parcel?" * 5)] * 2)
    filler = {f"app.attribute.{number}": number for number in range(80)}
    filler |= {f"llm.input_messages.{10**9 - number}.message.content": "x" for number in range(16)}
    spans = [span()]
    for number in range(count):
        parent = f"s{number - 1}" if number % (count // 100) else "root"
        made = chat(f"s{number}", parent, start=number / 1000)
        made.attributes.update(filler, **{"gen_ai.input.messages": messages, "session.id": "s"})
        spans.append(made)
    Random(7).shuffle(spans)
    return spans


def seconds_to_read(*rows: Iterable) -> float:
    """CPU time of the quickest of three readings: a busy machine makes each of them slower."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        read(*rows)
        taken.append(time.process_time() - started)
    return min(taken)


def test_a_trace_of_many_spans_takes_no_longer_a_span():
    """A fixed number of seconds would measure the machine; what grows with the square takes 16 x for 4 x."""
    few, many = many_spans(1_000), many_spans(4_000)
    reading = read(many, (), ())
    assert (len(reading.calls), reading.span_count) == (100, 4_001)
    assert seconds_to_read(many, (), ()) < 10 * seconds_to_read(few, (), ())


def test_many_events_of_one_span_take_no_longer_an_event():
    logs = [log("gen_ai.user.message", {"content": str(number)}, time=number) for number in range(20_000)]
    assert len(read([chat()], logs, ()).calls[0].input) == 20_000
    assert seconds_to_read([chat()], logs, ()) < 10 * seconds_to_read([chat()], logs[:5_000], ())
