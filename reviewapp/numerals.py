"""Which whole number does a text say that came in a form or an address?"""

from __future__ import annotations


def whole(text: str, digits: int = 9) -> int | None:
    """None for anything but an unsigned number of at most this many digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None
