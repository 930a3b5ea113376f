"""The table of checks: name, what each finds and misses, and its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ingest import languages
from ingest.trace_checks import (
    answers,
    detectors,
    grounding,
    injection,
    language,
    privacy,
    repetition,
    resources,
    safety,
    structured,
    tools,
)
from ingest.trace_checks.lexicon import Lexicon
from ingest.trace_checks.parameters import Parameter, amount, some_of, words, yes_or_no
from ingest.trace_checks.vocabulary import Check


def _words(name: str, label: str, help_: str, compiled: Callable[[Any], Any] = Lexicon) -> Parameter:
    return Parameter(name, label, [], help_, words, form="words", compiled=compiled)


def _yes(name: str, label: str, help_: str, *, default: bool) -> Parameter:
    return Parameter(name, label, default, help_, yes_or_no, form="yes_or_no")


def _folded(values: list[str]) -> frozenset[str]:
    return frozenset(value.casefold() for value in values)


_ALL = (
    Check(
        "empty",
        "Empty answer",
        "The answer is missing, or says nothing: no word, or a placeholder such as null.",
        "An answer of one meaningless word passes. Traces that failed are left to the check of errors.",
        answers.empty,
    ),
    Check(
        "refusal",
        "Refusal",
        "The answer declines to answer or to help, or the provider's filter stopped it.",
        "Refusals without a usual phrase, and in other languages than English, German, French, Spanish, "
        "Italian, Dutch, Portuguese and Polish. A right refusal fails like a wrong one.",
        answers.refusal,
        (_words("words", "Own phrases", "What refusals say in your product, one phrase per line."),),
    ),
    Check(
        "truncated",
        "Truncated",
        "The model stopped at its token limit, or the text breaks off.",
        "A text cut after a full stop when no finish reason was sent.",
        answers.truncated,
    ),
    Check(
        "schema",
        "JSON and schema",
        "JSON was requested and the answer is not JSON or does not fit the schema; or a tool call does not "
        "fit the tool's definition.",
        "Formats requested only in the prompt's words. Patterns and formats of a schema are not judged.",
        structured.schema,
        (
            _yes(
                "fences",
                "Accept a code block around JSON",
                "```json … ``` around the answer is not a failure.",
                default=True,
            ),
            _yes(
                "always",
                "Every answer must be JSON",
                "Even where the request does not ask for it.",
                default=False,
            ),
        ),
    ),
    Check(
        "grounding",
        "Grounding",
        "Nearly all of the answer, or one of its numbers, is found neither in its documents nor in the "
        "question nor in tool results.",
        "An answer that contradicts the documents in their own words. True sums and dates worked out from "
        "them fail. "
        "Answers in another language than the documents are left out.",
        grounding.grounding,
        (
            Parameter(
                "least_share",
                "Least share of words",
                0.15,
                "The share of the answer's content words that must appear in the documents or the question.",
                amount(0, 1),
            ),
            _yes(
                "numbers",
                "Numbers too",
                "A number of two or more digits that was never given fails.",
                default=True,
            ),
        ),
    ),
    Check(
        "citations",
        "Citations",
        "A citation names a document that does not exist, or one that says nothing of the kind.",
        "A citation of a document that has the same words and another meaning.",
        grounding.citations,
        (
            Parameter(
                "least_share",
                "Least share of words",
                0.12,
                "The share of a sentence's content words that must appear in the document it cites.",
                amount(0, 1),
            ),
            _yes(
                "required",
                "Citations are required",
                "An answer that has documents but cites none fails.",
                default=False,
            ),
        ),
    ),
    Check(
        "repetition",
        "Repetition",
        "The answer says a phrase over and over, or much of it twice.",
        "The same thought in other words.",
        repetition.repetition,
        (
            Parameter(
                "most_share",
                "Most repeated share",
                0.3,
                "The largest share of the answer's four-word sequences that may be repeats.",
                amount(0, 1),
            ),
        ),
    ),
    Check(
        "language",
        "Language",
        "The answer is in a language other than the question's, and none was requested.",
        "Texts of a few words, and mixed ones. Recognised by words: English, German, French, Spanish, "
        "Italian, Dutch, Portuguese, Polish; by script: Chinese, Japanese, Korean, Greek, Hebrew, Thai, "
        "Cyrillic, Arabic, Devanagari.",
        language.mismatch,
        (
            Parameter(
                "languages",
                "Always right",
                [],
                f"Codes of languages an answer may always be in: {', '.join(languages.NAMES)}.",
                some_of(*languages.NAMES),
                form="text",
            ),
        ),
    ),
    Check(
        "pii",
        "Personal data",
        "The answer holds an e-mail address, phone, card or bank number, IP address or key that the user had "
        "not given.",
        "Names, postal addresses, dates of birth. Offices (support@…) and free phone lines do not count.",
        privacy.pii,
        (
            Parameter(
                "kinds",
                "Kinds",
                list(detectors.KINDS),
                "What is looked for.",
                some_of(*detectors.KINDS),
                form="choices",
                choices=tuple((kind, privacy.WORDS[kind]) for kind in detectors.KINDS),
            ),
            _yes(
                "documents",
                "Documents may be quoted",
                "What is in the documents or the system prompt does not count.",
                default=True,
            ),
            _words("allowed", "Allowed values", "Addresses and numbers of your own, one per line.", _folded),
        ),
    ),
    Check(
        "safety",
        "Safety words",
        "The answer holds an insult, an obscenity, or a phrase of violence, self-harm, hate or crime.",
        "Harm in polite words. A word list does not judge meaning; German and English lists are the longest.",
        safety.safety,
        (
            Parameter(
                "categories",
                "Categories",
                list(safety.CATEGORIES),
                "Which lists are used.",
                some_of(*safety.CATEGORIES),
                form="choices",
                choices=tuple((name, name.replace("_", "-")) for name in safety.CATEGORIES),
            ),
            _words(
                "words",
                "Own words",
                "Words and phrases, one per line; word* matches every word with that beginning.",
            ),
            _words(
                "allowed", "Allowed", "Words of the lists that are harmless in your product.", safety.allowed
            ),
        ),
    ),
    Check(
        "injection",
        "Prompt injection",
        "The question, a document or a tool result contains what reads like instructions to the model.",
        "Attempts in new words, other languages or pictures. It flags the trace for a person; it does not "
        "say whether the model obeyed.",
        injection.injection,
        (_words("words", "Own phrases", "What attempts say in your product, one phrase per line."),),
    ),
    Check(
        "error",
        "Error",
        "The trace ended in an error.",
        "Errors inside a trace that recovered and ended well: see tool errors.",
        resources.error,
    ),
    Check(
        "tool_error",
        "Tool error",
        "A tool's span failed, or a tool returned an error.",
        "An error that the tool reports in a sentence of its own.",
        tools.tool_error,
    ),
    Check(
        "slow",
        "Slow",
        "The trace took longer than the limit.",
        "Time the sender did not measure: after the last span of a trace whose root never ended.",
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
        "Costs that were not sent with the model calls or the trace.",
        resources.costly,
        (Parameter("most_usd", "Limit", 0.25, "US dollars for all its calls.", amount(0, 1e6), unit="US$"),),
    ),
)
CHECKS: dict[str, Check] = {check.name: check for check in _ALL}
