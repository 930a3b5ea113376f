"""In which language is a text? By its script, and by the small words that every text of a language holds."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

_WORDS: dict[str, str] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
NAMES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "nl": "Dutch",
    "pt": "Portuguese",
    "pl": "Polish",
    "ru": "Cyrillic script",
    "el": "Greek",
    "ar": "Arabic script",
    "he": "Hebrew",
    "zh": "Chinese",
    "ja": "Japanese",
    "ko": "Korean",
    "th": "Thai",
    "hi": "Devanagari script",
}
_LANGUAGES_OF: dict[str, tuple[str, ...]] = {}
for _code, _text in _WORDS.items():
    for _word in dict.fromkeys(_text.replace("'", " ").split()):
        _LANGUAGES_OF[_word] = (*_LANGUAGES_OF.get(_word, ()), _code)
_SCRIPTS = {
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "zh": re.compile(r"[\u3400-\u9fff]"),
    "ko": re.compile(r"[\uac00-\ud7af]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "el": re.compile(r"[\u0370-\u03ff]"),
    "he": re.compile(r"[\u0590-\u05ff]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
}
_OTHER_SCRIPT = re.compile(r"[\u0370-\u1fff\u3040-\ud7af]")
_LETTERS_OF_ONE = {"de": "äöüß", "pl": "ąćęłńśźż", "pt": "ãõ", "es": "ñ¿¡", "fr": "êœëîûù", "it": "ìò"}

SMALL_WORDS = frozenset(_LANGUAGES_OF)

LONGEST = 4_000
MOST_WORDS = 300
FEWEST_WORDS = 4
# The weight of small words that a language must have, and how far it must be ahead of the next.
LEAST_WEIGHT = 2.0
LEAST_LEAD = 1.35


def tells(word: str) -> bool:
    """Whether a word, without case, says something by itself."""
    return (len(word) > 3 and word not in SMALL_WORDS) or (len(word) == 1 and ord(word) > 0x3000)


def language(text: str, words: Sequence[str]) -> str:
    """The code of the language; '' for a text too short or too mixed to tell. `words` are its words."""
    text = text[:LONGEST]
    if script := _by_script(text):
        return script
    words = words[:MOST_WORDS]
    if len(words) < FEWEST_WORDS:
        return ""
    weights: dict[str, float] = defaultdict(float)
    for word in words:
        found = _LANGUAGES_OF.get(word)
        if found:
            for code in found:
                weights[code] += 1 / len(found)
    lowered = text.lower()
    for code, letters in _LETTERS_OF_ONE.items():
        weights[code] += min(sum(map(lowered.count, letters)), 4) * 0.4
    ranked = sorted(weights.items(), key=lambda pair: -pair[1])[:2]
    if not ranked or ranked[0][1] < LEAST_WEIGHT or ranked[0][1] < len(words) * 0.08:
        return ""
    if len(ranked) > 1 and ranked[0][1] < LEAST_LEAD * ranked[1][1]:
        return ""
    return ranked[0][0]


def _by_script(text: str) -> str:
    """The language of a script of its own, where most letters are written in it."""
    if not _OTHER_SCRIPT.search(text):
        return ""
    letters = sum(map(str.isalpha, text))
    counts = {code: len(script.findall(text)) for code, script in _SCRIPTS.items()}
    if counts["ja"] * 10 > letters and (counts["ja"] + counts["zh"]) * 2 > letters:
        return "ja"
    code, count = max(counts.items(), key=lambda pair: pair[1])
    return code if count * 2 > letters and count >= FEWEST_WORDS else ""
