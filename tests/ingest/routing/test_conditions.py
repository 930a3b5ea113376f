"""Every condition of the closed set: when it is met, how it says so, and what never meets it."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ingest.routing.conditions import CONDITIONS, Refused, met, read_all, words_of
from ingest.routing.facts import Facts, SaidFact, ScoreFact, chances, is_excluded

FAITHFUL = ScoreFact("faithfulness", 0.25, "fail", 0.6)
DOWN = SaidFact("thumbs", 0.0)


def facts(**known):
    return Facts("t", **known)


def asked(code, **values):
    (read,) = read_all([{"condition": code} | values])
    return read


MET = [
    (asked("score_below", name="faithfulness", threshold=0.5), {"scores": (FAITHFUL,)},
     "faithfulness .25 below .5"),
    (asked("score_below", threshold=0.5), {"scores": (FAITHFUL, ScoreFact("tone", 0.4))},
     "faithfulness .25 below .5"),
    (asked("score_below", name="grounded", threshold=0.5), {"scores": (ScoreFact("grounded", None, "fail"),)},
     "grounded: fail"),
    (asked("score_above", name="toxicity", threshold=0.2), {"scores": (ScoreFact("toxicity", 0.7),)},
     "toxicity .7 above .2"),
    (asked("score_label", name="intent", label="Refund"), {"scores": (ScoreFact("intent", None, "refund"),)},
     "intent: Refund"),
    (asked("confidence_below", threshold=0.7), {"scores": (FAITHFUL,)},
     "confidence of faithfulness .6 below .7"),
    (asked("thumbs_down"), {"said": (SaidFact("thumbs", 1.0), DOWN)}, "thumbs down by user"),
    (asked("rating_below", threshold=0.5), {"said": (SaidFact("rating", 0.4),)}, "rating .4 below .5"),
    (asked("implicit", kind="regenerate", least=2), {"said": (SaidFact("regenerate"),) * 2},
     "regenerate by user, 2 times"),
    (asked("implicit", kind="escalate"), {"said": (SaidFact("escalate"),)}, "escalate by user"),
    (asked("check_failed"), {"failed_checks": ("refusal", "empty")}, "checks failed: empty, refusal"),
    (asked("check_failed", name="check.refusal"), {"failed_checks": ("refusal", "empty")},
     "check failed: refusal"),
    (asked("error"), {"status": "error", "error": "timed out"}, "error: timed out"),
    (asked("tag_equals", key="tier", value="gold"), {"tags": {"tier": "gold"}}, "tag tier is gold"),
    (asked("tag_equals", key="vip", value="true"), {"tags": {"vip": True}}, "tag vip is true"),
    (asked("column_equals", column="prompt_version", value="v3"), {"prompt_version": "v3"},
     "prompt version is v3"),
    (asked("audit"), {"drawn": True}, "audit"),
    (asked("sample", share=0.1), {"sample": 0.05}, "sample of .1"),
]  # fmt: skip

NOT_MET = [
    (asked("score_below", name="faithfulness", threshold=0.25), {"scores": (FAITHFUL,)}),
    (asked("score_below", name="tone", threshold=9), {"scores": (FAITHFUL,)}),
    # Without a name only what reads as a share of quality: no ratings by people, no toxicity, nothing passed.
    (asked("score_below", threshold=0.5), {"scores": (ScoreFact("toxicity", 0.1), ScoreFact("words", 12.0))}),
    (asked("score_below", threshold=0.5), {"scores": (ScoreFact("tone", 0.1, source="human"),)}),
    (asked("score_below", threshold=0.5), {"scores": (ScoreFact("distance", 0.1, "pass"),)}),
    (asked("confidence_below", threshold=0.5), {"scores": (ScoreFact("tone", 0.1),)}),
    (asked("thumbs_down"), {"said": (SaidFact("rating", 0.0), SaidFact("thumbs", 1.0))}),
    (asked("rating_below", threshold=0.5), {"said": (SaidFact("thumbs", 0.0), SaidFact("rating", None))}),
    (asked("implicit", kind="regenerate", least=2), {"said": (SaidFact("regenerate"),)}),
    (asked("check_failed", name="slow"), {"failed_checks": ("refusal",)}),
    (asked("tag_equals", key="tier", value="gold"), {"tags": {"tier": ["gold"]}}),
    (asked("column_equals", column="model", value="m"), {"model": "m2"}),
    (asked("sample", share=0.1), {"sample": 0.1}),
]


@pytest.mark.parametrize(("condition", "known", "detail"), MET)
def test_met_and_said_in_words(condition, known, detail):
    assert met(condition, facts(**known)) == detail


@pytest.mark.parametrize(("condition", "known"), NOT_MET)
def test_not_met(condition, known):
    assert met(condition, facts(**known)) is None


def test_of_a_trace_of_which_nothing_is_known_nothing_is_met():
    one_of_each = {condition["condition"]: condition for condition, *_ in MET}
    assert set(one_of_each) == set(CONDITIONS)
    for condition in one_of_each.values():
        assert met(condition, facts(sample=0.99)) is None, condition


def test_a_condition_is_told_in_words():
    assert (
        words_of(asked("score_below", name="tone", threshold=0.5)) == "Score below: score tone, threshold .5"
    )
    assert words_of({"condition": "of an older version"}) == "a condition that is no longer known"


@pytest.mark.parametrize(
    "given",
    [
        None, {}, [], "audit", [None], [{}], [{"condition": ["audit"]}], [{"condition": "no such"}],
        [{"condition": "score_below", "threshold": "low"}], [{"condition": "score_below", "threshold": True}],
        [{"condition": "score_below", "threshold": float("nan")}],
        [{"condition": "score_below", "threshold": "1e999"}],
        [{"condition": "score_below", "threshold": 10**400}],
        [{"condition": "score_above", "threshold": 1}],
        [{"condition": "error", "trace__project": 1}],
        [{"condition": "tag_equals", "key": {"a": 1}, "value": "x"}],
        [{"condition": "implicit", "kind": "copy"}],
        [{"condition": "audit"}, {"condition": "error"}],
        [{"condition": "error"}] * 21,
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused(given):
    with pytest.raises(Refused):
        read_all(given)


@given(
    some.recursive(
        some.none() | some.booleans() | some.floats() | some.integers() | some.text(max_size=9),
        lambda inner: (
            some.lists(inner, max_size=3)
            | some.dictionaries(
                some.sampled_from(["condition", "name", "threshold", "kind", "key", "value", "share"])
                | some.text(max_size=5),
                inner | some.sampled_from(sorted(CONDITIONS)),
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_is_sent_is_read_or_refused_and_then_stands(sent):
    try:
        read = read_all(sent)
    except Refused:
        return
    assert read_all(read) == read
    for condition in read:
        met(condition, facts())
        words_of(condition)


def test_the_chances_are_even_and_independent_of_each_other():
    drawn = [chances(b"x" * 32, f"trace-{number}") for number in range(10_000)]
    bound = 4 * (0.1 * 0.9 / 10_000) ** 0.5
    assert abs(sum(first < 0.1 for first, _ in drawn) / 10_000 - 0.1) < bound
    assert abs(sum(second < 0.1 for _, second in drawn) / 10_000 - 0.1) < bound
    both = sum(first < 0.3 and second < 0.3 for first, second in drawn) / 10_000
    assert abs(both - 0.09) < 4 * (0.09 * 0.91 / 10_000) ** 0.5


def test_experiments_and_playgrounds_are_no_production():
    assert is_excluded("Experiment")
    assert is_excluded(" playground ")
    assert not is_excluded("production")
    assert not is_excluded("")
