"""What in a text is right or wrong by itself, and worth finding again? Its numbers, names and codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.languages import SMALL_WORDS
from ingest.wording import UNSPACED

# A digit that begins a word; what stands before it is looked at last, since most characters are none.
_NUMBER = re.compile(rf"\d(?<![^\W{UNSPACED}]\d)(?<![.,]\d)\d*(?:[.,:]\d+)*")
# One digit is chance; "5 mm" and "Fenix 7" are not.
_UNIT = re.compile(rf"[ \u00a0-]?([%‰°€$£{UNSPACED}]|[^\W\d_{UNSPACED}]{{1,24}})")
_OWNER = re.compile(rf"(?:([^\W\d_{UNSPACED}]{{1,24}})[ \u00a0-]|([€$£{UNSPACED}]) ?)$")
LONGEST_OWNER = 26
_SENTENCE_ENDS = '.!?:;…\n•*#|>"“”„«»([{'
LEAST_NAME = 4


@dataclass(frozen=True, slots=True)
class Name:
    """`is_sure` is not said of a capital that the start of a sentence explains as well."""

    start: int
    end: int
    key: str
    is_sure: bool


@dataclass(frozen=True, slots=True)
class Number:
    """Its digits are at `text[start:end]`. By the key under which it is found again: what to mark of it, with
    the word beside it where it has one digit only; nothing to find it by where that is a small word."""

    start: int
    end: int
    marks: dict[str, tuple[int, int]]


def numbers(text: str) -> Iterator[Number]:
    """Prices, sizes, dates and times, as far as they are written in digits."""
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        key = as_digits(match.group())
        yield Number(start, end, {key: (start, end)} if len(key) > 1 else _with_neighbours(text, match, key))


def _with_neighbours(text: str, match: re.Match[str], key: str) -> dict[str, tuple[int, int]]:
    start, end = match.span()
    found = {}
    if (unit := _UNIT.match(text, end)) and (word := unit[1].casefold()) not in SMALL_WORDS:
        found[f"{key} {word}"] = (start, unit.end())
    owner = _OWNER.search(text[max(0, start - LONGEST_OWNER) : start])
    if owner and (word := (owner[1] or owner[2]).casefold()) not in SMALL_WORDS:
        found[f"{word} {key}"] = (start - len(owner.group()), end)
    return found


def as_digits(number: str) -> str:
    """14.00, 14,00 and 14 are one number, and so are 1,000 and 1000."""
    if number.isdecimal():
        return number
    plain = re.sub(r"[.,](?=\d{3}(?!\d))", "", number.strip("$€£")).replace(",", ".").replace(":", ".")
    return re.sub(r"\.0+$", "", plain)


def names(text: str, places: Iterable[re.Match[str]], *, nouns: bool = False) -> Iterator[Name]:
    """Of the words at `places` those with a capital, and codes of letters and digits. Where every noun has a
    capital (`nouns`), a name is told by a second one."""
    for place in places:
        word = place.group()
        key = word.casefold()
        if _is_name(word, key, nouns):
            is_sure = not word[1:].islower() or not _begins(text, place.start())
            yield Name(*place.span(), key, is_sure)


def _is_name(word: str, key: str, nouns: bool) -> bool:
    if word[0].isdigit() or len(word) == 1 or key in SMALL_WORDS:
        return False
    if word.isupper() or any(map(str.isdigit, word)):
        return True
    return word[0].isupper() and len(word) >= LEAST_NAME and not (nouns and word[1:].islower())


def _begins(text: str, start: int) -> bool:
    """Whether a sentence or a line begins there."""
    before = text[max(0, start - 8) : start].rstrip(" \t")
    return not before or before[-1] in _SENTENCE_ENDS
