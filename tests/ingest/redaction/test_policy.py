"""Patterns of one's own run in linear time, or are refused with words that help."""

import time
from collections import Counter

import pytest

from ingest.redaction.masking import Redactor
from ingest.redaction.policy import Kind, PatternRefused, Policy, own_pattern, own_patterns


@pytest.mark.parametrize(
    ("name", "pattern", "words"),
    [
        ("ahead", r"(?=a)b", "look-around"),
        ("back", r"(a)\1", "back-references"),
        ("open", r"(a", "not possible"),
        ("huge", r"(a{1000}){1000}", "too large"),
        ("wide", r"((\pL{100}){10}){10}", "RE2"),
        ("long", "a" * 501, "longer than 500"),
        ("empty", r"a*", "empty text"),
        ("email", r"a", "built-in kind"),
        ("1st", r"a", "a name is a letter"),
        ("", r"a", "a name is a letter"),
    ],
)
def test_a_pattern_that_cannot_be_run_safely_is_refused(name, pattern, words):
    with pytest.raises(PatternRefused, match=words):
        own_pattern(name, pattern)


def test_there_are_not_too_many_and_no_two_of_one_name():
    with pytest.raises(PatternRefused, match="at most 20"):
        own_patterns([(f"p{n}", "a") for n in range(21)])
    with pytest.raises(PatternRefused, match="two patterns"):
        own_patterns([("a1", "a"), ("A1", "b")])


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+b", r"(.*a){12}b", r"^(\w+\s?)*x$"])
def test_what_blows_up_elsewhere_takes_no_time_here(pattern):
    redactor = Redactor(Policy(kinds=frozenset(), patterns=(own_pattern("evil", pattern),)), b"k")
    begun = time.process_time()
    redactor.text("a" * 20_000 + "!", Counter())
    assert time.process_time() - begun < 20


HOSTILE = [
    "a@" * 50_000,
    "@" * 100_000,
    "a." * 50_000 + "@",
    "eyJaaaaaaa-" * 10_000,
    'password:"' * 10_000,
    "1 " * 50_000,
    "1111 " * 20_000,
    "DE11 a a a a " * 8_000,
    "+1 2 3 4 5 6 7 " * 7_000,
    "0170 1234567 " * 8_000,
    "::1:" * 25_000,
    "1.1.1." * 16_000,
    "://a:" * 20_000,
    "-----BEGIN PRIVATE KEY-----" * 4_000,
    "\\n*`%40" * 15_000,
    "ada@example.org " * 6_000,
    "bearer " * 14_000,
    "sk-a-a-a-" * 11_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:16])
def test_no_text_holds_up_the_built_in_kinds(text):
    """100 KB made to be slow."""
    redactor = Redactor(Policy(kinds=frozenset(Kind), regions=("DE", "US")), b"k")
    begun = time.process_time()
    redactor.text(text, Counter())
    assert time.process_time() - begun < 20
