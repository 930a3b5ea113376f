"""How urgent is a trace? The rules' version: P(fail) estimated from signals, and its factors.

priority = P(fail) x severity x (1 + uncertainty) x novelty. P(fail) starts from a base rate; each signal
multiplies the odds by the factor below, which is a guess and not an estimate: a learned model replaces all
of it once there are labels enough. Every factor is kept with the route.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from math import exp
from typing import Any

from ingest.routing.facts import Facts, ScoreFact, quality

BASE_ODDS = 0.08 / 0.92
# Odds factor of a user's statement. Each further one of its kind, up to the third, counts by the root.
SAID = {
    "report": 8.0,
    "thumbs_down": 6.0,
    "escalate": 4.0,
    "edit": 2.5,
    "rephrase": 2.0,
    "regenerate": 2.0,
    "abandon": 1.5,
    "follow_up": 1.2,
    "thumbs_up": 0.4,
    "accept": 0.6,
    "copy": 0.7,
}
ERROR = 5.0
CHECK = 3.0
# What all unsigned statements together may do: anyone can send them, and send many.
UNSIGNED = 2.0
# Odds factor of a score of 0; a score of 1 divides by it.
SCORE = exp(1.75)
NEW_SLICE = 0.5
# Who ranked, where it was not the rules.
LEARNED = "model"
HALF_LIFE_DAYS = 3.0


@dataclass(frozen=True, slots=True)
class Terms:
    p_fail: float
    severity: float
    uncertainty: float
    novelty: float
    # Odds factors of the signals that went into P(fail).
    signals: dict[str, float] = field(default_factory=dict)
    by: str = "rules"

    @property
    def priority(self) -> float:
        return round(self.p_fail * self.severity * (1 + self.uncertainty) * self.novelty, 6)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def rank(facts: Facts, severity: float) -> Terms:
    signals = {name: round(factor, 4) for name, factor in sorted(_signals(facts).items()) if factor != 1}
    odds = BASE_ODDS
    for factor in signals.values():
        odds *= factor
    p_fail = odds / (1 + odds)
    return Terms(
        p_fail=round(p_fail, 6),
        severity=severity,
        uncertainty=round(uncertainty(facts.scores, p_fail), 6),
        novelty=round(novelty(facts.slice_age), 6),
        signals=signals,
    )


def _signals(facts: Facts) -> dict[str, float]:
    signals = _said(facts)
    if facts.status == "error":
        signals["error"] = ERROR
    if facts.failed_checks:
        signals["checks"] = _repeated(CHECK, len(facts.failed_checks))
    values = [score.value for score in quality(facts.scores) if score.value is not None]
    if values:
        signals["score"] = SCORE ** (1 - 2 * min(values))
    return signals


def _said(facts: Facts) -> dict[str, float]:
    counts: Counter[str] = Counter()
    unsigned: set[str] = set()
    for said in facts.said:
        name = _name(said.kind, said.number)
        if said.signed:
            counts[name] += 1
        else:
            unsigned.add(name)
    factors = {name: _repeated(SAID[name], number) for name, number in counts.items() if name in SAID}
    ratings = [said.number for said in facts.said if said.kind == "rating" and said.signed]
    if known := [number for number in ratings if number is not None]:
        factors["rating"] = SAID["thumbs_down"] ** (1 - 2 * min(1.0, max(0.0, min(known))))
    if any(SAID.get(name, 1.0) > 1 for name in unsigned):
        factors["unsigned"] = UNSIGNED
    return factors


def _name(kind: str, number: float | None) -> str:
    if kind == "thumbs":
        return "thumbs_down" if number == 0 else "thumbs_up"
    return kind


def _repeated(factor: float, number: int) -> float:
    return float(factor ** (1 + 0.5 * (min(number, 3) - 1)))


def uncertainty(scores: Iterable[ScoreFact], p_fail: float) -> float:
    """How unsure the scores' own confidence is, else how far P(fail) is from being certain; in [0, 1]."""
    unsure = doubt(scores)
    return 4 * p_fail * (1 - p_fail) if unsure is None else unsure


def doubt(scores: Iterable[ScoreFact]) -> float | None:
    """The distance of the least confident score from being sure; None where none says."""
    confidences = [score.confidence for score in scores if score.confidence is not None]
    return 1 - min(1.0, max(0.0, min(confidences))) if confidences else None


def novelty(age_days: float | None) -> float:
    """From 1.5 for the first traces of a new slice down to 1 as it ages."""
    if age_days is None:
        return 1.0
    return float(1 + NEW_SLICE * 0.5 ** (max(0.0, age_days) / HALF_LIFE_DAYS))


def is_learned(terms: Mapping[str, Any]) -> bool:
    """Whether a model has ranked, and not the rules."""
    return str(terms.get("by", "")).startswith(LEARNED)
