"""OTLP requests become rows: both encodings alike, one bad span alone refused, hostile text kept out."""

import gzip
import json
import zlib

import pytest
from django.test import RequestFactory

from ingest import body, limits
from ingest.otlp import jsonform, protobuf
from ingest.otlp.decoding import Decoder
from ingest.problems import Problem
from ingest.redaction.masking import OFF
from tests.ingest.otlp import START, Log, Span, logs_body, traces_body, traces_json, traces_message

RICH = Span(
    parent_id="22" * 8,
    status=2,
    message="boom",
    attributes={
        "text": "grüße 🙂",
        "int": -(2**62),
        "float": 0.1,
        "bool": True,
        "bytes": b"\x00\xff",
        "list": ["a", 1, [True]],
        "map": {"x": {"y": "z"}},
        "gen_ai.response.id": "resp-1",
    },
    events=[("exception", START + 5, {"exception.type": "ValueError"})],
)


def decode(walk, data):
    decoder = Decoder(OFF)
    walk(data, decoder)
    return decoder


def test_both_forms_of_a_request_give_the_same_rows():
    binary = decode(protobuf.decode_traces, traces_body([RICH, Span(span_id="33" * 8)]))
    text = decode(jsonform.decode_traces, traces_json([RICH, Span(span_id="33" * 8)]))
    assert binary.spans == text.spans
    assert binary.spans[0].response_id == "resp-1"
    assert binary.spans[0].status == "error"
    assert binary.rejected == text.rejected == 0


def test_the_hash_speaks_of_content_alone():
    first = decode(protobuf.decode_traces, traces_body([RICH])).spans[0]
    again = decode(protobuf.decode_traces, traces_body([Span(), RICH])).spans[1]
    other = decode(protobuf.decode_traces, traces_body([Span(parent_id="22" * 8, status=2)])).spans[0]
    assert first.sha256 == again.sha256 != other.sha256


@pytest.mark.parametrize(
    "span",
    [
        Span(trace_id="00" * 16),
        Span(trace_id="aa"),
        Span(span_id="00" * 8),
        Span(start_ns=0),
        Span(start_ns=1),
    ],
)
def test_an_unusable_span_is_refused_alone(span):
    decoder = decode(protobuf.decode_traces, traces_body([span, Span()]))
    assert decoder.rejected == 1
    assert "span" in decoder.reason
    assert len(decoder.spans) == 1
    if span.start_ns:
        assert decode(jsonform.decode_traces, traces_json([span, Span()])).rejected == 1


@pytest.mark.parametrize("start", [2**63, 2**64 - 1])
def test_the_greatest_times_of_the_format_cost_their_own_span_only(start):
    odd, good = Span(span_id="11" * 8, start_ns=start), Span(span_id="22" * 8)
    for walk, data in (
        (protobuf.decode_traces, traces_body([odd, good])),
        (jsonform.decode_traces, traces_json([odd, good])),
    ):
        decoder = decode(walk, data)
        assert (decoder.rejected, [span.span_id for span in decoder.spans]) == (1, [good.span_id])


def test_what_no_database_keeps_is_replaced_and_flagged():
    odd = Span(attributes={"nul": "a\x00b", "nan": float("nan"), "k\x00": 1}, end_ns=2**63)
    decoder = decode(protobuf.decode_traces, traces_body([odd]))
    assert decoder.batch().flags == {odd.trace_id: {"sanitised"}}
    assert "a\ufffdb" in decoder.spans[0].attributes
    assert '"nan":"nan"' in decoder.spans[0].attributes
    assert decoder.spans[0].end_ns is None


def test_long_text_and_deep_nesting_are_cut_with_a_mark():
    deep: object = "end"
    for _ in range(30):
        deep = [deep]
    fine = decode(protobuf.decode_traces, traces_body([Span(attributes={"deep": deep})]))
    assert fine.batch().flags == {}
    long = Span(attributes={"long": "x" * (limits.TEXT_CHARACTERS + 1)})
    decoder = decode(protobuf.decode_traces, traces_body([long]))
    assert decoder.batch().flags == {long.trace_id: {"cut"}}
    assert len(decoder.spans[0].attributes) < limits.TEXT_CHARACTERS + 20
    assert "[cut]" in decoder.spans[0].attributes


def test_a_long_list_becomes_its_json_cut_in_attributes_and_bodies():
    many = ["x" * 1000] * 300
    decoder = decode(protobuf.decode_traces, traces_body([Span(attributes={"many": many, "few": ["y"]})]))
    kept = json.loads(decoder.spans[0].attributes)
    assert kept["few"] == ["y"]
    assert kept["many"].startswith('["xxx')
    assert kept["many"].endswith("[cut]")
    assert len(kept["many"]) == limits.TEXT_CHARACTERS
    assert decoder.batch().flags == {Span().trace_id: {"cut"}}
    told = decode(protobuf.decode_logs, logs_body([Log(body={"content": many})]))
    assert told.logs[0].body.endswith("[cut]")
    assert told.batch().flags == {Log().trace_id: {"cut"}}


def test_too_many_spans_are_refused_as_a_whole():
    message = traces_message([Span()])
    spans = message.resource_spans[0].scope_spans[0].spans
    spans.extend([spans[0]] * limits.SPANS)
    with pytest.raises(Problem) as refused:
        decode(protobuf.decode_traces, message.SerializeToString())
    assert refused.value.status == 413


@pytest.mark.parametrize(
    "data",
    [
        b'{"resourceSpans": 3}',
        b"[" * 100_000,
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"' + b"9" * 5000 + b'"}]}]}]}',
        b"{\xff}",
        b"",
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"--5"}]}]}]}',
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"\u00b2"}]}]}]}'.encode(),
    ],
)
def test_what_is_not_otlp_json_is_refused(data):
    with pytest.raises(Problem) as refused:
        decode(jsonform.decode_traces, data)
    assert refused.value.status == 400


def test_logs_are_kept_only_as_events_of_a_trace_or_as_scores():
    evaluation = Log(
        name="gen_ai.evaluation.result",
        attributes={"gen_ai.evaluation.name": "Tone", "gen_ai.evaluation.score.value": 0.5},
    )
    decoder = decode(
        protobuf.decode_logs,
        logs_body([Log(body={"content": "hi"}), Log(trace_id=""), Log(name=""), evaluation]),
    )
    assert [log.name for log in decoder.logs] == ["gen_ai.user.message"]
    assert [(score.name, score.value) for score in decoder.scores] == [("Tone", 0.5)]
    assert decoder.rejected == 0


def request(data, **headers):
    return RequestFactory().post(
        "/v1/traces", data=data, content_type="application/x-protobuf", headers=headers
    )


def test_a_gzip_body_of_several_members_is_read_whole():
    data = gzip.compress(b"one ") + gzip.compress(b"two")
    assert body.read(request(data, content_encoding="gzip")) == b"one two"


# By name, since a gzip body holds the time at which it was packed.
REFUSED = {
    "inflated beyond the limit": (gzip.compress(b"\0" * (limits.INFLATED_BYTES + 1)), "gzip", 413),
    "inflated beyond the ratio": (gzip.compress(b"\0" * 5 * limits.MIB), "gzip", 413),
    "cut off": (gzip.compress(b"abc")[:-9], "gzip", 400),
    "many empty members": (gzip.compress(b"") * 200_000, "gzip", 413),
    "not gzip": (b"not gzip", "gzip", 400),
    "deflate": (zlib.compress(b"abc"), "deflate", 415),
    "longer than the limit": (b"x" * (8 * limits.MIB + 1), "identity", 413),
}


@pytest.mark.parametrize(("data", "encoding", "status"), REFUSED.values(), ids=REFUSED)
def test_bodies_over_a_limit_or_broken_are_refused(data, encoding, status):
    with pytest.raises(Problem) as refused:
        body.read(request(data, content_encoding=encoding))
    assert refused.value.status == status


def test_a_span_with_an_evaluation_that_says_nothing_is_kept_and_the_answer_says_so():
    nothing = ("gen_ai.evaluation.result", START, {"gen_ai.evaluation.name": "Tone"})
    odd = Span(events=[nothing], attributes={"nul": "\x00"})
    decoder = decode(protobuf.decode_traces, traces_body([odd]))
    assert (len(decoder.spans), decoder.rejected, decoder.scores) == (1, 0, [])
    assert "evaluation" in decoder.reason
    assert decoder.batch().flags == {odd.trace_id: {"sanitised"}}
