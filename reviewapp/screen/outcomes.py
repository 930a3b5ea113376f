"""What is a reviewer told of what an item came to, before anybody else has had a say in it?

The same of a hidden item as of any other, in words that are true of both: that nothing depends on a label, or
that it is compared with what is known, would mark the item, and with it all that are like it.
"""

from __future__ import annotations

from reviewapp.review.models import (
    Assignment,
    ItemState,
    Method,
    Purpose,
    ReviewItem,
    Verdict,
)
from reviewapp.review.resolutions import said

ASKED, UNDECIDED, KEPT = "others are asked", "undecided", "kept"


def is_set_aside(item: ReviewItem) -> bool:
    """Whether it was removed before anybody else had a say: nothing comes of it any more."""
    return item.state == ItemState.REMOVED and (item.resolution is None or rests_on_one(item))


def rests_on_one(item: ReviewItem) -> bool:
    """Whether no one but a single reviewer, and no lead, had a part in where the item stands. One that waits
    for others, of whom some may have answered, is none such."""
    if item.purpose != Purpose.REVIEW:
        return True
    if item.state == ItemState.ADJUDICATION and item.adjudication_reason == "asked":
        return False
    if item.resolution is not None:
        return item.resolution.method == Method.SINGLE
    return item.required == 1


def asks_several(item: ReviewItem) -> bool:
    """Whether more than one reviewer is asked about what it shows."""
    return (item.original or item).required > 1


def settles(assignment: Assignment) -> bool:
    """Whether the label could decide: it can tell, and says what it said before the reveal."""
    current, counted = assignment.current, assignment.counted
    if current is None or current.verdict == Verdict.CANNOT_TELL:
        return False
    return counted is None or said(counted) == said(current)


def in_short(assignment: Assignment) -> str:
    """For a list of one's own labels; empty where others or a lead had a say."""
    item = assignment.item
    if is_set_aside(item):
        return KEPT
    if item.state == ItemState.OPEN or (rests_on_one(item) and asks_several(item)):
        return ASKED
    if not rests_on_one(item):
        return ""
    return KEPT if settles(assignment) else UNDECIDED


def in_full(assignment: Assignment, words: str) -> tuple[str, str]:
    """For the reveal of an item of which nobody else has said anything: icon and sentence. `words` say what
    the label says."""
    if asks_several(assignment.item):
        return "clock", "Others are asked as well, each alone; it is decided once all have answered."
    if settles(assignment):
        return "check", f"Your label stands by itself: {words}. Nobody else is asked."
    return "people", "Your label is kept. By itself it decides nothing: that is for a lead."
