"""Which e-mail addresses stand in a text?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.redaction.finding import Finding
from ingest.redaction.policy import Kind

_LOCAL = re.compile(r"[^\W_.'%+-](?:[\w.'%+-]{0,63})\Z|_[\w.'%+-]{0,62}\Z")
_DOMAIN = re.compile(
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?P<top>xn--[a-zA-Z0-9-]{2,59}|[^\W\d_]{2,24})(?![^\W_]|-\w)"
)
_LOCAL_CHARACTERS = 64
# icon@2x.png
_FILES = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "css", "js", "ts", "html", "json"}
)
# git@host:path is an address of a repository.
_PROGRAMS = frozenset({"git"})


def find(text: str) -> Iterator[Finding]:
    at = text.find("@")
    while at >= 0:
        if (domain := _DOMAIN.match(text, at + 1)) and domain["top"].lower() not in _FILES:
            before = text[max(0, at - _LOCAL_CHARACTERS) : at]
            local = _LOCAL.search(before)
            if local and local[0].lower() not in _PROGRAMS:
                start = at - len(local[0])
                yield Finding(start, domain.end(), Kind.EMAIL, text[start : domain.end()].lower())
        at = text.find("@", at + 1)
