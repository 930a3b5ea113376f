"""Which traces are drawn for audit, by chance alone: one u per trace, and the rates it is held against."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from ingest.models import Project, SamplingRate

# Rates of a stratum for which none has been set: every trace is audited, as befits the few of a new project.
DEFAULT_AUDIT = 1.0
DEFAULT_JUDGE = 0.1


def draw(secret: bytes, trace_id: str) -> float:
    """The trace's u in [0, 1): the first 53 bits of HMAC-SHA256(secret, trace id) / 2^53."""
    digest = hmac.digest(secret, trace_id.encode(), hashlib.sha256)
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def rate_in_force(project: Project, stratum: str, at: datetime) -> SamplingRate | None:
    """The stratum's newest rate at that moment; None where none had been set."""
    return (
        SamplingRate.objects.filter(project=project, stratum=stratum, effective_from__lte=at)
        .order_by("-effective_from")
        .first()
    )
