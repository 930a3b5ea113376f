"""Which share of its pass/fail criteria does an answer meet, by their weights?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from reviewapp.review.models import CriterionRevision, Verdict


def share(answered: Iterable[tuple[CriterionRevision, Any]]) -> float | None:
    """0 to 1, of the criteria beside the verdict that were answered pass or fail.

    None where none was, and where all that were weigh nothing.
    """
    counted = [(each.weight, value == Verdict.PASS) for each, value in answered if each.weighs]
    total = math.fsum(weight for weight, _ in counted)
    return math.fsum(weight for weight, is_met in counted if is_met) / total if total else None
