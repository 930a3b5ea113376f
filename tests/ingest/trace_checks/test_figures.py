"""Each check finds what it looks for on its labelled examples, no worse than has been measured."""

import pytest

from ingest.trace_checks.catalogue import CHECKS
from tests.ingest.trace_checks import figures
from tests.ingest.trace_checks.cases import examples_of, judged, measure

# What each has reached; a change that goes below is a loss. (precision, recall)
FLOORS = {
    "empty": (0.95, 0.95),
    "refusal": (0.96, 0.86),
    "truncated": (0.90, 0.90),
    "schema": (1.00, 0.97),
    "grounding": (0.9, 0.8),
    "citations": (0.95, 0.75),
    "repetition": (0.95, 0.90),
    "language": (0.94, 0.90),
    "pii": (0.91, 0.88),
    "safety": (0.88, 0.88),
    "injection": (0.92, 0.90),
    "error": (1.0, 1.0),
    "tool_error": (0.96, 0.93),
    "slow": (1.0, 0.95),
    "costly": (1.0, 0.95),
}


@pytest.mark.parametrize("name", FLOORS)
def test_precision_and_recall(name):
    found = measure(name)
    precision, recall = FLOORS[name]
    assert found.examples >= 40
    assert found.precision >= precision, found.wrong
    assert found.recall >= recall, found.missed


def test_every_check_is_measured():
    assert set(FLOORS) == set(CHECKS)


@pytest.mark.parametrize("name", FLOORS)
def test_examples_are_of_both_kinds_and_none_stands_twice(name):
    examples = examples_of(name)
    spelled = [str({key: value for key, value in case.items() if key != "note"}) for case in examples]
    failing = sum(case["fails"] for case in examples)
    assert len(set(spelled)) == len(spelled)
    assert 0.3 < failing / len(examples) < 0.7


def test_the_document_and_the_pages_tell_these_figures():
    written = figures.DOCUMENT.read_text()
    assert figures.with_table(written) == written, "python -m tests.ingest.trace_checks.figures"
    assert figures.module() == figures.MODULE.read_text()


def test_a_case_may_not_apply():
    assert judged("schema", {"answer": "Your order is on its way."}) is None
