"""The gate's arithmetic: the vectors, each rule, what always holds, and how often it is wrong."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation import gate, gate_advice
from evaluation.gate import Case, cases_needed, decide

P, F = True, False


def suite(n, *, failing=(), baseline=(P, P, P), trials=1, critical=()):
    return [Case(str(i), (i not in failing,) * trials, baseline, critical=i in critical) for i in range(n)]


@pytest.mark.parametrize(
    ("broken", "fixed", "p"), [(12, 3, 0.0176), (7, 1, 0.0352), (5, 0, 0.03125), (0, 0, 1.0), (0, 4, 1.0)]
)
def test_the_mcnemar_vectors(broken, fixed, p):
    cases = [Case(f"b{i}", (F,), (P,)) for i in range(broken)]
    cases += [Case(f"f{i}", (P,), (F,)) for i in range(fixed)] + suite(50)
    assert gate.Comparison(tuple(cases)).p_value == pytest.approx(p, abs=5e-5)


@pytest.mark.parametrize(
    ("threshold", "rate", "n"),
    [(0.8, 0.85, 380), (0.85, 0.9, 294), (0.9, 0.95, 188), (0.95, 0.98, 255),
     (0.8, 1, 11), (0.9, 1, 25), (0.95, 1, 52)],
)  # fmt: skip
def test_how_many_cases_decide(threshold, rate, n):
    assert cases_needed(threshold, rate) == n
    assert cases_needed(rate, rate) is None and cases_needed(rate, threshold) is None


@pytest.mark.parametrize(
    ("trials", "passed"), [((P,), P), ((F,), F), ((P, F), F), ((P, F, P), P), ((), F), ((P, P, F, F), F)]
)
def test_a_tie_is_a_failure(trials, passed):
    assert gate.majority(trials) is passed


def test_nothing_and_problems_are_inconclusive():
    assert decide([]).decision == "inconclusive"
    verdict = decide(suite(100), problems=["one is missing"])
    assert (verdict.decision, verdict.reasons) == ("inconclusive", ("one is missing",))
    assert decide(suite(100, failing=range(90)), problems=["x"]).decision == "inconclusive"


def test_all_pass_needs_enough_cases():
    assert decide(suite(25), threshold=0.9).decision == "pass"
    verdict = decide(suite(24), threshold=0.9)
    assert (verdict.decision, verdict.more_cases) == ("inconclusive", 1)


def test_four_broken_are_judged_at_once_and_five_are_asked_again():
    assert decide(suite(200, failing=range(4))).decision == "pass"
    verdict = decide(suite(200, failing=range(5)))
    assert verdict.decision == "inconclusive"
    assert [each.case_id for each in verdict.repeat] == list("01234")
    assert {each.trials for each in verdict.repeat} == {2}


def test_both_directions_are_asked_again():
    cases = [*suite(200, failing=range(6)), Case("fixed", (P,), (F, F, F))]
    assert {each.case_id for each in decide(cases).repeat} == {*"012345", "fixed"}


def test_a_critical_case_is_asked_up_to_five_times():
    def verdict(*trials):
        return decide([*suite(200), Case("k", trials, (P, P, P), critical=True)])

    assert [(each.case_id, each.trials) for each in verdict(F).repeat] == [("k", 2)]
    assert verdict(F, P, P).decision == "pass"
    assert [(each.case_id, each.trials) for each in verdict(F, F, P).repeat] == [("k", 2)]
    assert verdict(F, F, P, P, P).decision == "inconclusive"
    assert verdict(F, F, F, P, P).decision == "inconclusive"
    assert verdict(F, F, F, F, P).decision == "fail"
    assert verdict(F, F, F, F, F).decision == "fail"
    assert verdict(P, P, P, P, P).decision == "pass"


def test_a_new_critical_case_counts_in_the_absolute_test_only():
    assert decide([*suite(200), Case("new", (F,) * 5, None, critical=True)]).decision == "pass"


def test_what_is_blatant_fails_at_once_but_not_by_flips_of_single_runs():
    assert decide(suite(200, failing=range(12))).decision == "fail"
    flips = [Case(f"f{i}", (F,), (P, P, P)) for i in range(10)]
    uneven = flips + [Case(f"g{i}", (P,), (F, P, P)) for i in range(10)] + suite(180)
    assert decide(uneven).decision == "inconclusive" and decide(uneven).repeat


def test_a_rate_that_is_too_low_fails_without_a_baseline():
    alone = [Case(str(i), (i >= 60,), None) for i in range(200)]
    verdict = decide(alone)
    assert verdict.decision == "fail" and "at most" in verdict.reasons[0]
    assert verdict.comparison.p_value is None


def test_what_turns_it_green():
    cases = suite(214, failing=range(7), trials=5, critical=(0, 1))
    verdict = decide(cases)
    assert verdict.decision == "fail"
    words = gate_advice.turns_green(verdict)
    assert words.startswith("The 2 critical cases must pass again.") and "1 more case" in words
    assert gate_advice.turns_green(decide(suite(100))) == ""


def test_without_a_baseline_it_says_how_many_must_pass():
    """144 of 160 reach a lower bound of .8541, 143 one of .8469."""
    words = gate_advice.turns_green(decide([Case(str(i), (i >= 40,)) for i in range(160)]))
    assert words == "24 of the 40 cases that fail must pass: the lower bound then reaches 85.0 %."
    assert "too few to show" in gate_advice.turns_green(decide([Case("a", (F,))]))
    few = [Case(f"c{number}", (F,)) for number in range(15)]
    assert gate_advice.turns_green(decide(few)) == (
        "15 cases are too few to show 85.0 %, even if all of them pass. It takes 16 that pass."
    )


trial_lists = st.lists(st.booleans(), min_size=1, max_size=6).map(tuple)
cases = st.builds(Case, st.uuids().map(str), trial_lists, st.none() | trial_lists, st.booleans())


@settings(max_examples=150, deadline=None)
@given(st.lists(cases, max_size=30), st.floats(0.5, 0.99))
def test_what_always_holds(given_cases, threshold):
    verdict = decide(given_cases, threshold=threshold)
    compared = verdict.comparison
    if verdict.decision == "pass":
        assert compared.lower >= threshold and (compared.p_value is None or compared.p_value > 0.05)
        assert not verdict.repeat
    assert all(each.trials > 0 for each in verdict.repeat)
    assert verdict.reasons and decide(reversed(given_cases), threshold=threshold).decision == verdict.decision
    better = [
        Case(each.case_id, (P,) * len(each.trials), each.baseline, each.critical) for each in given_cases
    ]
    assert decide(better, threshold=threshold).decision != "fail"
    assert isinstance(gate_advice.turns_green(verdict), str)


def outcome(rng, *, drop=0, n=200, flips=0.05, first=1):
    """One pull request: a baseline of three trials, an upload, and every repeat that is asked for."""
    stable = [i < n * 0.95 for i in range(n)]
    passing = [i for i in range(n) if stable[i]]
    critical, now = set(rng.sample(passing, 10)), list(stable)
    for i in rng.sample(passing, drop):
        now[i] = False

    def ask(truth):
        return truth != (rng.random() < flips)

    baseline = [tuple(ask(truth) for _ in range(3)) for truth in stable]
    trials = [[ask(truth) for _ in range(first)] for truth in now]
    while True:
        verdict = decide(
            [Case(str(i), tuple(trials[i]), baseline[i], i in critical) for i in range(n)], threshold=0.9
        )
        if not verdict.repeat:
            return verdict.decision
        for each in verdict.repeat:
            i = int(each.case_id)
            trials[i] += [ask(now[i]) for _ in range(each.trials)]


@pytest.mark.parametrize("first", [1, 3])
def test_how_often_it_is_wrong(first):
    rng = random.Random(20261121)
    quiet = [outcome(rng, first=first) for _ in range(250)]
    assert quiet.count("fail") < 0.02 * len(quiet)
    assert quiet.count("pass") > 0.9 * len(quiet)
    worse = [outcome(rng, drop=16, first=first) for _ in range(100)]
    assert worse.count("fail") > 0.95 * len(worse)
