"""A reviewer asks a lead to look: flags on items and, through them, on the rubric."""

from __future__ import annotations

from django.db.models import QuerySet
from django.db.models.functions import Now

from ingest import limits, sanitising
from reviewapp.models import User
from reviewapp.review.models import Flag, ReviewItem, Rubric


def flag(item: ReviewItem, reviewer: User, note: str = "", *, on_rubric: bool = False) -> Flag:
    """Put the item before the leads; the review of it goes on. Flagging again changes the note."""
    told = sanitising.text(note.strip(), set(), limits.TEXT_CHARACTERS)
    mine, _ = Flag.objects.update_or_create(
        item=item, reviewer=reviewer, closed_at=None, defaults={"note": told, "on_rubric": on_rubric}
    )
    return mine


def on_rubric(rubric: Rubric) -> QuerySet[Flag]:
    """What reviewers and leads found unclear in it, the newest first: for its next version."""
    found = Flag.objects.filter(closed_at=None, on_rubric=True, item__rubric_version__rubric=rubric)
    return found.select_related("reviewer", "item__trace", "item__rubric_version").order_by("-created_at")


def close(item: ReviewItem, by: User) -> int:
    return Flag.objects.filter(item=item, closed_at=None).update(closed_at=Now(), closed_by=by.username)
