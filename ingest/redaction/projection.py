"""What does a reader see of a text? Without escapes, Markdown marks and embedded files; with the way back.

A value may stand inside JSON inside a string, between `**`, or percent-encoded in an address. It is looked
for in the projected text and replaced in the given one.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

# Escapes of JSON (also of JSON within JSON), emphasis and code marks, what has no width, digits and signs of
# other scripts, and files in text.
_HIDING = re.compile(
    r"\\+(?:u[0-9a-fA-F]{4}|[nrtbf/\"'])"
    r"|%(?:40|2[bB]|20)"
    r"|&(?:\#64|\#x40|commat);"
    r"|[*`~\u00ad\u200b-\u200d\u2060\ufeff]+"
    r"|[\uff0b\uff0d\uff0e\uff20]|[^\W\D0-9]"
    r"|data:[\w.+-]{1,60}/[\w.+-]{1,80};base64,[A-Za-z0-9+/=_-]*"
)
_HINTS = re.compile(r"[\\%&*`~\u00ad\u200b-\u200d\u2060\ufeff\uff0b\uff0d\uff0e\uff20]|[^\W\D0-9]|;base64,")
# + - . @ as wide as a Chinese sign stand so far from their narrow forms.
_WIDER = 0xFEE0
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": "\f"}
_CODES = {"%40": "@", "%2b": "+", "%20": " ", "&#64;": "@", "&#x40;": "@", "&commat;": "@"}


@dataclass(frozen=True, slots=True)
class Projection:
    """`pieces` begin at these offsets of the projected text: (there, in the given text, its length there)."""

    text: str
    begins: tuple[int, ...] = (0,)
    origins: tuple[tuple[int, int], ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the given text the projected characters from start to end stand."""
        if not self.origins:
            return start, end
        return self._place(start)[0], self._place(end - 1)[1]

    def _place(self, at: int) -> tuple[int, int]:
        """Begin and end of one character in the given text."""
        piece = bisect_right(self.begins, at) - 1
        origin, width = self.origins[piece]
        if width:
            return origin, origin + width
        begin = origin + at - self.begins[piece]
        return begin, begin + 1


def project(text: str) -> Projection:
    if not _HINTS.search(text):
        return Projection(text)
    parts: list[str] = []
    begins: list[int] = []
    origins: list[tuple[int, int]] = []
    length = last = 0

    def add(part: str, origin: int, width: int) -> None:
        nonlocal length
        if part:
            parts.append(part)
            begins.append(length)
            origins.append((origin, width))
            length += len(part)

    for match in _HIDING.finditer(text):
        add(text[last : match.start()], last, 0)
        # One character for all that it was spelled with.
        add(_seen(match[0]), match.start(), len(match[0]))
        last = match.end()
    if not last:
        return Projection(text)
    add(text[last:], last, 0)
    return Projection("".join(parts), tuple(begins), tuple(origins))


def _seen(hiding: str) -> str:
    """The one character, or nothing, that a reader sees."""
    if hiding[0] == "\\":
        escaped = hiding.lstrip("\\")
        if len(escaped) > 1:
            return _plain(chr(int(escaped[1:], 16)))
        return _LETTERS.get(escaped, escaped)
    if hiding[0] in "%&":
        return _CODES[hiding.lower()]
    if hiding[0] == "d":
        return " "
    return _plain(hiding) if hiding.isdigit() or (hiding >= "\uff00" and hiding[0] != "\ufeff") else ""


def _plain(sign: str) -> str:
    if sign.isdecimal():
        return str(unicodedata.digit(sign))
    return chr(ord(sign) - _WIDER) if "\uff01" <= sign <= "\uff5e" else sign
