"""Which payment cards and bank accounts stand in a text? Their check digits decide, not their look."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import cache

from stdnum import iban, luhn

from ingest.redaction.finding import Finding
from ingest.redaction.policy import Kind

_GAP = r"[ ._/\-\u00a0\u2009\u2010-\u2014\u202f]"
_RUN = re.compile(
    rf"(?:(?<![\w.])|(?i:(?<=card)|(?<=card_)|(?<=\bcc)|(?<=\bcc_)))\d(?:{_GAP}{{0,2}}\d){{12,}}(?!\w)"
)
_GROUP = re.compile(r"\d+")
_GROUP_DIGITS = 3
# The networks' first digits and lengths (ISO/IEC 7812). Maestro's ranges hold too much else.
_CARDS = (
    (re.compile(r"4"), (16, 13, 19)),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"6011|65|64[4-9]"), (16,)),
    (re.compile(r"3(?:0[0-5]|[689])"), (14,)),
    (re.compile(r"35(?:2[89]|[3-8])"), (16,)),
    (re.compile(r"62"), (16, 17, 18, 19)),
)
_IBAN = re.compile(
    rf"(?:(?<![^\W_])|(?i:(?<=iban)))(?P<country>[A-Za-z]{{2}})\d\d(?:{_GAP}{{0,2}}[A-Za-z0-9]){{11,30}}"
)


def cards(text: str) -> Iterator[Finding]:
    for run in _RUN.finditer(text):
        groups = [
            (run.start() + group.start(), run.start() + group.end()) for group in _GROUP.finditer(run[0])
        ]
        position = 0
        while position < len(groups):
            count = _card_groups(text, groups, position)
            if count:
                start, end = groups[position][0], groups[position + count - 1][1]
                yield Finding(start, end, Kind.CARD, _digits(text[start:end]))
            position += count or 1


def _card_groups(text: str, groups: list[tuple[int, int]], first: int) -> int:
    """How many of the groups of digits, from the first on, are one card's number."""
    digits = ""
    for count, (start, end) in enumerate(groups[first : first + 6], 1):
        if end - start < _GROUP_DIGITS:
            return 0
        digits += text[start:end]
        if len(digits) > 19:
            return 0
        if is_card(digits):
            return 0 if count == 1 and _is_of_fraction(text, *groups[first]) else count
    return 0


def _is_of_fraction(text: str, start: int, end: int) -> bool:
    """0.4111111111111111 is a measure, and so is what has a fraction itself."""
    return text[start - 1 : start] == "." or (
        text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit()
    )


def is_card(digits: str) -> bool:
    networks = (lengths for first, lengths in _CARDS if first.match(digits))
    return any(len(digits) in lengths for lengths in networks) and bool(luhn.is_valid(digits))


def ibans(text: str) -> Iterator[Finding]:
    at = 0
    while candidate := _IBAN.search(text, at):
        start = candidate.start()
        end = _end_of(text, candidate, iban_length(candidate["country"].upper()))
        spelled = _compact(text[start:end])
        if end and iban.is_valid(spelled):
            yield Finding(start, end, Kind.IBAN, spelled)
            at = end
        else:
            at = start + 2


def _end_of(text: str, candidate: re.Match[str], length: int) -> int:
    """Where the first `length` letters and digits end, if a word ends there; else 0."""
    seen = 0
    for place in range(candidate.start(), candidate.end()):
        seen += text[place].isalnum()
        if seen == length:
            return 0 if text[place + 1 : place + 2].isalnum() else place + 1
    return 0


@cache
def iban_length(country: str) -> int:
    """From the registry's structure of the country's account numbers ("18n", "4!a14!n"); 0 for no country."""
    structure = next((facts.get("bban", "") for _, facts in iban._ibandb.info(country)), "")
    return sum(map(int, re.findall(r"\d+", structure))) + 4 if structure else 0


def iban_countries() -> list[str]:
    letters = string.ascii_uppercase
    return [first + second for first in letters for second in letters if iban_length(first + second)]


def _digits(spelled: str) -> str:
    return re.sub(r"\D", "", spelled)


def _compact(spelled: str) -> str:
    return re.sub(_GAP, "", spelled).upper()
