"""A text that JavaScript cut inside an emoji costs that character, not the whole batch."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.half_characters import MOST_BYTES, without_halves
from ingest.models import Trace

TEXT = st.text(st.sampled_from('a\\u"\n😀é/') | st.characters(codec=None, exclude_categories=()))


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (rb"half \ud83d", rb"half \u0000"),
        (rb"\uDE00 half", rb"\u0000 half"),
        (rb"\ud83d\ude00", rb"\ud83d\ude00"),
        (rb"\ud83d\ud83d\ude00", rb"\u0000\ud83d\ude00"),
        (rb"\ud83d\n\ude00", rb"\u0000\n\u0000"),
        (rb"a path \\ud83d", rb"a path \\ud83d"),
        (rb"\\\ud83d", rb"\\\u0000"),
        (rb"\ud83", rb"\ud83"),
    ],
)
def test_only_what_stands_alone_is_replaced(said, read):
    assert without_halves(said) == read


@given(st.lists(TEXT))
def test_json_of_any_texts_becomes_json_without_halves(texts):
    kept = json.loads(without_halves(json.dumps(texts).encode()))
    expected = json.loads(json.dumps(texts))
    assert kept == ["".join("\0" if "\ud800" <= c <= "\udfff" else c for c in text) for text in expected]


def test_a_body_too_large_for_an_accident_is_left_alone():
    assert without_halves(large := rb"\ud83d" * (MOST_BYTES // 6 + 1)) == large


@pytest.mark.django_db
def test_traces_with_half_characters_are_stored_and_marked(api):
    sent = '{"id": "half", "input": "cut \\ud83d", "output": "whole \\ud83d\\ude00", "tags": {"a\\ud83d": 1}}'
    send = api("ingest").post
    assert send("/api/v1/traces", sent, content_type="application/json").status_code == 200
    attribute = '{"key": "touchstone.input", "value": {"stringValue": "cut \\ude00"}}'
    span = f'{{"traceId": "{"a" * 32}", "spanId": "{"b" * 16}", "startTimeUnixNano": "1790000000000000000",'
    span += f'"attributes": [{attribute}]}}'
    body = f'{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{span}]}}]}}]}}'
    assert send("/v1/traces", body, content_type="application/json").status_code == 200
    for trace_id in ("half", "a" * 32):
        read = api().get(f"/api/v1/traces/{trace_id}").json()
        assert (read["input"], read["output"]) == ("cut \ufffd", "whole 😀" if trace_id == "half" else "")
        assert "sanitised" in Trace.objects.get(trace_id=trace_id).flags


@pytest.mark.django_db
def test_an_id_with_half_a_character_is_refused(api):
    answer = api("ingest").post("/api/v1/traces", '{"id": "a\\ud83d"}', content_type="application/json")
    assert answer.status_code == 422
