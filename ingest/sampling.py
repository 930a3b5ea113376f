"""Which traces are drawn for audit, at random? One u per trace, and the rates it is compared with."""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef

from ingest.models import AuditDraw, SamplingRate

# Rates of a stratum for which none has been set: every trace is audited, as befits the few of a new project.
DEFAULT_AUDIT = 1.0
DEFAULT_JUDGE = 0.1


def draw(secret: bytes, trace_id: str) -> float:
    """The trace's u in [0, 1): the first 53 bits of HMAC-SHA256(secret, trace id) / 2^53."""
    digest = hmac.digest(secret, trace_id.encode(), hashlib.sha256)
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def shares(rate: SamplingRate | None) -> tuple[float, float]:
    """The audit share a, and the judge share j - a: a trace is judged where a <= u < j."""
    return (rate.audit, rate.judge) if rate else (DEFAULT_AUDIT, DEFAULT_JUDGE)


def lane(draw: AuditDraw) -> str:
    """What chance has chosen a settled trace for: "audit", "judge", or nothing ("")."""
    if draw.u < draw.audit:
        return "audit"
    return "judge" if draw.u < draw.audit + draw.judge else ""


class Rates:
    """The rates of some strata, to be asked for many traces: one query, however many are asked for.

    Only those that can matter for traces first seen at `oldest` or later: history only grows.
    """

    def __init__(self, strata: Iterable[tuple[int, str]], oldest: datetime) -> None:
        self.newest_first: dict[tuple[int, str], list[SamplingRate]] = defaultdict(list)
        wanted = set(strata)
        rates = SamplingRate.objects.filter(
            project__in={project for project, _ in wanted}, stratum__in={name for _, name in wanted}
        )
        later = rates.filter(
            project=OuterRef("project"),
            stratum=OuterRef("stratum"),
            effective_from__gt=OuterRef("effective_from"),
            effective_from__lte=oldest,
        )
        for rate in rates.filter(~Exists(later)).order_by("-effective_from"):
            self.newest_first[rate.project_id, rate.stratum].append(rate)

    def in_force(self, project_id: int, stratum: str, at: datetime) -> SamplingRate | None:
        """The stratum's newest rate at that moment; None where none had been set."""
        rates = self.newest_first.get((project_id, stratum), ())
        return next((rate for rate in rates if rate.effective_from <= at), None)
