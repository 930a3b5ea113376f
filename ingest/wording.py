"""What are the words of a text?"""

from __future__ import annotations

import re

# Scripts written without spaces have no word boundary to find: each of their characters is a word.
UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
_SPACED_WORD = re.compile(r"\w+")
_UNSPACED_WORD = re.compile(f"[{UNSPACED}]")

# The first letters of a word, this many, are left alone by inflection.
STEM = 5
# An unspaced character says about as much as this many letters.
LETTERS_OF_UNSPACED = 3


def words(text: str) -> list[str]:
    """The words without case; quicker where no unspaced script is met, as in most texts."""
    if text.isascii():
        return _SPACED_WORD.findall(text.lower())
    spaced = _UNSPACED_WORD.search(text) is None
    return [word.casefold() for word in (_SPACED_WORD if spaced else WORD).findall(text)]


def letters(word: str) -> int:
    return LETTERS_OF_UNSPACED if _UNSPACED_WORD.fullmatch(word) else len(word)
