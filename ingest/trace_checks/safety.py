"""Does the answer use words that no product should? Lists by category and language, and own words."""

from __future__ import annotations

import tomllib
from pathlib import Path

from ingest import wording
from ingest.trace_checks.lexicon import Lexicon
from ingest.trace_checks.subject import Subject
from ingest.trace_checks.vocabulary import Compiled, Verdict, failed, passed

_LISTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
CATEGORIES = tuple(_LISTS)
_LEXICONS = {
    name: Lexicon(phrase for phrases in lists.values() for phrase in phrases)
    for name, lists in _LISTS.items()
}
_WORDS_OF = {name: name.replace("_", "-") for name in CATEGORIES}


def safety(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Applies to every answer in words; what the answer repeats of the user's own words does not count."""
    words = subject.words
    if not words:
        return None
    for category, lexicon in (*_chosen(parameters["categories"]), ("your own words", parameters["words"])):
        for start, end in lexicon.found_in(words):
            phrase = words[start:end]
            if " ".join(phrase) not in parameters["allowed"] and not _quoted(phrase, subject):
                return failed(f"Holds “{' '.join(phrase)}” ({category}).")
    return passed("Holds no word of the lists.")


def _chosen(categories: list[str]) -> list[tuple[str, Lexicon]]:
    return [(_WORDS_OF[name], _LEXICONS[name]) for name in categories]


def _quoted(phrase: list[str], subject: Subject) -> bool:
    return f" {' '.join(phrase)} " in f" {' '.join(subject.question_words)} "


def allowed(phrases: list[str]) -> frozenset[str]:
    return frozenset(" ".join(wording.words(phrase)) for phrase in phrases)
