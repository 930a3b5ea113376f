"""How far is the judge to be trusted that stands in a reveal? Its badge and what it misses, as last computed.

Of one that compares answers, how often it prefers what people prefer. Nothing is computed for a reveal: each
label changes the figures, and nobody is to wait for them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from evaluation.judges.models import PREFERENCE, JudgeVersion
from evaluation.judges.trust import calibration, kept_figures, kept_pairs
from evaluation.statistics.certification import State

OLD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """`recall` is the judge's TPR as kept: {"value", "low", "high", "n", "why_null"}; `agreement` the same of
    one that compares answers, which has no state. Neither: it was never held against people. `as_of` is told
    only of what is older than a day."""

    state: str = ""
    recall: Mapping[str, Any] | None = None
    agreement: Mapping[str, Any] | None = None
    as_of: datetime | None = None


def of(version: JudgeVersion) -> Standing | None:
    """None where its figures were computed in another form, and will be anew."""
    if version.criterion == PREFERENCE:
        pairs = kept_pairs.last(version)
        return Standing(agreement=pairs.agreement, as_of=_if_old(pairs.at)) if pairs else Standing()
    kept = kept_figures.last(version)
    if kept is None or kept.figures is None or kept.at is None:
        return None if kept_figures.has_any(version) else Standing()
    told = kept.figures["api"]
    is_stale = calibration.staleness(version, told["n"], told["confusion"])
    return Standing(
        state=State.STALE.value if is_stale else told["state"],
        recall=told["tpr"],
        as_of=_if_old(kept.at),
    )


def _if_old(at: datetime) -> datetime | None:
    return at if timezone.now() - at > OLD else None
