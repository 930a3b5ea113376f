"""Which phone numbers stand in a text? Numbers with + of every country, others of the policy's countries.

A national number looks like an order number. Digits alone count only after a word like "phone"; with
gaps they must begin as the country's numbers do, and be in use (libphonenumber).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from ingest.redaction.finding import Finding
from ingest.redaction.policy import Kind

_GAP = r"[ ().\-/\u00a0\u2009\u2010\u2011\u2013\u202f]"
_INTERNATIONAL = re.compile(rf"(?<![\w+])(?:\+|00(?=[1-9])){_GAP}{{0,2}}(?:\d{_GAP}{{0,3}}){{6,16}}\d(?!\w)")
_NATIONAL = re.compile(rf"(?<![\w+.,/:#@=_-])\(?(?:\d{_GAP}{{0,3}}){{6,14}}\d(?![\w@]|[.,:]\d)")
_CONTEXT = re.compile(
    r"(?:tel|phone|telefon|call|fax|mobil|handy|cell|ruf|nummer ist|number is|whatsapp|sms|t[ée]l[ée]fono"
    r"|portable)[^\d\n]{0,20}\Z",
    re.I,
)
_CONTEXT_CHARACTERS = 40
_DATE = re.compile(r"(?:19|20)\d\d[-./]\d\d?[-./]\d\d?|\d\d?[-./]\d\d?[-./](?:19|20)\d\d")
_DECIMAL = re.compile(r"\d+\.\d+")
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_NORTH_AMERICAN = re.compile(r"(?:1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}")
_FEWEST_DIGITS = 7
_FEWEST_UNANNOUNCED = 9
# Asking the library takes 50 us. After so many in one text, whatever looks like a number is taken for one.
_ASKED_A_TEXT = 2_000


def find(text: str, regions: tuple[str, ...]) -> Iterator[Finding]:
    matches = chain(_INTERNATIONAL.finditer(text), _NATIONAL.finditer(text) if regions else ())
    for count, match in enumerate(matches):
        if count >= _ASKED_A_TEXT:
            yield Finding(*match.span(), Kind.PHONE, _digits(match[0]))
        elif match.re is _INTERNATIONAL:
            yield from _international(match)
        else:
            yield from _national(text, match, regions)


def _international(match: re.Match[str]) -> Iterator[Finding]:
    """The longest beginning of the digits, by whole groups, that is a number in use."""
    spelled = match[0]
    while len(_digits(spelled)) >= _FEWEST_DIGITS:
        number = spelled if spelled.startswith("+") else f"+{spelled[2:]}"
        if found := _valid(number, None):
            yield Finding(match.start(), match.start() + len(spelled), Kind.PHONE, found[0])
            return
        shorter = re.match(rf"(.*\d){_GAP}+\d+\Z", spelled, re.S)
        if not shorter:
            return
        spelled = shorter[1]


def _national(text: str, match: re.Match[str], regions: tuple[str, ...]) -> Iterator[Finding]:
    spelled = match[0]
    if _DATE.match(spelled) or _DECIMAL.fullmatch(spelled) or _DOTTED.fullmatch(spelled):
        return
    announced = bool(_CONTEXT.search(text, max(0, match.start() - _CONTEXT_CHARACTERS), match.start()))
    for region in regions:
        found = _valid(spelled, region)
        if found and (announced or _looks_like_one(spelled, region, found[1])):
            yield Finding(*match.span(), Kind.PHONE, found[0])
            return


def _looks_like_one(spelled: str, region: str, number_type: int) -> bool:
    prefix = _trunk_prefix(region)
    if prefix == "1":
        return bool(_NORTH_AMERICAN.fullmatch(spelled))
    grouped = bool(re.search(rf"\d{_GAP}+\d", spelled))
    if prefix:
        digits = _digits(spelled)
        long_enough = digits.startswith(prefix) and len(digits) >= _FEWEST_UNANNOUNCED
        return long_enough and (grouped or number_type == PhoneNumberType.MOBILE)
    return grouped and len(re.findall(r"\d+", spelled)) >= 3


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
def _trunk_prefix(region: str) -> str:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    return str(metadata.national_prefix or "") if metadata else ""


def is_region(code: str) -> bool:
    return code in phonenumbers.SUPPORTED_REGIONS


def _digits(spelled: str) -> str:
    return re.sub(r"\D", "", spelled)
