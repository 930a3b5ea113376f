"""Which personal data and keys does a text hold? Found as redaction finds them, less what is nobody's own.

Redaction masks in doubt; here a doubt is no failure. So numbers without a country's code count only where
they are written as phone numbers are; addresses of private networks and free phone lines do not count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from ipaddress import ip_address

from ingest.redaction import addresses, emails, keys, numbers, phones
from ingest.redaction.finding import PLACEHOLDER, Finding

_DIGIT = re.compile(r"\d")
# Of these none is shorter than an IP address; and what a key or password has somewhere about it.
NUMBERS = frozenset({"phone", "card", "iban", "ip"})
FEWEST_DIGITS = 4
_NATIONAL = re.compile(
    r"(?<![\w+/.-])(?:\(?0\d{2,5}\)?[ /-]{1,3}\d(?:[ -]?\d){4,9}|\(\d{3}\) ?\d{3}[ -]\d{4}|\d{3}-\d{3}-\d{4}"
    r"|01[5-7]\d[ /-]?\d{7,8})(?![\w-])"
)
# Lines that cost the caller nothing belong to companies.
_FREE_LINES = ("0800", "0180", "00800", "1800", "800", "49800", "44800", "888", "877")
# A key is a long word; a short one is announced.
_MAY_BE_SECRET = re.compile(r"\S{16}|(?i:key|token|secret|pass|pwd|kennw|auth|bearer|schl)")
_PASSWORD = re.compile(
    r"\b(?:password|passwort|kennwort)\b(?: is| ist|:| =|=) ?[\"'`]?(?=\S{0,40}[\d!@#$%])([^\s\"'`]{8,64})",
    re.I,
)


def found_in(text: str, kinds: Collection[str]) -> list[tuple[str, str]]:
    """Kind and value of everything found, each value once, in the order of the kinds."""
    if PLACEHOLDER.search(text):
        text = PLACEHOLDER.sub(" ", text)
    has_numbers = len(_DIGIT.findall(text)) >= FEWEST_DIGITS
    found = (
        (kind, value)
        for kind, find in FINDERS.items()
        if kind in kinds and (has_numbers or kind not in NUMBERS)
        for value in find(text)
    )
    return list(dict.fromkeys(found))


def _all_of(find: Callable[[str], Iterable[Finding]]) -> Callable[[str], Iterator[str]]:
    return lambda text: (text[each.start : each.end] for each in find(text))


def _emails(text: str) -> Iterator[str]:
    return _all_of(emails.find)(text) if "@" in text else iter(())


def _phones(text: str) -> Iterator[str]:
    abroad = _all_of(lambda whole: phones.find(whole, ()))(text) if "+" in text or "00" in text else ()
    for value in (*abroad, *(match.group() for match in _NATIONAL.finditer(text))):
        if not re.sub(r"\D", "", value).startswith(_FREE_LINES):
            yield value


def _addresses(text: str) -> Iterator[str]:
    return (value for value in _all_of(addresses.find)(text) if _is_public(value))


def _is_public(value: str) -> bool:
    try:
        return ip_address(value).is_global
    except ValueError:
        return True


def _secrets(text: str) -> Iterator[str]:
    if _MAY_BE_SECRET.search(text):
        yield from _all_of(keys.find)(text)
    yield from (match[1] for match in _PASSWORD.finditer(text))


FINDERS = {
    "email": _emails,
    "phone": _phones,
    "card": _all_of(numbers.cards),
    "iban": _all_of(numbers.ibans),
    "ip": _addresses,
    "secret": _secrets,
}
KINDS = tuple(FINDERS)
