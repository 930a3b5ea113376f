"""Do the intervals hold what they promise? Populations drawn anew, labelled as the product labels them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bench.figures import Figure
from evaluation.statistics import correction, watching
from evaluation.statistics.weighted import Row, share

RATE = 0.10
TRACES = 8000
CAPACITY = 500
JUDGE_SHARE = 0.4


@dataclass(frozen=True)
class Draw:
    """One population, labelled: does each interval cover the process rate?"""

    weighted: bool
    corrected: bool
    naive: bool
    labels: int


def draw(chance: random.Random, traces: int = TRACES) -> Draw:
    """Two strata with different rates and audit shares; a queue ordered by a risk of AUC .75 takes the rest
    of the reviewers' time; one label in twelve of the audit lane never comes."""
    labelled: list[Row] = []
    judged: list[Row] = []
    waiting: list[tuple[float, bool]] = []
    for place in range(traces):
        stratum = place % 4 == 0
        audit = 0.1 if stratum else 0.05
        fails = chance.random() < RATE * (2.2 if stratum else 0.6)
        risk = chance.gauss(0.954 if fails else 0.0, 1.0)
        judge = float(risk > 1.3)
        u = chance.random()
        if u < audit and chance.random() < 11 / 12:
            labelled.append(Row(float(fails), 12 / 11 / audit, 1, judge))
        elif audit <= u < audit + JUDGE_SHARE:
            judged.append(Row(judge, 1 / JUDGE_SHARE))
        else:
            waiting.append((risk, fails))
    chosen = sorted(waiting, reverse=True)[: max(CAPACITY - len(labelled), 0)]
    naive = share([Row(row.value) for row in labelled] + [Row(float(fails)) for _, fails in chosen]).figure
    figures = (share(labelled).figure, correction.ppi(labelled, judged).figure, naive)
    covered = [f.low is not None and f.high is not None and f.low <= RATE <= f.high for f in figures]
    return Draw(*covered, labels=len(labelled))


def coverage(runs: int, seed: int = 1, traces: int = TRACES) -> tuple[float, float, float]:
    """Of the weighted interval, of PPI++, and of the interval that takes all labels for random ones."""
    chance = random.Random(seed)
    drawn = [draw(chance, traces) for _ in range(runs)]
    return (
        sum(each.weighted for each in drawn) / runs,
        sum(each.corrected for each in drawn) / runs,
        sum(each.naive for each in drawn) / runs,
    )


def alarms(runs: int, looks: int, rate: float, *, changed: bool, seed: int = 1, q0: float = 0.0866) -> float:
    """The share of stretches of `looks` (17 results each, after a quiet day) in which the alarm rings."""
    chance = random.Random(seed)
    rung = 0
    for _ in range(runs):
        detector = watching.Detector(q0)
        for _ in range(288):
            detector = detector.look(_failures(chance, 0.08), 17)
            detector = detector.restarted() if detector.alarms else detector
        for look in range(looks):
            detector = detector.look(_failures(chance, rate), 17, changed=changed and look == 0)
            if detector.alarms:
                rung += 1
                break
    return rung / runs


def _failures(chance: random.Random, rate: float) -> int:
    return sum(chance.random() < rate for _ in range(17))


def measure(rounds: int) -> list[Figure]:
    runs = 150 * rounds
    weighted, corrected, naive = coverage(runs)
    return [
        Figure("coverage of the weighted interval, least", weighted, "", ">=", 0.92),
        Figure("coverage of the weighted interval, most", weighted, "", "<=", 0.97),
        Figure("coverage of PPI++, least", corrected, "", ">=", 0.92),
        Figure("coverage of PPI++, most", corrected, "", "<=", 0.97),
        Figure("coverage of the naive interval", naive, "", "<=", 0.5),
        Figure(
            "alarm within the hour, 8 -> 24 %", alarms(20 * rounds, 12, 0.24, changed=False), "", ">=", 0.9
        ),
        Figure("the same after a change event", alarms(20 * rounds, 12, 0.24, changed=True), "", ">=", 0.95),
        Figure("alarm within a quiet day", alarms(20 * rounds, 288, 0.08, changed=False), "", "<=", 0.05),
    ]
