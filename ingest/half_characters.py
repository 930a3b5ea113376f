"""How is JSON read in which a character is cut in half, as JavaScript does to a text cut inside an emoji?"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from ingest import limits

T = TypeVar("T")

# More of them, or in a body larger than this, are no accident, and take time.
MOST = 10_000
MOST_BYTES = 8 * limits.MIB
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
# All that is well, in one stretch, or else half of a pair. Nothing follows a stretch, so it is never looked
# through again; its bound keeps the notes small that `re` takes for that. Possessive it must not be: in early
# releases of Python 3.11 such a group of alternatives takes in what it has refused.
_STRETCH = re.compile(
    rb"((?:[^\\]+|\\(?!u[dD][89a-fA-F]).|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}){1,1000})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}",
    re.DOTALL,
)


def decode(decoder: Callable[[bytes], T], body: bytes) -> tuple[T, bytes]:
    """The value, and the bytes it was read from: halves of characters are U+0000 there.

    That is replaced, marked or refused wherever it stands, like any other U+0000. Raises what the decoder
    raises of other faults.
    """
    try:
        return decoder(body), body
    except msgspec.DecodeError:
        mended = without_halves(body)
        if mended == body:
            raise
    return decoder(mended), mended


def without_halves(body: bytes) -> bytes:
    if len(body) > MOST_BYTES or not _HALF.search(body):
        return body
    return _STRETCH.sub(lambda found: found[1] or rb"\u0000", body, count=2 * MOST)
