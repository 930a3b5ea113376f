"""What would each assertion of a case say of an output? For the editor, while someone types."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.golden import assertions
from evaluation.golden.lines import Case, expected_text


@dataclass(frozen=True, slots=True)
class Outcome:
    """`state` is pass, fail, or elsewhere: for a judge or the client's own runner."""

    kind: str
    state: str
    words: str


def preview(case: Case, output: str) -> list[Outcome]:
    reference = expected_text(case.expected)
    checks = case.assertions or ([{"type": "exact", "value": reference}] if reference else [])
    return [_outcome(each, output, reference) for each in checks]


def _outcome(assertion: dict[str, object], output: str, reference: str) -> Outcome:
    kind = assertions.kind_of(assertion.get("type"))
    try:
        check = assertions.score(assertion, output, reference)
    except assertions.Unscorable:
        words = (
            "a certified judge scores it" if kind == "rubric" else "touchstone.py runs it with --allow-code"
        )
        return Outcome(kind, "elsewhere", words)
    except assertions.Unsuitable as error:
        return Outcome(kind, "fail", str(error))
    return Outcome(kind, "pass" if check.passed else "fail", check.words)
