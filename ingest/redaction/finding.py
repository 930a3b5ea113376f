"""Where does a text hold something to mask? Findings, and which of two that overlap counts."""

from __future__ import annotations

import hmac
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9_]{1,39}:[0-9a-f]{8}\]")
DIGEST_BYTES = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """Characters from start to end are of this kind; `value` is their one spelling, equal for equals."""

    start: int
    end: int
    kind: str
    value: str


def placeholder(key: bytes, kind: str, value: str) -> str:
    """`[EMAIL:1f3a77c0]`: without the project's key nobody finds the value by trying all there are."""
    digest = hmac.new(key, f"{kind}\0{value}".encode("utf-8", "replace"), sha256).digest()
    return f"[{kind.upper()}:{digest[:DIGEST_BYTES].hex()}]"


def blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with ends of lines in place of these parts, as long as before."""
    pieces: list[str] = []
    at = 0
    for start, end in sorted(spans):
        if start >= at:
            pieces += text[at:start], "\n" * (end - start)
            at = end
    return "".join([*pieces, text[at:]]) if pieces else text


def settled(findings: Iterable[Finding], text: str) -> list[Finding]:
    """In order of place, none over another (the one given first counts), and none that touches what is a
    placeholder already."""
    taken = [match.span() for match in PLACEHOLDER.finditer(text)] if "[" in text else []
    kept: list[Finding] = []
    for finding in findings:
        span = (finding.start, finding.end)
        at = bisect_left(taken, span)
        after = at < len(taken) and taken[at][0] < finding.end
        before = at > 0 and taken[at - 1][1] > finding.start
        if finding.start < finding.end and not after and not before:
            kept.append(finding)
            taken.insert(at, span)
    return sorted(kept, key=lambda finding: finding.start)
