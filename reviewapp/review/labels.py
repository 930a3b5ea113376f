"""What a reviewer says of an item: submit, take back, change after the reveal. Revisions are only appended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from reviewapp.review.actors import Actor
from reviewapp.review.leases import Lease
from reviewapp.review.models import Label, ReviewItem


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, as it came: `labels.submit` checks it against the item's rubric version.

    `answers` by criterion key: pass_fail "pass"|"fail"; choice and scale the option's value;
    multiple_choice a list of values; number a number; text a string. An absent or empty one is no answer.
    """

    verdict: str = ""
    preference: str = ""
    confidence: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    failure_modes: list[str] = field(default_factory=list)
    note: str = ""
    corrected_output: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """`is_new` is False for a repeat of an idempotency key: `label` is then the first answer's."""

    label: Label
    is_new: bool


def submit(item: ReviewItem, actor: Actor, token: UUID, answer: Answer, key: str = "") -> Submitted:
    """Append the label and settle the item, in one transaction. Raises LeaseLost, Invalid.

    `key` is the idempotency key; without one the lease's token serves.
    """
    raise NotImplementedError


def undo(item: ReviewItem, actor: Actor) -> Lease:
    """Take one's label back and hold the item again, the text in its draft. Raises NothingToUndo, Published."""
    raise NotImplementedError


def reveal(item: ReviewItem, actor: Actor) -> None:
    """Note that this reviewer now sees judge and peers: call it before showing any of it, after the submit.

    From then on another answer is a revision marked post_reveal, which no figure counts.
    """
    raise NotImplementedError


def change_mind(item: ReviewItem, actor: Actor, answer: Answer) -> Label:
    """Append a post_reveal revision to one's submitted label. Raises Invalid, NothingToUndo."""
    raise NotImplementedError
