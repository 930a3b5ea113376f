"""How much may one request contain? Each limit is checked as early as possible."""

from __future__ import annotations

from datetime import UTC, datetime

KIB = 1024
MIB = 1024 * KIB

INFLATED_BYTES = 64 * MIB
INFLATION_RATIO = 200
GZIP_MEMBERS = 100
# A small body may be all repetition; the ratio speaks only of what is larger than this.
RATIO_FREE_BYTES = MIB
SPANS = 10_000
# How many values a body may hold, told before it is parsed: an empty one takes 2 bytes there and 50 after.
VALUES = 500_000
# An OTLP attribute is two or three values, and in the binary form text can look like the start of one.
OTLP_VALUES = 2_000_000
NESTING = 64
TEXT_CHARACTERS = 256 * KIB
ATTRIBUTES = 1_000
ID_CHARACTERS = 128
NAME_CHARACTERS = 1_000

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
EARLIEST_NS = int(EARLIEST.timestamp()) * 10**9
LATEST_NS = int(LATEST.timestamp()) * 10**9
