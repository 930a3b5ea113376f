"""The table of checks: name, what it finds, what it misses, and what may be set of it."""

from __future__ import annotations

from ingest.trace_checks import answers, resources
from ingest.trace_checks.parameters import Parameter, amount
from ingest.trace_checks.vocabulary import Check

_ALL = (
    Check(
        "empty",
        "Empty answer",
        "The answer is missing or holds no word.",
        "An answer of one meaningless word passes. Traces that failed are left to the check of errors.",
        answers.empty,
    ),
    Check(
        "slow",
        "Slow",
        "The trace took longer than the limit.",
        "Time that the sender did not measure.",
        resources.slow,
        (
            Parameter(
                "most_ms",
                "Limit",
                30_000.0,
                "Milliseconds from the start to the end of the trace.",
                amount(1, 86_400_000),
                unit="ms",
            ),
        ),
    ),
    Check(
        "costly",
        "Costly",
        "The trace cost more than the limit.",
        "Traces for which no cost was sent.",
        resources.costly,
        (Parameter("most_usd", "Limit", 0.25, "US dollars for all its calls.", amount(0, 1e6), unit="US$"),),
    ),
    Check(
        "error",
        "Error",
        "The trace ended in an error.",
        "Errors inside a trace that went on and ended well: see tool errors.",
        resources.error,
    ),
)
CHECKS: dict[str, Check] = {check.name: check for check in _ALL}
