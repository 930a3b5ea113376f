"""Evaluation events become scores."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.otlp.evaluations import EVALUATION_EVENT, score_of_event
from ingest.records import ScoreRecord, Target
from tests.ingest.stored import at

NAME = "gen_ai.evaluation.name"
VALUE = "gen_ai.evaluation.score.value"
LABEL = "gen_ai.evaluation.score.label"


def score(
    trace_id: str = "t", span_id: str = "s", event: str = EVALUATION_EVENT, **attributes
) -> ScoreRecord | None:
    dotted = {NAME: "Relevance"} | {key.replace("__", "."): value for key, value in attributes.items()}
    return score_of_event(event, dotted, trace_id=trace_id, span_id=span_id, occurred_at=at(0))


def valued(value, label=None) -> tuple[float | None, str] | None:
    stated = {key: each for key, each in ((VALUE, value), (LABEL, label)) if each is not None}
    found = score(**stated)
    return found and (found.value, found.label)


def test_all_that_an_event_states():
    found = score(
        gen_ai__evaluation__score__value=0.25,
        gen_ai__evaluation__score__label="fail",
        gen_ai__evaluation__explanation="not in the context",
        gen_ai__evaluation__evaluator__name="relevance-judge",
        gen_ai__evaluation__evaluator__version="2",
        acme__tier="gold",
    )
    assert (found.name, found.value, found.label, found.explanation) == (
        "Relevance",
        0.25,
        "fail",
        "not in the context",
    )
    assert found.target == Target("trace", "t", "s")
    assert found.evaluator == {"name": "relevance-judge", "version": "2"}
    assert (found.source, found.timestamp, found.metadata) == ("llm", at(0), {"acme.tier": "gold"})


def test_the_response_is_the_target_only_without_a_span():
    response = {"gen_ai.response.id": "r1", LABEL: "pass"}
    assert score("", "", **response).target == Target("response", "r1")
    assert score("t", "s", **response).target == Target("trace", "t", "s")
    assert score("", "", **{LABEL: "pass"}) is None


@pytest.mark.parametrize(
    ("value", "label", "expected"),
    [
        (True, None, (1.0, "pass")),
        (False, None, (0.0, "fail")),
        (None, True, (1.0, "pass")),
        (True, "polite", (1.0, "polite")),
        (1, "pass", (1.0, "pass")),
        ("0.5", None, (0.5, "")),
        ("good", None, (None, "good")),
        (None, "neutral", (None, "neutral")),
        (float("nan"), None, None),
        (10**400, None, None),
        ([1], None, None),
        (None, "", None),
    ],
)
def test_values_and_labels_of_any_type(value, label, expected):
    assert valued(value, label) == expected


def test_an_evaluator_that_failed_has_no_verdict_but_says_why():
    found = score(error__type="timeout")
    assert (found.value, found.label, found.error_type) == (None, "", "timeout")


@pytest.mark.parametrize(
    ("name", "source"), [("user_feedback", "user"), ("User Feedback", "user"), ("Faithfulness", "llm")]
)
def test_feedback_of_users_is_told_from_evaluators(name, source):
    assert score(**{NAME: name, VALUE: 0}).source == source
    assert score(**{NAME: name, VALUE: 0, "gen_ai.evaluation.source": "code"}).source == "code"


def test_an_evaluator_described_in_json_is_named():
    found = score(
        **{LABEL: "x", "gen_ai.evaluation.evaluator.source": '{"name": "Grounded", "arguments": null}'}
    )
    assert found.evaluator == {"name": "Grounded"}


def test_an_event_without_a_name_or_of_another_name_is_no_score():
    assert score(**{NAME: "", VALUE: 1}) is None
    assert score(event="gen_ai.choice", **{VALUE: 1}) is None


def test_the_same_event_twice_is_one_score_and_another_content_another():
    one, same, other = score(**{VALUE: 1}), score(**{VALUE: 1}), score(**{VALUE: 2})
    assert one == same
    assert one.key != other.key
    assert len(one.key) == 64
    assert score("t", "other", **{VALUE: 1}).key != one.key


def test_an_event_with_an_id_keeps_it():
    first, second = (
        score(**{VALUE: 1, "gen_ai.evaluation.id": "e1"}),
        score(**{VALUE: 2, "gen_ai.evaluation.id": "e1"}),
    )
    assert first.key == second.key == "e1"
    assert first.sha256 != second.sha256
    assert len(score(**{VALUE: 1, "gen_ai.evaluation.id": "e" * 300}).key) == 64


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text("aé[{0. ", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.", max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
keys = st.sampled_from(
    [
        NAME,
        VALUE,
        LABEL,
        "gen_ai.evaluation.explanation",
        "error.type",
        "gen_ai.response.id",
        "gen_ai.evaluation.id",
        "x",
        "gen_ai.evaluation.evaluator.source",
        "gen_ai.evaluation.source",
    ]
)


@settings(deadline=None)
@given(st.dictionaries(keys, anything, max_size=8))
def test_no_attributes_raise(attributes):
    found = score_of_event(EVALUATION_EVENT, attributes, trace_id="", span_id="", occurred_at=at(0))
    assert found is None or (
        len(found.name) <= 200 and len(found.key) <= 200 and len(found.target.key) <= 300
    )
