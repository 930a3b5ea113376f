"""What does the reviewer's screen show: the form of an item one holds, the reveal, or an item of others?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse

from reviewapp.models import Membership, User
from reviewapp.review import answers, blindness, drafts
from reviewapp.review.leases import Lease
from reviewapp.review.models import Assignment, Label, Queue, ReviewItem, SkipReason
from reviewapp.screen import criteria, evidence, revealing, sides, sittings
from reviewapp.screen.criteria import Part
from reviewapp.screen.evidence import Judged
from reviewapp.screen.revealing import Heard, Reveal
from reviewapp.screen.sides import Side
from reviewapp.screen.sittings import Decision, Sitting

WRITTEN = ("note", "corrected_output")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a form comes back: fields refused, or the lease lost (the text stays)."""

    problem: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    lost: str = ""
    can_retake: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """Exactly one of `parts` (to be answered), `reveal` and `closed` (words) is there."""

    item: ReviewItem
    queue: Queue
    address: str
    sitting: Sitting
    judged: Judged
    order: str = ""
    lease: Lease | None = None
    seconds_left: int = 0
    token: str = ""
    parts: list[Part] = field(default_factory=list)
    body: Mapping[str, Any] = field(default_factory=dict)
    draft_version: int = 0
    shown: int | None = None  # the snapshot that the reader has had before their eyes
    is_outdated: bool = False  # what was typed was typed for another
    saved_at: datetime | None = None
    submit_to: str = ""
    is_revision: bool = False
    is_told: bool = False  # of a label taken back whose reader has seen judge and peers meanwhile
    trouble: Trouble = Trouble()
    reveal: Reveal | None = None
    closed: str = ""
    can_take: bool = False
    kept: str = ""
    is_hidden: bool = False  # the same trace waits for this reader elsewhere, so what was said of it does too
    sides: tuple[Side, ...] = ()  # of a pair, once its reader may know
    heard: Heard | None = None
    reasons: list[str] = field(default_factory=list)
    terms: str = ""

    skip_reasons = SkipReason.choices

    @property
    def is_pair(self) -> bool:
        return self.item.other_trace_id is not None

    @property
    def shows_signals(self) -> bool:
        return not self.is_hidden and (not self.queue.blind or self.reveal is not None)

    @property
    def has_progress(self) -> bool:
        """Not beside an item that is none of the sitting's."""
        return not self.closed and self.sitting.total > 0

    @property
    def decisions(self) -> list[Decision]:
        return list(self.sitting.last)

    @property
    def tells_judges(self) -> bool:
        """Whether the rail has a decision beside which the judge's word stands."""
        return any(decision.is_told for decision in self.decisions)


def held(lease: Lease, reviewer: User, *, raw_text: bool = False, sitting: Sitting | None = None) -> Screen:
    """The form, with what was typed before."""
    draft = None if lease.draft is None else drafts.load(lease.item, reviewer)
    body = draft.body if draft else {}
    if is_outdated := draft is not None and drafts.is_outdated(draft, lease.item):
        # What was written is kept; what was chosen is to be chosen for the text that stands there now.
        body = {name: body[name] for name in WRITTEN if name in body}
    return _form(
        lease.item,
        reviewer,
        order=lease.display_order,
        body=body,
        raw_text=raw_text,
        sitting=sitting,
        lease=lease,
        token=str(lease.token),
        seconds_left=lease.seconds_left,
        draft_version=draft.version if draft else 0,
        shown=lease.item.snapshot_id,
        is_outdated=is_outdated,
        saved_at=draft.updated_at if draft else None,
    )


def refused(
    item: ReviewItem,
    reviewer: User,
    body: Mapping[str, Any],
    trouble: Trouble,
    lease: Lease | None,
    token: str,
    shown: int | None,
) -> Screen:
    """The form with the text as it was sent, and why it was not taken."""
    draft = drafts.load(item, reviewer)
    assignment = Assignment.objects.filter(item=item, reviewer=reviewer).first()
    return _form(
        item,
        reviewer,
        order=assignment.display_order if assignment else "ab",
        body=body,
        trouble=trouble,
        lease=lease,
        token=token,
        seconds_left=lease.seconds_left if lease else 0,
        draft_version=draft.version if draft else 0,
        shown=shown,
        is_outdated=shown is not None and shown != item.snapshot_id,
    )


def revision(
    item: ReviewItem,
    reviewer: User,
    assignment: Assignment,
    body: Mapping[str, Any] | None = None,
    trouble: Trouble | None = None,
) -> Screen:
    """The form again, for a change of mind after the reveal."""
    assert assignment.current is not None
    return _form(
        item,
        reviewer,
        order=assignment.display_order,
        body=body or body_of_label(assignment.current),
        trouble=trouble or Trouble(),
        is_revision=True,
        is_told=True,
        submit_to=reverse("change_mind", args=[item.queue.project.slug, item.pk]),
    )


def revealed(
    item: ReviewItem,
    reviewer: User,
    assignment: Assignment,
    *,
    raw_text: bool = False,
    is_hidden: bool = False,
) -> Screen:
    """With `is_hidden` one's own label alone."""
    order = assignment.display_order
    shown = _signals(item) | {"sides": sides.of_item(item, order)} if not is_hidden else {}
    return _screen(
        item,
        reviewer,
        order,
        raw_text=raw_text,
        reveal=revealing.tell(item, assignment, is_hidden=is_hidden),
        is_hidden=is_hidden,
        **shown,
    )


def closed(
    item: ReviewItem, reviewer: User, words: str, *, can_take: bool = False, raw_text: bool = False
) -> Screen:
    """An item that this reviewer neither holds nor has labelled; `kept` is what was typed on it."""
    draft = drafts.load(item, reviewer)
    said = draft.body if draft else {}
    kept = "\n\n".join(filter(None, (said.get("note"), said.get("corrected_output"))))
    return _screen(item, reviewer, "ab", raw_text=raw_text, closed=words, can_take=can_take, kept=kept)


def _form(
    item: ReviewItem,
    reviewer: User,
    *,
    order: str,
    body: Mapping[str, Any],
    raw_text: bool = False,
    **more: Any,
) -> Screen:
    trouble: Trouble = more.get("trouble", Trouble())
    asked = criteria.parts(
        item.rubric_version,
        answers.form_of(item.rubric_version).criteria,
        body,
        trouble.errors,
        order if item.other_trace_id else "",
    )
    more.setdefault("submit_to", reverse("submit_label", args=[item.queue.project.slug, item.pk]))
    # Whatever was taken back has its text in the form.
    more.setdefault("is_told", bool(body) and item.queue.blind and has_been_told(item, reviewer))
    is_hidden = not item.queue.blind and waits_elsewhere(item, reviewer)
    shows_signals = not item.queue.blind and not is_hidden
    if shows_signals:
        # What was said of the same trace in a blind queue could be taken back and given anew.
        blindness.note_opened(item, reviewer)
    shown = _signals(item) if shows_signals else {}
    return _screen(
        item, reviewer, order, raw_text=raw_text, parts=asked, body=body, is_hidden=is_hidden, **shown, **more
    )


def has_been_told(item: ReviewItem, reader: User) -> bool:
    return Assignment.objects.filter(item=item, reviewer=reader, revealed_at__isnull=False).exists()


def waits_elsewhere(item: ReviewItem, reader: User) -> bool:
    """Whether a trace of the item is still to be judged by the reader in a blind queue, or once more."""
    membership = Membership.objects.get(project=item.queue.project_id, user=reader)
    return blindness.is_still_to_judge(membership, [item.trace, item.other_trace])


def _screen(
    item: ReviewItem,
    reviewer: User,
    order: str,
    *,
    raw_text: bool,
    sitting: Sitting | None = None,
    **more: Any,
) -> Screen:
    return Screen(
        item=item,
        queue=item.queue,
        address=reverse("item", args=[item.queue.project.slug, item.pk]),
        sitting=sittings.sitting(item.queue, reviewer, sitting),
        judged=evidence.of_item(item, order, raw_text=raw_text),
        order=order,
        **more,
    )


def _signals(item: ReviewItem) -> dict[str, Any]:
    return {
        "heard": revealing.heard_of(item),
        "reasons": sittings.reasons(item.reasons),
        "terms": revealing.terms(item.terms, item.priority),
    }


def body_of_label(label: Label) -> dict[str, Any]:
    """A label in the words of the form."""
    given = label.answers.select_related("criterion")
    return {
        "verdict": label.verdict,
        "preference": label.preference,
        "confidence": label.confidence,
        "answers": {answer.criterion.key: answer.value for answer in given},
        "failure_modes": label.failure_modes,
        "note": label.note,
        "corrected_output": label.corrected_output,
    }
