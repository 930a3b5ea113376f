"""What an item's labels come to: single, majority, or a lead's decision; appended, with what it rests on."""

from __future__ import annotations

from collections.abc import Iterable

from reviewapp.models import User
from reviewapp.review.models import Cause, Resolution, ReviewItem

# Why an item waits for a lead (ReviewItem.adjudication_reason).
REASONS = {
    "tie": "The reviewers disagree",
    "cannot_tell": "Reviewers could not tell",
    "changed_mind": "Someone changed the answer after the reveal",
    "asked": "A lead asked for it",
}


def settle(item: ReviewItem) -> Resolution | None:
    """Bring state and resolution in line with the labels. The item is locked by the caller."""
    raise NotImplementedError


def adjudicate(
    item: ReviewItem,
    lead: User,
    *,
    verdict: str = "",
    preference: str = "",
    cause: Cause | str = "",
    note: str = "",
    failure_modes: Iterable[str] = (),
    corrected_output: str = "",
    flag_rubric: bool = False,
) -> Resolution:
    """Append a lead's decision. A lead's own label is no second opinion: it confirms with another's only."""
    raise NotImplementedError


def publish(resolutions: Iterable[int]) -> None:
    """Note that these are part of a published golden version. For the floor above."""
    raise NotImplementedError
