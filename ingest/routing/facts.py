"""What rules can ask of a trace. Plain values, so that conditions and priority need no database."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# No production: never routed, never drawn.
EXCLUDED_ENVIRONMENTS = frozenset({"experiment", "playground"})
# Of what a user does, rather than says, and that speaks against the answer.
IMPLICIT_KINDS = ("regenerate", "rephrase", "edit", "abandon", "escalate", "report", "follow_up")
# Names of scores of which a small value is the good one.
SMALL_IS_GOOD = (
    "toxic",
    "hallucinat",
    "bias",
    "harm",
    "risk",
    "perplexity",
    "latency",
    "cost",
    "error",
    "leak",
)
FAILING_LABELS = frozenset({"fail", "failed", "false", "no", "bad", "incorrect", "wrong", "unfaithful"})
PASSING_LABELS = frozenset({"pass", "passed", "true", "yes", "good", "correct", "ok", "faithful"})


@dataclass(frozen=True, slots=True)
class ScoreFact:
    name: str
    value: float | None = None
    label: str = ""
    confidence: float | None = None
    source: str = "llm"

    @property
    def is_of_quality(self) -> bool:
        """Whether its value reads as a share of quality: 1 is good, 0 is bad, by machine."""
        name = self.name.lower()
        return (
            self.source in ("llm", "code")
            and self.value is not None
            and 0 <= self.value <= 1
            and not any(part in name for part in SMALL_IS_GOOD)
            and self.label.lower() not in PASSING_LABELS
        )


@dataclass(frozen=True, slots=True)
class SaidFact:
    """Feedback that counts now. `number` is 1 or 0 for thumbs, a share of the greatest rating for ratings."""

    kind: str
    number: float | None = None
    signed: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    trace_id: str
    scores: tuple[ScoreFact, ...] = ()
    said: tuple[SaidFact, ...] = ()
    # Names of the online checks which it failed.
    failed_checks: tuple[str, ...] = ()
    status: str = "unset"
    error: str = ""
    route: str = ""
    model: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    environment: str = ""
    tags: Mapping[str, Any] = field(default_factory=dict)
    drawn: bool = False
    excluded: bool = False
    # Days since its slice was first seen, by the times of the traces; None where that is not known.
    slice_age: float | None = None
    # Independent draws in [0, 1) for the condition "sample" and for the share of a rule.
    sample: float = 0.0
    share: float = 0.0


def is_excluded(environment: str) -> bool:
    return environment.strip().lower() in EXCLUDED_ENVIRONMENTS


def chances(secret: bytes, trace_id: str) -> tuple[float, float]:
    """Two numbers in [0, 1), independent of the trace's u and of each other.

    No trace id holds U+0000, so the message is none of which a u is made.
    """
    digest = hmac.digest(secret, b"routing\0" + trace_id.encode(), hashlib.sha256)
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53, (
        int.from_bytes(digest[8:16], "big") >> 11
    ) / 2**53


def quality(scores: Iterable[ScoreFact]) -> list[ScoreFact]:
    return [score for score in scores if score.is_of_quality]
