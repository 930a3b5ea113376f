"""Bodies of the native API: their forms, and what no reader of JSON agrees on."""

import json

import pytest

from ingest import documents
from ingest.documents import Documents, Malformed
from ingest.problems import Problem


def read(body, content_type="application/json", most=10):
    return documents.read(body, content_type, envelope="scores", most=most)


@pytest.mark.parametrize(
    ("body", "content_type", "items", "bulk"),
    [
        (b'{"a": 1}', "application/json", [{"a": 1}], False),
        (b'\xef\xbb\xbf {"a": 1}\n', "application/json", [{"a": 1}], False),
        (b'{"a": 1}', "", [{"a": 1}], False),
        (b'[{"a": 1}, {"a": 2}]', "application/json", [{"a": 1}, {"a": 2}], True),
        (b'{"scores": [{"a": 1}]}', "application/json", [{"a": 1}], True),
        (b'{"scores": [1], "a": 1}', "application/json", [{"scores": [1], "a": 1}], False),
        (b'{"a": 1}', "application/x-ndjson", [{"a": 1}], True),
        (b'{"a": 1}\r\n\n{"a": 2}\n', "application/x-ndjson", [{"a": 1}, {"a": 2}], True),
        (b'{"a": 1}\n{"a": 2}', "application/json", [{"a": 1}, {"a": 2}], True),
        (b'{"a": 1}\n{"a": 2}', "application/x-jsonlines", [{"a": 1}, {"a": 2}], True),
        ('{"ä\u2028": "é😀"}'.encode(), "application/json", [{"ä\u2028": "é😀"}], False),
    ],
)
def test_forms_of_a_body(body, content_type, items, bulk):
    assert read(body, content_type) == Documents(items, bulk)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"[]", "no items"),
        (b"{", "truncated"),
        (b"NaN", "malformed|invalid"),
        (b'{"a": NaN}', "invalid"),
        (b'{"a": -Infinity}', "invalid"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": ' + b"1" * 10_000 + b"}", "out of range"),
        (b'{"a": "\\ud800', "truncated"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": 1, "a": 2}', "same key twice"),
        (b'{"a": [{"b": {"c": 1, "c" : 1}}]}', "same key twice"),
        (b'{"a": 1, "\\u0061": 2}', "same key twice"),
        (b"[" * 65 + b"]" * 65, "deeper than 64"),
        (b"[" * 100_000 + b"]" * 100_000, "deeper than 64"),
        (b'{"a":' * 100_000, "deeper than 64"),
        (b"\x1f\x8b\x08\x00", "malformed|invalid|UTF-8"),
        (b"[1, 2", "truncated"),
        (b'{"a": 1}\n{"a": ', "truncated|characters"),
    ],
)
def test_what_is_not_json_to_every_reader_is_refused(body, reason):
    try:
        documents_read = read(body)
    except Problem as problem:
        assert problem.status == 400
        found = problem.detail
    else:
        found = str(documents_read.items[-1])
        assert isinstance(documents_read.items[-1], Malformed)
    assert any(word in found for word in reason.split("|")), found


def test_nesting_up_to_the_limit_is_read():
    assert read(b"[" * 64 + b"]" * 64).bulk


def test_keys_are_told_from_texts_that_look_like_them():
    tricky = {"a": '{"a": 1, "a": 2}', 'b":': 'x\\": "c":', "\\": ['"d":', "\\"], "é\n": {"": ":"}}
    assert read(json.dumps(tricky).encode()).items == [tricky]
    assert read(json.dumps(tricky, indent=2, ensure_ascii=False).encode()).items == [tricky]


def test_a_bad_line_does_not_spoil_the_others():
    items = read(b'{"a": 1}\nnot json\n{"a": 1, "a": 2}\n{"a": 4}', "application/x-ndjson").items
    assert [isinstance(item, Malformed) for item in items] == [False, True, True, False]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-protobuf", "multipart/form-data", "text/html"]
)
def test_other_content_types_are_refused(content_type):
    with pytest.raises(Problem) as refusal:
        read(b"{}", content_type)
    assert refusal.value.status == 415


@pytest.mark.parametrize(
    "body", [b"[" + b"1," * 10 + b"1]", b'{"a":1}\n' * 11, b"[" + b"[]," * 500_001 + b"1]"]
)
def test_too_many_items_are_refused(body):
    with pytest.raises(Problem) as refusal:
        read(body)
    assert refusal.value.status == 413
