"""May this judge be relied on? Its state from three figures, and how many more labels would decide."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from evaluation.statistics.figure import Figure
from evaluation.statistics.intervals import z_of
from evaluation.statistics.tables import kappa
from ingest.intervals import wilson

AGREEMENT_FLOOR, RATE_FLOOR = 0.80, 0.70
LEAST_OF_EACH = 30
# A provider may leave one or the other unanswered.
ANCHORS_ANSWERED = 0.8
MOST_MORE = 5000
SAMPLE_NEEDED = (
    "labels of traces that chance chose, since others say nothing of production (import the file again with "
    "the probability of each line as pi, or label traces that were drawn: Label budget makes a queue of them)"
)


class State(StrEnum):
    """What a certificate says of a judge; STALE only where the caller gives a reason (dates, identity)."""

    TRUSTED = "TRUSTED"
    CARE = "CARE"
    UNTRUSTED = "UNTRUSTED"
    INCONCLUSIVE = "INCONCLUSIVE"
    STALE = "STALE"


@dataclass(frozen=True, slots=True)
class Finding:
    """`more_failures`, `more_passes`: how many more labels of each would decide; None: too many."""

    state: State
    reasons: tuple[str, ...]
    more_failures: int | None = 0
    more_passes: int | None = 0


def assess(agreement: Figure, tpr: Figure, tnr: Figure, stale: str = "") -> Finding:
    """The state of a judge; the n of TPR and TNR are the labelled failures and passes."""
    more = more_to_decide(tpr), more_to_decide(tnr)
    if stale:
        return Finding(State.STALE, (stale,), *more)
    floors = (
        ("agreement", agreement, AGREEMENT_FLOOR),
        ("TPR", tpr, RATE_FLOOR),
        ("TNR", tnr, RATE_FLOOR),
    )
    few = [
        f"{figure.n} labelled {name}, {LEAST_OF_EACH} needed"
        for name, figure in (("failures", tpr), ("passes", tnr))
        if figure.n < LEAST_OF_EACH
    ]
    if few:
        return Finding(State.INCONCLUSIVE, tuple(few), *more)
    if below := [name for name, figure, floor in floors if figure.high is not None and figure.high < floor]:
        reasons = (f"{name} is below its floor" for name in below)
        return Finding(State.UNTRUSTED, tuple(reasons), *more)
    open_ones = [name for name, figure, floor in floors if figure.low is None or figure.low < floor]
    if not open_ones:
        return Finding(State.TRUSTED, (), *more)
    reasons = (f"the interval of {name} reaches below its floor" for name in open_ones)
    return Finding(State.CARE, tuple(reasons), *more)


def more_to_decide(rate: Figure, floor: float = RATE_FLOOR) -> int | None:
    """How many more labels of this class put Wilson's interval on one side of the floor, at the observed
    rate."""
    missing = max(0, LEAST_OF_EACH - rate.n)
    if rate.value is None:
        return missing
    for n in range(rate.n + missing, rate.n + MOST_MORE + 1):
        low, high = wilson(rate.value, n)
        if low >= floor or high < floor:
            return n - rate.n
    return None


@dataclass(frozen=True, slots=True)
class GoLive:
    """Whether a version may go live, and each condition with whether it holds."""

    allowed: bool
    conditions: tuple[tuple[str, bool], ...]


def go_live(
    agreement: Figure,
    tpr: Figure,
    tnr: Figure,
    difference: Figure | None = None,
    anchors: tuple[int, int] | None = None,
    *,
    is_sample: bool = True,
) -> GoLive:
    """`difference`: agreement minus that of the live version on the same traces, where there is one.

    `anchors`: how many it has answered, and how many are frozen; None where none are. `is_sample`: chance
    chose the labelled traces, with probabilities that are known.
    """
    better = difference is not None and difference.low is not None and difference.low > -0.05
    conditions: tuple[tuple[str, bool], ...] = (
        ("TPR at least .70", _at_least(tpr.value, 0.70)),
        ("TPR's lower bound at least .50", _at_least(tpr.low, 0.50)),
        ("TNR at least .70", _at_least(tnr.value, 0.70)),
        ("TNR's lower bound at least .50", _at_least(tnr.low, 0.50)),
        ("at least 20 labelled failures", tpr.n >= 20),
        (
            "agreement's lower bound at least .80, or no worse than the live version and at least .75",
            _at_least(agreement.low, 0.80) or (better and _at_least(agreement.value, 0.75)),
        ),
    )
    if not is_sample:
        conditions = (*conditions, (SAMPLE_NEEDED, False))
    if anchors is not None:
        answered, frozen = anchors
        words = f"nearly all anchors answered ({answered} of {frozen}; Runs asks about them)"
        conditions = (*conditions, (words, answered >= ANCHORS_ANSWERED * frozen))
    return GoLive(all(holds for _, holds in conditions), conditions)


def _at_least(value: float | None, floor: float) -> bool:
    return value is not None and value >= floor


def labels_for_width(rate: float, width: float, share_of_class: float = 1.0) -> int:
    """About how many labels give a rate an interval of this width, if `share_of_class` of them are of its
    class.

    By the normal approximation, n = 4 z^2 p (1 - p) / width^2.
    """
    n = math.ceil(4 * z_of() ** 2 * max(rate * (1 - rate), 0.01) / width**2)
    return math.ceil(n / share_of_class) if share_of_class > 0 else 0


def double_labels_needed(base_rate: float, alpha: float = 0.7, width: float = 0.2) -> int:
    """How many items labelled twice give alpha an interval of this width, by kappa's asymptotic standard
    error."""
    p, q = base_rate, 1 - base_rate
    both = p * p + alpha * p * q
    table = [[both, p - both], [p - both, 1 - 2 * p + both]]
    found = kappa(table)
    return math.ceil((2 * z_of() * found.se / width) ** 2) if found else 0
