"""How good would the judge's scores be as probabilities? What is stored and shown of recalibration.

The curves are fitted to the labels of one version: another version begins without any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from evaluation.statistics.recalibration import FOLDS, Curve, Isotonic, Platt, Recalibration, fold_of
from evaluation.statistics.scores import Bin
from ingest.json_objects import Json

# As scores are counted (see comparison).
DECIMALS = 4


def tell(found: Recalibration, before: Sequence[Bin]) -> Json:
    """For API and page; null figures where nothing was fitted."""
    return {
        "method": found.method or None,
        "why_null": found.why or None,
        "folds": FOLDS,
        "n": found.n,
        "failures": found.failures,
        "passes": found.passes,
        "brier": {
            "before": found.before.as_dict(),
            "after": found.after.as_dict(),
            "difference": found.difference.as_dict(),
        },
        "ece": {"before": found.error_before.as_dict(), "after": found.error_after.as_dict()},
        "reliability": {"before": bins(before), "after": bins(found.bins)},
    }


def bins(told: Sequence[Bin]) -> list[Json]:
    return [{"score": each.mean_score, "failed": each.failed.as_dict()} for each in told]


def curves(found: Recalibration) -> list[Json]:
    """By fold, as JSON keeps them."""
    return [asdict(curve) for curve in found.curves]


class Recalibrated:
    """The kept curves of a version: what they make of a trace's score."""

    def __init__(self, kept: Sequence[Json]) -> None:
        self.curves = [_read(each) for each in kept]

    def of(self, trace: int, score: float | None) -> float | None:
        """By the curve that was fitted without this trace; None where there is no curve, or no score."""
        if score is None or not self.curves:
            return None
        return self.curves[fold_of(trace)].at(round(score, DECIMALS))


def _read(kept: Json) -> Curve:
    if "slope" in kept:
        return Platt(kept["intercept"], kept["slope"])
    return Isotonic(tuple(kept["scores"]), tuple(kept["shares"]))
