"""What would saving a form produce, and what would each assertion say of an output? Shown while typing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.golden.content import assertions, lines
from evaluation.golden.content.lines import Case, expected_text
from evaluation.golden.curating import editing, meanwhile
from evaluation.golden.models import Candidate, GoldenCase, GoldenDataset


@dataclass(frozen=True, slots=True)
class Outcome:
    """`state` is pass, fail, or elsewhere: for a judge or the client's own runner."""

    kind: str
    state: str
    words: str


def whole(dataset: GoldenDataset, sent: Mapping[str, str]) -> tuple[Case, int]:
    """The case as saving would make it, and what a form hides, and its revision. Raises BadCase."""
    if meanwhile.number(sent, "revision"):
        return _revised(dataset, sent)
    pk = meanwhile.number(sent, "candidate")
    candidate = Candidate.objects.filter(pk=pk, project=dataset.project_id).first() if pk else None
    return editing.read(sent, {**candidate.content, "id": "-"} if candidate else None), 1


def _revised(dataset: GoldenDataset, sent: Mapping[str, str]) -> tuple[Case, int]:
    case_id = sent.get("case_id", "").replace("\0", "")
    case = GoldenCase.objects.filter(dataset=dataset, case_id=case_id).first()
    if case is None:
        return editing.read(sent, None), 1
    line = meanwhile.opened(case, sent).line
    read = editing.read(sent, lines.parse(line) if line else None)
    current = case.revisions.get(number=case.revision)
    if bytes(current.content_sha256) == read.content_sha256():
        return read, current.number
    return read, case.revisions.latest("number").number + 1


def preview(case: Case, output: str) -> list[Outcome]:
    reference = expected_text(case.expected)
    return [_outcome(each, output, reference) for each in case.checks]


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
