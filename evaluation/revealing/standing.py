"""How far is the judge to be trusted that stands in a reveal? Its badge and what it misses, as last computed.

Nothing is computed for a reveal: each label changes the figures, and nobody is to wait for them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from evaluation.judges.models import PREFERENCE, JudgeVersion
from evaluation.judges.trust import calibration, kept_figures
from evaluation.statistics.certification import State

OLD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """`recall` is the judge's TPR as kept: {"value", "low", "high", "n", "why_null"}. `as_of` is told only of
    what is older than a day."""

    state: str
    recall: Mapping[str, Any]
    as_of: datetime | None


def of(version: JudgeVersion) -> Standing | None:
    """None where its figures have never been computed, or compare answers instead of verdicts."""
    if version.criterion == PREFERENCE:
        return None
    kept = kept_figures.last(version)
    if kept is None or kept.figures is None or kept.at is None:
        return None
    told = kept.figures["api"]
    is_stale = calibration.staleness(version, told["n"], told["confusion"])
    return Standing(
        state=State.STALE.value if is_stale else told["state"],
        recall=told["tpr"],
        as_of=kept.at if timezone.now() - kept.at > OLD else None,
    )
