"""Which personal data and keys does a text hold? Addresses, numbers with their checksums, and keys by shape."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}\b")
_CARD = re.compile(r"(?<![\d.-])(?:\d[ -]?){12,18}\d(?![\d.-]?\d)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_IP = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_PHONE = re.compile(
    r"(?<![\w+/.-])(?:\+\d{1,3}[ ./-]?(?:\(0?\d{1,4}\)[ ./-]?)?\d(?:[ ./-]?\d){6,12}"
    r"|\(?0\d{2,5}\)?[ /-]{1,3}\d(?:[ -]?\d){4,9}|\(\d{3}\) ?\d{3}[ -]\d{4}|\d{3}-\d{3}-\d{4}|01[5-7]\d[ /-]?\d{7,8})(?![\w-])"
)
_SECRET = re.compile(
    r"\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{16,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|"
    r"\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAIza[\w-]{30,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}|"
    r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----|\bglpat-[\w-]{16,}|\bBearer [A-Za-z0-9._~+/-]{20,}|"
    r"(?i:\b(?:password|passwort|kennwort|api[_ -]?key|secret)\b(?: is| ist|:| =|=) ?[\"'`]?)(?=\S{0,40}[\d!@#$%])[^\s\"'`]{8,64}"
)
_DIGIT = re.compile(r"\d")
# Of these none is shorter than an IP address; and what a key or password has somewhere about it.
NUMBERS = frozenset({"phone", "card", "iban", "ip"})
FEWEST_DIGITS = 6
_NEAR_SECRETS = (
    "sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "AKIA", "gh", "xox", "AIza", "eyJ", "BEGIN", "glpat", "Bearer",
)  # fmt: skip
_NEAR_PASSWORDS = ("passwor", "kennwor", "secret", "api")


def found_in(text: str, kinds: Collection[str]) -> list[tuple[str, str]]:
    """Kind and value of everything found, in the order of the kinds."""
    numbers = len(_DIGIT.findall(text)) >= FEWEST_DIGITS
    return [
        (kind, value)
        for kind, find in FINDERS.items()
        if kind in kinds and (numbers or kind not in NUMBERS)
        for value in find(text)
    ]


def _emails(text: str) -> Iterator[str]:
    return (match.group() for match in _EMAIL.finditer(text)) if "@" in text else iter(())


def _cards(text: str) -> Iterator[str]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if digits[0] in "23456" and len(digits) > 12 and len(set(digits)) > 1 and _luhn(digits):
            yield match.group()


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _ibans(text: str) -> Iterator[str]:
    for match in _IBAN.finditer(text):
        value = match.group().replace(" ", "")
        # The pattern may have taken the next word's letters too.
        if any(_mod97(value[:end]) for end in range(len(value), 14, -1) if end <= 34):
            yield match.group()


def _mod97(iban: str) -> bool:
    return int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97 == 1


def _addresses(text: str) -> Iterator[str]:
    for match in _IP.finditer(text):
        parts = [int(part) for part in match.group().split(".")]
        public = parts[0] not in (0, 10, 127) and parts[:2] not in ([192, 168], [169, 254]) and parts[0] < 224
        if all(part < 256 for part in parts) and public and sum(parts) > 20 and parts[0] > 9:
            yield match.group()


def _phones(text: str) -> Iterator[str]:
    for match in _PHONE.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        # Lines that cost the caller nothing belong to companies.
        if not digits.startswith(("0800", "0180", "00800", "1800", "800", "49800", "44800", "888", "877")):
            yield match.group()


def _secrets(text: str) -> Iterator[str]:
    lowered = text.lower()
    if any(near in text for near in _NEAR_SECRETS) or any(near in lowered for near in _NEAR_PASSWORDS):
        yield from (match.group() for match in _SECRET.finditer(text))


FINDERS = {
    "email": _emails,
    "phone": _phones,
    "card": _cards,
    "iban": _ibans,
    "ip": _addresses,
    "secret": _secrets,
}
KINDS = tuple(FINDERS)
