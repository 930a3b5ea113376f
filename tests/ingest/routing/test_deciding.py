"""Which rules take a trace, and how urgent it then is."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ingest.routing.deciding import decide
from ingest.routing.facts import Facts, SaidFact, ScoreFact
from ingest.routing.priority import BASE_ODDS, UNSIGNED, rank


@dataclass
class Rule:
    conditions: list = field(default_factory=lambda: [{"condition": "error"}])
    name: str = "r"
    queue: str = "review"
    match: str = "all"
    severity: float = 1.0
    share: float = 1.0
    enabled: bool = True


LOW = {"condition": "score_below", "name": "tone", "threshold": 0.5}
ERROR = {"condition": "error"}
FAILED = Facts("t", status="error", scores=(ScoreFact("tone", 0.2),))


def test_all_needs_every_condition_and_any_needs_one():
    down = {"condition": "thumbs_down"}
    assert [r.code for r in decide([Rule([LOW, ERROR])], FAILED)[0].reasons] == ["score_below", "error"]
    assert decide([Rule([LOW, down])], FAILED) == []
    (decision,) = decide([Rule([LOW, down], match="any")], FAILED)
    assert [(reason.code, reason.rule) for reason in decision.reasons] == [("score_below", "r")]


def test_a_trace_goes_once_into_each_queue_with_all_its_reasons_and_the_greatest_severity():
    rules = [
        Rule([LOW], "low", severity=1),
        Rule([ERROR], "broken", severity=3),
        Rule([ERROR], "ops", queue="ops"),
    ]
    ops, review = decide(rules, FAILED)
    assert (ops.queue, review.queue) == ("ops", "review")
    assert [reason.rule for reason in review.reasons] == ["low", "broken"]
    assert (review.terms.severity, ops.terms.severity) == (3, 1)


def test_rules_that_are_off_and_excluded_traces_give_nothing():
    assert decide([Rule(enabled=False)], FAILED) == []
    assert decide([Rule([{"condition": "audit"}]), Rule()], replace(FAILED, drawn=True, excluded=True)) == []
    assert decide([Rule([])], FAILED) == []


def test_a_share_takes_some_of_what_matches_but_all_of_what_is_drawn():
    assert decide([Rule(share=0.5)], replace(FAILED, share=0.5)) == []
    assert decide([Rule(share=0.5)], replace(FAILED, share=0.4))
    (audit,) = decide([Rule([{"condition": "audit"}], share=0.5)], Facts("t", drawn=True, share=0.9))
    assert audit.audit
    assert not decide([Rule()], FAILED)[0].audit


def test_the_priority_is_the_product_of_its_stored_terms():
    terms = rank(replace(FAILED, slice_age=0.0), severity=2.0)
    assert terms.novelty == 1.5
    assert terms.priority == pytest.approx(
        terms.p_fail * terms.severity * (1 + terms.uncertainty) * terms.novelty, abs=1e-6
    )
    odds = BASE_ODDS
    for factor in terms.signals.values():
        odds *= factor
    assert terms.p_fail == pytest.approx(odds / (1 + odds), abs=1e-6)
    assert terms.as_json()["by"] == "rules"


def test_what_speaks_against_a_trace_raises_it_and_what_speaks_for_it_lowers_it():
    def p_fail(**known):
        return rank(Facts("t", **known), 1.0).p_fail

    down, up = SaidFact("thumbs", 0.0), SaidFact("thumbs", 1.0)
    nothing = p_fail()
    assert nothing == pytest.approx(0.08)
    assert p_fail(said=(up,)) < nothing < p_fail(said=(down,)) < p_fail(said=(down, down))
    assert p_fail(said=(down,) * 3) == p_fail(said=(down,) * 99)
    assert p_fail(failed_checks=("empty",)) > nothing
    assert p_fail(scores=(ScoreFact("tone", 0.1),)) > nothing > p_fail(scores=(ScoreFact("tone", 0.9),))
    # What is not a share of quality says nothing here.
    assert p_fail(scores=(ScoreFact("toxicity", 0.0), ScoreFact("tone", 0.0, source="human"))) == nothing


@given(some.lists(some.sampled_from(["thumbs", "report", "regenerate", "copy"]), min_size=1, max_size=30))
def test_unsigned_feedback_raises_the_priority_at_most_once(kinds):
    said = tuple(SaidFact(kind, 0.0 if kind == "thumbs" else None, signed=False) for kind in kinds)
    signals = rank(Facts("t", said=said), 1.0).signals
    assert set(signals.items()) <= {("unsigned", UNSIGNED)}


def test_a_confident_score_is_less_uncertain_and_an_old_slice_is_not_novel():
    sure = rank(Facts("t", scores=(ScoreFact("tone", 0.2, confidence=0.95),)), 1.0)
    unsure = rank(Facts("t", scores=(ScoreFact("tone", 0.2, confidence=0.4),)), 1.0)
    assert sure.uncertainty == pytest.approx(0.05)
    assert unsure.priority > sure.priority
    assert rank(Facts("t", slice_age=3.0), 1.0).novelty == 1.25
    assert rank(Facts("t", slice_age=90.0), 1.0).novelty == pytest.approx(1.0, abs=1e-6)
