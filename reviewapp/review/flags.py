"""A reviewer asks a lead to look: flags on items and, through them, on the rubric."""

from __future__ import annotations

from django.db.models.functions import Now

from ingest import limits, sanitising
from reviewapp.models import User
from reviewapp.review.models import Flag, ReviewItem


def flag(item: ReviewItem, reviewer: User, note: str = "", *, on_rubric: bool = False) -> Flag:
    """Put the item before the leads; the review of it goes on. Flagging again changes the note."""
    told = sanitising.text(note.strip(), set(), limits.TEXT_CHARACTERS)
    mine, _ = Flag.objects.update_or_create(
        item=item, reviewer=reviewer, closed_at=None, defaults={"note": told, "on_rubric": on_rubric}
    )
    return mine


def close(item: ReviewItem, by: User) -> int:
    return Flag.objects.filter(item=item, closed_at=None).update(closed_at=Now(), closed_by=by.username)
