"""How much of what is to be masked is masked, and how much that is not: asserted on texts of our own."""

from collections import Counter

import pytest

from ingest.redaction.finding import PLACEHOLDER
from ingest.redaction.masking import Redactor
from ingest.redaction.policy import Kind, Policy
from tests.ingest.redaction.labelled import FOUND, NOT_FOUND

ALL = Redactor(Policy(kinds=frozenset(Kind), regions=("DE", "US")), b"k" * 32)


def masked(text):
    counts = Counter()
    return ALL.text(text, counts), counts


def wanted(text, kinds):
    """The text as it should be, with the kinds in place of placeholders."""
    for kind, values in kinds.items():
        for value in values:
            text = text.replace(value, f"<{kind}>", 1)
    return text


def shape(text):
    return PLACEHOLDER.sub(lambda match: f"<{match[0][1:].split(':')[0].lower()}>", text)


@pytest.mark.parametrize(("text", "kinds"), FOUND, ids=[text[:40] for text, _ in FOUND])
def test_what_is_to_be_masked_is_masked_and_nothing_beside_it(text, kinds):
    assert shape(masked(text)[0]) == wanted(text, kinds)


@pytest.mark.parametrize("text", NOT_FOUND, ids=[text[:40] for text in NOT_FOUND])
def test_what_only_looks_like_it_stays(text):
    assert masked(text)[0] == text


def test_precision_and_recall():
    """Over the whole set at once, as the documentation states it."""
    hits = misses = false = 0
    for text, kinds in FOUND:
        expected = Counter({kind: len(values) for kind, values in kinds.items()})
        counts = masked(text)[1]
        hits += (expected & counts).total()
        misses += (expected - counts).total()
        false += (counts - expected).total()
    false += sum(masked(text)[1].total() for text in NOT_FOUND)
    assert hits / (hits + misses) >= 0.99, "recall"
    assert hits / (hits + false) >= 0.99, "precision"
    assert (len(FOUND) >= 80, len(NOT_FOUND) >= 55) == (True, True)
