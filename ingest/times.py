"""Which moment does a time in a native body mean? ISO 8601, or a number whose size tells its unit."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from ingest import limits

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A number below the bound counts in this many ns: s up to the year 5138, then ms, then us, else ns.
UNITS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))


def nanoseconds(value: str | float) -> int:
    """Nanoseconds since 1970. Raises ValueError for what is no time, or none that traces are made in."""
    time_ns = _of_text(value) if isinstance(value, str) else _of_number(value)
    if not limits.EARLIEST_NS <= time_ns < limits.LATEST_NS:
        raise ValueError(f"must lie between {limits.EARLIEST.year} and {limits.LATEST.year}")
    return time_ns


def moment(time_ns: int) -> datetime:
    return EPOCH + timedelta(microseconds=time_ns // 1000)


def iso(time_ns: int) -> str:
    return moment(time_ns).isoformat().replace("+00:00", "Z")


def _of_text(value: str) -> int:
    try:
        time = datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("must be ISO 8601, such as 2026-08-06T09:30:00Z, or a number since 1970") from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return (time - EPOCH) // timedelta(microseconds=1) * 1000


def _of_number(value: float) -> int:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    unit = next((unit for bound, unit in UNITS if abs(value) < bound), 1)
    # Whole microseconds: a float cannot carry more of a present-day time, and rounding must not differ.
    return value * unit if isinstance(value, int) else round(value * unit / 1000) * 1000
