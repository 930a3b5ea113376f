"""What holds of every text: masking twice is masking once, equals are equal, and order does not matter."""

import json
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.redaction.finding import PLACEHOLDER, placeholder
from ingest.redaction.masking import Redactor
from ingest.redaction.policy import Kind, Policy, own_pattern
from ingest.redaction.projection import project
from tests.ingest.redaction.labelled import FOUND

POLICY = Policy(
    kinds=frozenset(Kind), regions=("DE", "US"), patterns=(own_pattern("customer", r"\bKD-\d{6}\b"),)
)
ALL = Redactor(POLICY, b"k" * 32)
VALUES = sorted({value for _, kinds in FOUND for values in kinds.values() for value in values})
WORDS = ["and", "\n", "**", "KD-123456", "order 4711", "\\n", '"', "x@", "12", "[EMAIL:12345678]", ":", "%40"]
pieces = st.lists(st.sampled_from(VALUES + WORDS) | st.text(max_size=8), max_size=12)
texts = pieces.map(" ".join) | pieces.map("\n".join) | st.text(max_size=80)


def mask(text, redactor=ALL):
    return redactor.text(text, Counter())


@settings(max_examples=400, deadline=None)
@given(texts)
def test_masking_twice_is_masking_once(text):
    once = mask(text)
    assert mask(once) == once


@settings(max_examples=200, deadline=None)
@given(texts)
def test_a_projection_leads_back(text):
    seen = project(text)
    for at in range(len(seen.text)):
        start, end = seen.span(at, at + 1)
        assert 0 <= start < end <= len(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(VALUES), min_size=1, max_size=6))
def test_a_placeholder_does_not_depend_on_what_stands_around(values):
    """One line each: what touches nothing else is masked the same alone, in any order, and in JSON."""
    alone = {value: mask(value) for value in values}
    assert mask(" ;\n".join(values)).split(" ;\n") == [alone[value] for value in values]
    assert ALL.value(values, Counter()) == [alone[value] for value in values]
    encoded = json.dumps(values)
    assert PLACEHOLDER.findall(mask(encoded)) == PLACEHOLDER.findall(" ".join(map(alone.get, values)))
    json.loads(mask(encoded))


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    )
)
def test_a_value_keeps_its_shape_and_nothing_of_it_is_left(value):
    changed = ALL.value(value, Counter())
    assert type(changed) is type(value)
    assert ALL.value(changed, Counter()) == changed


def test_one_spelling_of_many():
    assert mask("Ada@Example.org") == mask("ada@example.org")
    assert mask("+49 (30) 901820") == mask("+4930901820") == mask("Tel. 030 901820")[5:]
    assert mask("4111 1111 1111 1111") == mask("4111-1111-1111-1111") == mask("4111111111111111")
    assert mask("de89 3704 0044 0532 0130 00") == mask("DE89370400440532013000")


def test_json_stays_json_where_a_number_is_masked():
    for text in (json.dumps({"card": 4111111111111111, "n": [1]}), json.dumps([{"pan": 5555555555554444}])):
        for nested in (text, json.dumps({"inner": text})):
            changed = json.loads(mask(nested))
            assert "[CARD:" in str(changed)
            assert "inner" not in nested or json.loads(changed["inner"])


def test_another_project_has_other_placeholders():
    other = Redactor(POLICY, b"l" * 32)
    assert mask("ada@example.org", other) != mask("ada@example.org")
    assert placeholder(b"k", "email", "a") != placeholder(b"k", "phone", "a")


def test_numbers_and_ids_stay():
    said = {"n": 4111111111111111, "at": 1767225600123456789, "ok": True, "none": None, "f": 203.0113}
    assert ALL.value(said, Counter()) == said
    named = {"gen_ai.response.id": "ada@example.org", "card_number": 4111111111111111}
    changed = ALL.value(named, Counter())
    assert changed["gen_ai.response.id"] == "ada@example.org"
    assert PLACEHOLDER.fullmatch(changed["card_number"])


def test_names_of_fields_are_masked_and_say_what_is_secret():
    changed = ALL.value({"ada@example.org": {"x-api-key": "abcd", "note": "abcd"}}, Counter())
    [(name, fields)] = changed.items()
    assert PLACEHOLDER.fullmatch(name) and PLACEHOLDER.fullmatch(fields["x-api-key"])
    assert fields["note"] == "abcd"


def test_what_is_allowed_stays():
    policy = Policy(
        kinds=frozenset(Kind), allowed=frozenset({"support@example.org", "@shop.example", "203.0.113.7"})
    )
    text = "support@example.org Bob@shop.example 203.0.113.7"
    assert mask(text, Redactor(policy, b"k")) == text
    assert PLACEHOLDER.fullmatch(mask("ada@example.org", Redactor(policy, b"k")))


def test_a_hook_finds_more():
    def names(text):
        at = text.find("Lovelace")
        return [(at, at + 8, "person")] if at >= 0 else []

    redactor = Redactor(Policy(kinds=frozenset()), b"k", [names])
    assert PLACEHOLDER.sub("<>", mask("Dear Ms Lovelace,", redactor)) == "Dear Ms <>,"
    assert mask("Dear Ms Lovelace,", redactor).startswith("Dear Ms [PERSON:")


def test_without_a_policy_nothing_is_touched():
    item = {"input": "ada@example.org"}
    assert Redactor(Policy(kinds=frozenset()), b"k").item(item, Counter()) is item
