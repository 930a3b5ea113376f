"""In which order are items served? Two keys that never change while an item waits, the greatest first.

Risk lane: priority - c * enqueued_at, so an item that waits gains on every newer one and nothing starves.
Audit lane: the oldest day first, within it ascending u, whatever the priority.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

# An item that has waited so long comes before a new one whose priority is greater by 1.
SECONDS_A_POINT = 14 * 86_400.0
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def risk(priority: float, enqueued_at: datetime) -> float:
    return priority - (enqueued_at - EPOCH).total_seconds() / SECONDS_A_POINT


def audit(day: date, u: float) -> float:
    return -((day - EPOCH.date()).days + u)
