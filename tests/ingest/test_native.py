"""What posted items become, without a database: records are frozen values."""

import json
from datetime import UTC, datetime

import pytest

from ingest import native
from ingest.documents import Documents
from ingest.feedback import UNDATED
from ingest.records import Target
from ingest.redaction.masking import OFF

RECEIVED = datetime(2026, 8, 6, 12, tzinfo=UTC)
RECEIVED_NS = int(RECEIVED.timestamp()) * 10**9
ON_TRACE = {"target": {"trace_id": "t"}}


def traces(*items):
    return native.take_traces(Documents(list(items), bulk=True), RECEIVED_NS, OFF)


def trace(**fields):
    taken = traces({"id": "t", **fields})
    assert not taken.refused, taken.refused
    return taken


def score(**fields):
    taken = native.take_scores(Documents([ON_TRACE | {"name": "n", **fields}], bulk=True), OFF)
    assert not taken.refused, taken.refused
    return taken.scores[0]


def said(**fields):
    taken = native.take_feedback(Documents([ON_TRACE | fields], bulk=True), OFF)
    assert not taken.refused, taken.refused
    return taken.feedback[0]


def refusals(taken):
    return [(index, invalid.field) for index, invalid in taken.refused]


@pytest.mark.parametrize(
    "value",
    [
        "2026-08-06T09:30:00Z",
        "2026-08-06T09:30:00.000000000Z",
        "2026-08-06T09:30:00",
        "2026-08-06 09:30:00+00:00",
        "2026-08-06T11:30:00+02:00",
        1786008600,
        1786008600.0,
        1786008600_000,
        1786008600_000_000,
        1786008600_000_000_000,
    ],
)
def test_one_moment_in_all_its_spellings(value):
    body = trace(started_at=value).bodies[0]
    assert body.started_at == datetime(2026, 8, 6, 9, 30, tzinfo=UTC)
    assert body.body == {"started_at": "2026-08-06T09:30:00Z"}


@pytest.mark.parametrize(
    "value",
    [
        "", "yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31",
        "2500-01-01", 0, -1, 5, 1e300, 10**30, True, {}, [], "20260806T250000", "\0", "١٢٣٤",
    ],
)  # fmt: skip
def test_no_time_or_none_that_traces_are_made_in(value):
    assert refusals(traces({"id": "t", "started_at": value})) == [(0, "started_at")]


def test_a_trace_keeps_what_was_posted_without_nulls_and_parts():
    fields = {
        "input": {"messages": [{"role": "user", "content": "hi"}]},
        "tags": {"a": [1, None]},
        "colour": "red",
    }
    body = trace(**fields, output=None, spans=[], scores=[], feedback=[]).bodies[0]
    assert body.trace_id == "t"
    assert body.body == fields


def test_hash_and_id_come_from_the_content_alone():
    first, again, other = (
        native.take_traces(Documents([item], bulk=False), received, OFF).bodies[0]
        for item, received in [
            ({"input": "a", "model": "m"}, RECEIVED_NS),
            ({"model": "m", "output": None, "input": "a"}, RECEIVED_NS + 10**12),
            ({"input": "b", "model": "m"}, RECEIVED_NS),
        ]
    )
    assert first.sha256 == again.sha256 != other.sha256
    assert first.trace_id == again.trace_id == first.sha256.hex()
    assert first.started_at == RECEIVED
    assert first.occurred_at == UNDATED


def test_the_later_end_decides_between_bodies():
    assert trace(ended_at="2026-08-06T10:00:00Z").bodies[0].occurred_at.hour == 10
    assert trace(started_at="2026-08-06T09:00:00Z").bodies[0].occurred_at.hour == 9


def test_spans_and_their_short_fields():
    span = {
        "id": "s1",
        "parent_span_id": "s0",
        "name": "chat m",
        "kind": "client",
        "started_at": 1786008600.25,
        "ended_at": "2026-08-06T09:30:01Z",
        "op": "chat",
        "model": "m",
        "provider": "openai",
        "tokens": {"input": 3, "output": 5},
        "input": "hello",
        "output": {"messages": [{"role": "assistant", "content": "hi"}]},
        "attributes": {"gen_ai.request.model": "given", "gen_ai.response.id": "r1"},
        "events": [{"name": "e", "time": 1786008600.5}],
    }
    row = trace(spans=[span]).spans[0]
    assert (row.trace_id, row.span_id, row.parent_id, row.kind) == ("t", "s1", "s0", 3)
    assert (row.start_ns, row.end_ns) == (1786008600_250_000_000, 1786008601_000_000_000)
    assert row.response_id == "r1"
    attributes = json.loads(row.attributes)
    assert attributes["gen_ai.request.model"] == "given"
    assert attributes["gen_ai.input.messages"] == [
        {"role": "user", "parts": [{"type": "text", "content": "hello"}]}
    ]
    assert attributes["gen_ai.output.messages"] == [{"role": "assistant", "content": "hi"}]
    assert json.loads(row.events) == [{"name": "e", "time": "2026-08-06T09:30:00.500000Z", "attributes": {}}]


@pytest.mark.parametrize(
    ("said", "kind", "op"),
    [
        ("llm", 1, "chat"),
        ("TOOL", 1, "execute_tool"),
        ("retriever", 1, "retrieval"),
        ("SPAN_KIND_CLIENT", 3, None),
        ("guardrail", 1, None),
    ],
)
def test_the_kind_of_a_span_in_the_words_of_others(said, kind, op):
    span = {"span_id": "s1", "name": "step", "kind": said, "cost": 0.5}
    taken = trace(started_at=1786008600, spans=[span])
    attributes = json.loads(taken.spans[0].attributes)
    assert (taken.spans[0].kind, attributes.get("gen_ai.operation.name")) == (kind, op)
    assert attributes["cost"] == 0.5, "what has no meaning here is kept all the same"
    assert attributes.get("kind") == (None if kind == 3 else said)
    assert taken.warnings == [(0, "spans[0].cost: is kept among the span's attributes")]


def test_a_span_without_id_or_start():
    one = trace(started_at=1786008600, spans=[{"name": "a"}]).spans[0]
    again = trace(started_at=1786008600, spans=[{"name": "a"}]).spans[0]
    assert one == again
    assert one.start_ns == 1786008600 * 10**9
    assert len(one.span_id) == 16
    assert refusals(traces({"id": "t", "spans": [{"name": "a"}]})) == [(0, "spans[0].started_at")]


def test_nested_statements_speak_of_their_trace():
    taken = trace(
        scores=[{"name": "a", "value": 1}, {"name": "b", "value": 1, "target": {"span_id": "s"}}],
        feedback=[{"kind": "copy"}, {"kind": "copy", "target": {"trace_id": "t", "span_id": "s"}}],
    )
    assert [score.target for score in taken.scores] == [Target("trace", "t"), Target("trace", "t", "s")]
    assert [each.target for each in taken.feedback] == [Target("trace", "t"), Target("trace", "t", "s")]
    elsewhere = {"id": "t", "scores": [{"name": "a", "value": 1, "target": {"trace_id": "u"}}]}
    assert refusals(traces(elsewhere)) == [(0, "scores[0].target.trace_id")]


@pytest.mark.parametrize(
    ("value", "label", "expected"),
    [
        (True, None, (1.0, "pass")),
        (False, None, (0.0, "fail")),
        (False, "no", (0.0, "no")),
        (5, None, (5.0, "")),
    ],
)
def test_values_of_scores(value, label, expected):
    record = score(value=value, label=label)
    assert (record.value, record.label) == expected


def test_a_score_without_time_is_older_than_any_other():
    undated = score(value=1)
    assert undated.timestamp == UNDATED
    assert undated.timestamp < score(value=1, timestamp="1990-01-02").timestamp


def test_equal_scores_have_equal_keys_and_the_id_is_no_content():
    assert score(value=1) == score(value=1.0, label=None)
    assert score(value=1).key != score(value=2).key
    assert score(value=1, id="a").sha256 == score(value=1, id="b").sha256
    assert score(value=1, id="a").key == "a"


def test_what_the_contract_does_not_name_is_kept():
    assert score(value=1, colour="red", metadata={"a": 1}).metadata == {"colour": "red", "a": 1}
    assert said(kind="copy", colour="red").payload == {"colour": "red"}
    assert score(value=1, evaluator={"name": "e", "colour": "red"}).evaluator == {
        "name": "e",
        "colour": "red",
    }
    assert score(value=1, evaluator="e").evaluator == {"name": "e"}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"trace_id": "a/b"}, Target("trace", "a/b")),
        ({"trace_id": "a", "span_id": "s"}, Target("trace", "a", "s")),
        ({"span_id": "s"}, Target("span", "s")),
        ({"response_id": "r"}, Target("response", "r")),
        ({"external": {"system": "crm", "id": "7"}}, Target("external", "crm:7")),
    ],
)
def test_targets(target, expected):
    assert score(value=1, target=target).target == expected


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ({}, "target"),
        (None, "target"),
        ("t", "target"),
        ({"trace_id": ""}, "target.trace_id"),
        ({"trace_id": " "}, "target.trace_id"),
        ({"trace_id": "a\0b"}, "target.trace_id"),
        ({"trace_id": "x" * 129}, "target.trace_id"),
        ({"trace_id": 7}, "target.trace_id"),
        ({"trace_id": "t", "response_id": "r"}, "target"),
        ({"span_id": "s", "response_id": "r"}, "target"),
        ({"external": {"system": "crm"}}, "target.external.id"),
        ({"response_id": "x" * 301}, "target.response_id"),
    ],
)
def test_targets_that_name_nothing_or_two_things(target, field):
    taken = native.take_scores(Documents([{"name": "n", "value": 1, "target": target}], bulk=True), OFF)
    assert refusals(taken) == [(0, field)]


@pytest.mark.parametrize(
    ("kind", "value", "payload", "expected"),
    [
        ("thumbs", "up", {}, ("up", 1.0)),
        ("thumbs", "DOWN", {}, ("down", 0.0)),
        ("thumbs", True, {}, ("up", 1.0)),
        ("thumbs", 0, {}, ("down", 0.0)),
        ("thumbs", -1, {}, ("down", 0.0)),
        ("rating", 4, {}, ("4", 0.8)),
        ("rating", "4.5", {}, ("4.5", 0.9)),
        ("rating", 7, {"max": 10}, ("7", 0.7)),
        ("rating", 0, {}, ("0", 0.0)),
        ("task_completed", True, {}, ("true", 1.0)),
        ("task_completed", "no", {}, ("false", 0.0)),
        ("copy", None, {}, ("", None)),
        ("follow_up", "what about B?", {}, ("what about B?", None)),
    ],
)
def test_meanings_of_feedback(kind, value, payload, expected):
    record = said(kind=kind, value=value, payload=payload)
    assert (record.value, record.number) == expected


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "thumbs"}, "value"),
        ({"kind": "thumbs", "value": "sideways"}, "value"),
        ({"kind": "thumbs", "value": 2}, "value"),
        ({"kind": "rating", "value": 6}, "value"),
        ({"kind": "rating", "value": -1}, "value"),
        ({"kind": "rating", "value": "good"}, "value"),
        ({"kind": "rating", "value": "nan"}, "value"),
        ({"kind": "rating"}, "value"),
        ({"kind": "rating", "value": 1, "payload": {"max": 0}}, "payload.max"),
        ({"kind": "rating", "value": 1, "payload": {"max": "5"}}, "payload.max"),
        ({"kind": "comment"}, "comment"),
        ({"kind": "shrug"}, "kind"),
        ({}, "kind"),
        ({"kind": "copy", "user": "u" * 201}, "user"),
        ({"kind": "copy", "payload": []}, "payload"),
    ],
)
def test_feedback_that_says_nothing_clear(fields, field):
    assert refusals(native.take_feedback(Documents([ON_TRACE | fields], bulk=True), OFF)) == [(0, field)]


@pytest.mark.parametrize("item", [None, 1, "x", [], [{}], True])
def test_items_that_are_no_objects(item):
    assert refusals(native.take_scores(Documents([item], bulk=True), OFF)) == [(0, "")]
    assert refusals(traces(item)) == [(0, "")]


WRONG = [{"a": 1}, ["a"], 7.5, True, "\ud800", 10**30]
TYPED = {
    "id": str, "started_at": None, "ended_at": None, "input": (str, list, dict), "output": (str, list, dict),
    "context": list, "model": str, "provider": str, "prompt_name": str, "prompt_version": str, "route": str,
    "environment": str, "session_id": str, "user_id": str, "tokens": dict, "cost_usd": float,
    "latency_ms": float,
    "status": (), "error": str, "tags": dict, "spans": (), "scores": (), "feedback": (),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize("field", TYPED)
def test_wrong_types_at_each_field_are_refused_by_name(field, wrong):
    taken = traces({"id": "t", "started_at": 1786008600, field: wrong})
    fits = TYPED[field] is not None and isinstance(wrong, TYPED[field]) and not isinstance(wrong, bool)
    cleaned = wrong in ("\ud800", 10**30) and taken.flags
    if taken.refused:
        assert taken.refused[0][1].field.startswith(field)
        assert taken.batch() == native.Taken().batch()
    else:
        assert fits or cleaned


def test_text_no_database_keeps_is_replaced_and_flagged():
    taken = trace(input="a\0b", tags={"k\0": "\ud800", "n": 10**30}, output="x" * 300_000)
    body = taken.bodies[0].body
    assert body["input"] == "a\ufffdb"
    assert body["tags"] == {"k\ufffd": "?", "n": str(10**30)}
    assert body["output"].endswith("[cut]")
    assert taken.flags == {"t": frozenset({"sanitised", "cut"})}


def test_a_trace_with_one_bad_part_is_refused_whole():
    good = {"id": "good", "scores": [{"name": "a", "value": 1}]}
    bad = {
        "id": "bad",
        "started_at": 1786008600,
        "spans": [{"name": "a"}, {"name": 5}],
        "scores": good["scores"],
    }
    taken = traces(good, bad)
    assert refusals(taken) == [(1, "spans[1].name")]
    assert [body.trace_id for body in taken.bodies] == ["good"]
    assert len(taken.scores) == 1
    assert taken.spans == []
