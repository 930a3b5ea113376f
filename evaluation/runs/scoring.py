"""Did an output do what its case asks? The server scores what it can; the rest is for judges and clients."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.golden.content import assertions
from evaluation.golden.content.lines import Case, expected_text
from evaluation.runs.models import ResultStatus


@dataclass(frozen=True, slots=True)
class Scored:
    status: str
    score: float | None
    reason: str


def score(case: Case, output: str) -> Scored:
    """All assertions have to hold. Without one, the output has to be the expected text."""
    checks = case.checks
    if not checks:
        return Scored(ResultStatus.ERROR, None, "The case has neither an assertion nor an expected answer.")
    reference = expected_text(case.expected)
    done: list[assertions.Check] = []
    waits = False
    for assertion in checks:
        try:
            done.append(assertions.score(assertion, output, reference))
        except assertions.Unscorable as kind:
            if str(kind) == "python":
                reason = "Python tests are run by your own runner: touchstone.py check --allow-code."
                return Scored(ResultStatus.ERROR, None, reason)
            waits = True
        except assertions.Unsuitable as error:
            return Scored(ResultStatus.ERROR, None, f"An assertion cannot be checked: {error}.")
    failed = [check for check in done if not check.passed]
    worst = min((check.score for check in done), default=None)
    if failed:
        return Scored(ResultStatus.FAIL, worst, "; ".join(f"{each.kind}: {each.words}" for each in failed))
    return Scored(ResultStatus.PENDING if waits else ResultStatus.PASS, worst, "")
