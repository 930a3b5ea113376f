"""Who holds which item: claim, heartbeat, release, skip, and what happens when a lease runs out.

A lease is an Assignment in state `leased`; its token alone lets it submit. All clocks are the database's.
Locks are taken in one order everywhere: the item, then the assignment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from reviewapp.models import User
from reviewapp.review.models import Queue, ReviewItem, SkipReason


@dataclass(frozen=True, slots=True)
class Lease:
    """`item` comes with queue, rubric version and snapshot. `display_order` of a pair: "ab" or "ba"."""

    item: ReviewItem
    assignment_id: int
    token: UUID
    expires_at: datetime
    display_order: str


def claim(queue: Queue, reviewer: User) -> Lease | None:
    """The next item for this reviewer, held for `lease_seconds`; None when there is none.

    Each call gives another item (the page fetches the next one ahead). Raises NotAllowed.
    """
    raise NotImplementedError


def held(queue: Queue, reviewer: User) -> list[Lease]:
    """The leases that still run, the oldest first: where a reviewer who comes back resumes."""
    raise NotImplementedError


def reclaim(item: ReviewItem, reviewer: User) -> Lease:
    """Take this item (again): after an expiry, to open one by its address. Raises ItemClosed, NotAllowed."""
    raise NotImplementedError


def heartbeat(item: ReviewItem, reviewer: User, token: UUID) -> datetime:
    """Renew the lease; until when it now runs. Raises LeaseLost."""
    raise NotImplementedError


def release(item: ReviewItem, reviewer: User, token: UUID) -> None:
    """Give the item back, at its place for everyone. Raises LeaseLost."""
    raise NotImplementedError


def skip(item: ReviewItem, reviewer: User, token: UUID, reason: SkipReason) -> None:
    """Give the item back to others; it comes last in one's own order. Raises LeaseLost."""
    raise NotImplementedError


def expire(limit: int = 500) -> int:
    """Free the slots of leases that have run out; how many. The worker's job; claim does it too."""
    raise NotImplementedError
