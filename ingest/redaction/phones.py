"""Which phone numbers stand in a text? Numbers with + of every country, others of the policy's countries.

A national number looks like an order number. Digits alone count only after a word like "phone"; with
gaps they must begin as the country's numbers do, and be in use (libphonenumber).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from ingest.redaction.finding import Finding
from ingest.redaction.policy import Kind

_GAP = r"[ ().\-/\u00a0\u2009\u2010\u2011\u2013\u202f]"
_INTERNATIONAL = re.compile(
    rf"(?<!\+)(?:\+|(?<!\w)00(?=[1-9])){_GAP}{{0,2}}(?:\d{_GAP}{{0,3}}){{6,16}}\d(?!\w)"
)
_NATIONAL = re.compile(rf"(?<![\w+.,/:#@=_-])\(?(?:\d{_GAP}{{0,3}}){{6,14}}\d(?![\w@]|[.,:]\d)")
CONTEXT_WORDS = "tel|phone|call|fax|mobil|handy|cell|ruf|nummer ist|number is|whatsapp|sms|tél|portable"
_CONTEXT = re.compile(rf"(?:{CONTEXT_WORDS})[^\d\n]{{0,24}}\Z", re.I)
_CONTEXT_CHARACTERS = 40
_DATE = re.compile(r"(?:19|20)\d\d[-./]\d\d?[-./]\d\d?|\d\d?[-./]\d\d?[-./](?:19|20)\d\d")
_DECIMAL = re.compile(r"\d+\.\d+")
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_NORTH_AMERICAN = re.compile(r"(?:1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}")
_FIRST_GROUP = re.compile(r"\D*\d+")
_NEXT = re.compile(r"(?<=\d)[ \u00a0]+(?:\(|00?[1-9])")
_WITHOUT_LAST = re.compile(rf"(.*\d){_GAP}+\d+\Z", re.S)
_GROUPED = re.compile(rf"\d{_GAP}+\d")
_FEWEST_DIGITS = 7
_FEWEST_UNANNOUNCED = 9
# Asking the library takes 50 us. Beyond this many in one text, whatever looks like a number counts as one.
_ASKED_A_TEXT = 2_000


def find(text: str, regions: tuple[str, ...]) -> Iterator[Finding]:
    asked = Asked()
    for pattern, ways in ((_INTERNATIONAL, (None,)), (_NATIONAL, regions)):
        match = pattern.search(text) if ways else None
        while match:
            found = _number(text, match, ways, asked)
            if found:
                yield found
            # Gaps part numbers too: the next one may begin in what this one seemed to hold.
            at = found.end if found else match.start() + len(_FIRST_GROUP.match(match[0])[0])  # type: ignore[index]
            match = pattern.search(text, at)


class Asked:
    """How often the library was asked about one text."""

    times = 0


def _number(text: str, match: re.Match[str], regions: Sequence[str | None], asked: Asked) -> Finding | None:
    """The longest beginning of the match, by whole groups, that is a number in use."""
    announced = bool(_CONTEXT.search(text, max(0, match.start() - _CONTEXT_CHARACTERS), match.start()))
    first = _first_of(match[0])
    # A group within a number may begin with 0, too: +44 20 7946 0958.
    for spelled in (first,) if first == match[0] else (first, match[0]):
        if found := _longest(spelled, match.start(), ways=regions, announced=announced, asked=asked):
            return found
    return None


def _longest(
    spelled: str, start: int, *, ways: Sequence[str | None], announced: bool, asked: Asked
) -> Finding | None:
    while len(_digits(spelled)) >= _FEWEST_DIGITS:
        for region in ways:
            # The library is asked last: it takes longer than all the rest.
            if region and not (_may_be_one(spelled) and (announced or _looks_like_one(spelled, region))):
                continue
            value = _in_use(spelled, region, announced, asked)
            if value:
                return Finding(start, start + len(spelled), Kind.PHONE, value)
        shorter = _WITHOUT_LAST.match(spelled)
        if not shorter:
            return None
        spelled = shorter[1]
    return None


def _first_of(spelled: str) -> str:
    """Up to where the next number begins, with a bracket or a 0 after enough digits."""
    for begin in _NEXT.finditer(spelled):
        if len(_digits(spelled[: begin.start()])) >= _FEWEST_DIGITS:
            return spelled[: begin.start()]
    return spelled


def _may_be_one(spelled: str) -> bool:
    return not (_DATE.match(spelled) or _DECIMAL.fullmatch(spelled) or _DOTTED.fullmatch(spelled))


def _in_use(spelled: str, region: str | None, announced: bool, asked: Asked) -> str:
    """Its one spelling; empty for digits that reach nobody, or that nothing tells from another number."""
    asked.times += 1
    if asked.times > _ASKED_A_TEXT:
        return _digits(spelled)
    found = _valid(f"+{spelled[2:]}" if region is None and spelled.startswith("00") else spelled, region)
    if found and (region is None or announced or _is_told_apart(spelled, region, found[1])):
        return found[0]
    return ""


def _looks_like_one(spelled: str, region: str) -> bool:
    """Whether digits that no word announces begin, and are grouped, as this country writes its numbers."""
    prefix = trunk_prefix(region)
    if prefix == "1":
        return bool(_NORTH_AMERICAN.fullmatch(spelled))
    if prefix:
        digits = _digits(spelled)
        return digits.startswith(prefix) and len(digits) >= _FEWEST_UNANNOUNCED
    return _is_grouped(spelled) and len(re.findall(r"\d+", spelled)) >= 3


def _is_told_apart(spelled: str, region: str, number_type: int) -> bool:
    """Digits in one piece are a number of a mobile at most, where the first ones say so."""
    return _is_grouped(spelled) or (trunk_prefix(region) == "0" and number_type == PhoneNumberType.MOBILE)


def _is_grouped(spelled: str) -> bool:
    return bool(_GROUPED.search(spelled))


def _valid(spelled: str, region: str | None) -> tuple[str, int] | None:
    """The number as +4930…, and its type; None for digits that nobody is reached by."""
    try:
        number = phonenumbers.parse(spelled, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    spelling = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return spelling, phonenumbers.number_type(number)


@cache
def trunk_prefix(region: str) -> str:
    """What a national number begins with: 0 in most countries, nothing in some, 1 in North America."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    return str(metadata.national_prefix or "") if metadata else ""


def is_region(code: str) -> bool:
    return code in phonenumbers.SUPPORTED_REGIONS


def _digits(spelled: str) -> str:
    return re.sub(r"\D", "", spelled)
