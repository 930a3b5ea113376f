"""How often did a judge of pairs prefer what people prefer, when somebody looked last?

Whoever looks has it computed; for the reveal, where nobody is to wait, it is kept beside the figures of other
judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from evaluation.judges.models import CalibrationPoint, JudgeVersion
from evaluation.judges.trust.kept_figures import PAIRS
from ingest.json_objects import Json


@dataclass(frozen=True, slots=True)
class Kept:
    """`agreement` is {"value", "low", "high", "n", "why_null"}."""

    agreement: Mapping[str, Any]
    at: datetime


def keep(version: JudgeVersion, told: Json) -> Json:
    """What `comparing` has just told of it, whose agreement is kept."""
    CalibrationPoint.objects.update_or_create(
        version=version,
        scope=PAIRS,
        defaults={"figures": {"agreement": told["agreement"]}, "computed_at": timezone.now()},
    )
    return told


def last(version: JudgeVersion) -> Kept | None:
    """None where nobody has looked yet."""
    point = CalibrationPoint.objects.filter(version=version, scope=PAIRS).first()
    return Kept(point.figures["agreement"], point.computed_at) if point else None
