"""Checks are pure and bounded: one trace, one verdict, whatever is sent, and none holds up another."""

import dataclasses
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.models import CheckSetting, Trace
from ingest.reading import Document, Message, Reading
from ingest.trace_checks import load, run, running
from ingest.trace_checks.catalogue import CHECKS
from ingest.trace_checks.running import DEFAULT, made
from ingest.trace_checks.settings import Refused, change
from ingest.trace_checks.vocabulary import Check
from tests.ingest.trace_checks.cases import judged, span, trace_of

TRACE = Trace(trace_id="t")


def said(findings):
    return {finding.name: finding.passed for finding in findings}


def test_a_quiet_trace_gets_no_word_on_what_does_not_apply():
    assert said(run(DEFAULT, TRACE, Reading())) == {}


def test_exact_checks():
    reading = Reading(latency_ms=30_001.0, cost_usd=0.25, status="error", error="boom", root_ended=True)
    assert said(run(DEFAULT, TRACE, reading)) == {"slow": False, "costly": True, "error": False}
    reading = Reading(latency_ms=30_000.0, cost_usd=0.26, status="ok", root_ended=True)
    assert said(run(DEFAULT, TRACE, reading)) == {"slow": True, "costly": False, "error": True}


def test_what_never_ended_is_slow_once_it_is_known_to_be_and_fast_never():
    def steps(to):
        return {"steps": [{"id": "root", "parent": "", "from": 0, "to": None},
                          {"id": "a", "parent": "root", "from": 100, "to": to}]}  # fmt: skip

    assert [judged("slow", steps(to)) for to in (30_001, 30_000, None)] == [False, None, None]
    assert judged("slow", {"body": {"started_at": "2026-08-06T12:00:00Z"}}) is None


def test_a_broken_check_says_so_and_holds_up_no_other(caplog):
    def breaks(subject, parameters):
        raise RuntimeError("secret detail")

    broken = made(Check("broken", "Broken", "", "", breaks), {})
    findings = run((broken, *DEFAULT), TRACE, Reading(latency_ms=1.0))
    assert (findings[0].passed, findings[0].error_type) == (None, "RuntimeError")
    assert "secret" not in findings[0].explanation
    assert said(findings[1:]) == {"slow": True}


@pytest.mark.django_db
def test_settings_are_loaded_with_one_query(project, other_project, django_assert_num_queries):
    change(project, CHECKS["slow"], enabled=True, values={"most_ms": "10"})
    change(project, CHECKS["costly"], enabled=False, values={})
    with django_assert_num_queries(1):
        checks = load([project.pk, other_project.pk])
    reading = Reading(latency_ms=100.0, cost_usd=5.0)
    assert said(run(checks[project.pk], TRACE, reading)) == {"slow": False}
    assert said(run(checks[other_project.pk], TRACE, reading)) == {"slow": True, "costly": False}
    slow = run(checks[project.pk], TRACE, reading)[0]
    assert slow.parameters == {"most_ms": 10.0}


@pytest.mark.django_db
def test_a_setting_that_can_no_longer_be_read_leaves_the_check_with_its_own(project, caplog):
    CheckSetting.objects.create(project=project, name="slow", parameters={"most_ms": "never"})
    CheckSetting.objects.create(project=project, name="gone", parameters={})
    assert said(run(load([project.pk])[project.pk], TRACE, Reading(latency_ms=1.0))) == {"slow": True}


@pytest.mark.django_db
def test_only_what_differs_is_kept(project):
    row = change(project, CHECKS["safety"], enabled=True, values={"words": " Foo  bar \n\nFoo bar\n"})
    assert row.parameters == {"words": ["Foo bar"]}
    with pytest.raises(Refused, match="Least share of words: must be a number from 0 to 1"):
        change(project, CHECKS["grounding"], enabled=True, values={"least_share": "x"})


@pytest.mark.parametrize(
    ("name", "case", "parameters", "before", "after"),
    [
        ("refusal", {"answer": "Ask the desk, please."}, {"words": ["ask the desk"]}, True, False),
        ("safety", {"answer": "Try the competitor's Foobar."}, {"words": ["foob*"]}, True, False),
        ("safety", {"answer": "What an idiot light."}, {"allowed": ["idiot"]}, False, True),
        ("safety", {"answer": "You idiot."}, {"categories": ["crime"]}, False, True),
        ("pii", {"answer": "Write to a.b@c-mail.de"}, {"allowed": ["A.B@c-mail.de"]}, False, True),
        ("pii", {"answer": "Write to a.b@c-mail.de"}, {"kinds": ["card"]}, False, True),
        ("pii", {"answer": "It is a.b@c-mail.de", "docs_text": "a.b@c-mail.de"}, {"documents": False},
         True, False),
        ("language", {"question": "Wo ist meine Bestellung, bitte?", "answer": "It is on its way now."},
         {"languages": ["en"]}, False, True),
        ("citations", {"docs": ["returns"], "answer": "You can return it within 30 days of the delivery."},
         {"required": True}, None, False),
        ("schema", {"attributes": {"gen_ai.output.type": "json"}, "answer": "```json\n{}\n```"},
         {"fences": False}, True, False),
        ("schema", {"answer": "hello"}, {"always": True}, None, False),
        ("injection", {"question": "xyzzy please"}, {"words": ["xyzzy"]}, True, False),
        ("grounding", {"docs": ["returns"], "answer": "You can return it within 45 days of delivery."},
         {"numbers": False}, False, True),
        ("repetition", {"answer": "one two three four five. " * 3 + "and then a few more words that were "
         "never said before in this text, so that it is long enough"}, {"most_share": 0.1}, True, False),
    ],
)  # fmt: skip
def test_parameters_change_the_verdict(name, case, parameters, before, after):
    assert judged(name, case) is before
    assert judged(name, case, **parameters) is after


def test_findings_do_not_hold_what_they_found():
    """A check of personal data must not copy it into another column."""
    case = {"answer": "Write to j.keller77@gmail.com or DE89370400440532013000."}
    reading, spans = trace_of(case)
    finding = next(each for each in run(DEFAULT, TRACE, reading, spans) if each.name == "pii")
    assert finding.passed is False
    assert "keller" not in finding.explanation and "DE89" not in finding.explanation


HOSTILE = {
    "one letter": "a" * 262_144,
    "open brackets": "[" * 262_144,
    "blanks": " " * 262_144,
    "lines": "\n   " * 65_000,
    "digits": "4111 " * 52_000,
    "at": "a@" * 131_072,
    "orders": "ignore all " * 24_000,
    "refusals": "i cannot " * 29_000,
    "objects": '{"a":' * 40_000,
    "marks": "[1]" * 87_000,
    "fences": "```" * 87_000,
    "keys": "sk-" * 87_000,
    "iban": "A1" * 131_072,
    "password": "password is " * 21_000,
    "dots": "1." * 131_072,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_take_bounded_time(name):
    text = HOSTILE[name]
    spans = [
        span(str(number), attributes={"gen_ai.operation.name": "execute_tool", "output.value": text[:50_000],
                                      "llm.invocation_parameters": text[:60_000]})
        for number in range(20)
    ] * 500  # fmt: skip
    reading, _ = trace_of({"answer": text, "question": text})
    reading = dataclasses.replace(
        reading,
        documents=(Document(text[:100], text),) * 100,
        conversation=(Message("user", text), Message("tool", text)) * 50,
    )
    start = time.process_time()
    findings = run(DEFAULT, TRACE, reading, spans)
    assert time.process_time() - start < 20
    assert not [finding for finding in findings if finding.error_type]
    assert all(len(finding.explanation) <= running.LONGEST_EXPLANATION for finding in findings)


HOSTILE_SCHEMAS = [
    {"$ref": "#"},
    {"$ref": "http://127.0.0.1:9/schema.json"},
    {"$ref": "file:///etc/passwd"},
    {"type": 17},
    {"type": "object", "required": 3},
    {"pattern": "(a+)+$"},
    {"patternProperties": {"(a+)+$": {"type": "null"}}, "additionalProperties": False},
    {"$defs": {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(40)} | {"40": {}},
     "$ref": "#/$defs/0"},
    {"multipleOf": 0},
    {"enum": "abc"},
    {"propertyNames": {"pattern": "(a+)+$"}},
    {"format": "regex"},
    {"minLength": "x"},
    json.loads('{"not":' * 50 + "{}" + "}" * 50),
    json.loads('{"not":' * 90 + "{}" + "}" * 90),
]  # fmt: skip


@pytest.mark.parametrize("schema", HOSTILE_SCHEMAS)
def test_hostile_schemas_take_bounded_time_and_no_network(schema):
    attributes = {"gen_ai.request.structured_output_schema": json.dumps(schema)}
    start = time.process_time()
    judged("schema", {"attributes": attributes, "answer": json.dumps({"a" * 30: "a" * 30 + "!"})})
    judged("schema", {"attributes": attributes, "answer": json.dumps("a" * 30 + "!")})
    assert time.process_time() - start < 20


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
KEYS = st.sampled_from(
    ["gen_ai.tool.definitions", "llm.invocation_parameters", "gen_ai.output.type", "ai.schema",
     "ai.prompt.tools", "model_request_parameters", "llm.request.functions.0.name",
     "llm.tools.0.tool.json_schema", "gen_ai.operation.name", "output.value", "gen_ai.tool.call.result"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    answer=st.text(max_size=200),
    question=st.text(max_size=200),
    tool=st.text(max_size=50) | VALUES.map(lambda value: json.dumps(value)),
    attributes=st.dictionaries(KEYS, VALUES | VALUES.map(lambda value: json.dumps(value)), max_size=4),
    arguments=VALUES,
)
def test_no_check_breaks_on_odd_input_and_all_are_pure(answer, question, tool, attributes, arguments):
    case = {"answer": answer, "question": question, "tool": tool, "attributes": attributes}
    for calls in ([], [{"name": "find", "arguments": arguments}]):
        reading, spans = trace_of({**case, "calls": calls})
        spans.append(span("tool", attributes={"gen_ai.operation.name": "execute_tool", **attributes}))
        findings = run(DEFAULT, TRACE, reading, spans)
        assert not [finding for finding in findings if finding.error_type]
        assert findings == run(DEFAULT, TRACE, reading, spans)
