"""What has been typed and not submitted: saved while typing, in versions, and kept when a lease runs out."""

from __future__ import annotations

from typing import Any

from reviewapp.models import User
from reviewapp.review.models import Draft, ReviewItem


def load(item: ReviewItem, reviewer: User) -> Draft | None:
    raise NotImplementedError


def save(item: ReviewItem, reviewer: User, version: int, body: dict[str, Any]) -> Draft:
    """Keep the text; `version` is the one that was read (0: none yet). Needs no lease, only an assignment.

    Raises DraftConflict with what another tab saved, NotAllowed without an assignment.
    """
    raise NotImplementedError
