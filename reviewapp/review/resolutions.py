"""The outcome of an item's labels: single, majority, or a lead's decision; appended, with its basis.

Confirmed is a failure that two people saw independently before any reveal: two labels, or one label and a
different lead's decision. `cannot_tell` counts for neither.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now

from reviewapp.models import User
from reviewapp.review import rows
from reviewapp.review.models import (
    Assignment,
    Cause,
    Flag,
    ItemKind,
    ItemState,
    Label,
    Method,
    Preference,
    Purpose,
    Resolution,
    ReviewItem,
    State,
    Verdict,
)
from reviewapp.review.refusals import Invalid, ItemClosed

# Why an item waits for a lead (ReviewItem.adjudication_reason).
REASONS = {
    "tie": "The reviewers disagree",
    "cannot_tell": "Reviewers could not tell",
    "changed_mind": "Someone changed the answer after the reveal",
    "asked": "A lead asked for it",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """Where an item stands by its labels, and the resolution, not yet stored, if they come to one."""

    state: ItemState
    reason: str = ""
    resolution: Resolution | None = None


def decide(item: ReviewItem, done: Sequence[Assignment]) -> Decision:
    """What the submitted assignments come to. A label that is not yet stored counts with the id 0."""
    if len(done) < item.required:
        return Decision(ItemState.OPEN)
    if item.purpose != Purpose.REVIEW:
        return Decision(ItemState.RESOLVED)
    labels = [label for each in done if (label := each.counted or each.current)]
    if any(_has_changed_mind(each) for each in done):
        return Decision(ItemState.ADJUDICATION, "changed_mind")
    found = majority([said(label) for label in labels])
    if found is None or found == Verdict.CANNOT_TELL:
        unsure = any(label.verdict == Verdict.CANNOT_TELL for label in labels)
        return Decision(ItemState.ADJUDICATION, "cannot_tell" if unsure else "tie")
    agreeing = [label for label in labels if said(label) == found]
    resolution = rows.new(
        Resolution,
        method=Method.SINGLE if len(labels) == 1 else Method.MAJORITY,
        confirmed=found == Verdict.FAIL and len(_independent(item, agreeing)) >= 2,
        failure_modes=_shared_modes(agreeing),
        corrected_output=next((label.corrected_output for label in agreeing if label.corrected_output), ""),
        labels=[label.pk or 0 for label in labels],
        **_outcome(item, found),
    )
    return Decision(ItemState.RESOLVED, "", resolution)


def submitted(item: ReviewItem) -> list[Assignment]:
    """In the order in which they were first claimed."""
    done = Assignment.objects.filter(item=item, state=State.SUBMITTED)
    return list(done.select_related("current", "counted").order_by("pk"))


def settle(item: ReviewItem) -> Resolution | None:
    """Bring state and resolution in line with the stored labels. The item is locked by the caller.

    The resolution that stands now; None while labels are wanting or a lead has to decide. A label that is
    handed in settles its item by `labels.HAND_IN`.
    """
    decision = decide(item, submitted(item))
    resolution = decision.resolution and _append(item, decision.resolution)
    return _stand(item, decision.state, decision.reason, resolution)


def said(label: Label) -> str:
    return label.verdict or label.preference


def majority(votes: Sequence[str]) -> str | None:
    """What more than half of them say, or None."""
    if not votes:
        return None
    value, count = Counter(votes).most_common(1)[0]
    return value if 2 * count > len(votes) else None


def _has_changed_mind(assignment: Assignment) -> bool:
    current, counted = assignment.current, assignment.counted
    return current is not None and counted is not None and said(current) != said(counted)


def _independent(item: ReviewItem, labels: Iterable[Label]) -> set[int]:
    """The reviewers behind pre-reveal labels; in a blind queue also of none that was revealed with another
    item before."""
    told_first = [label for label in labels if label.kind in ("answer", "amend")]
    return {label.reviewer_id for label in told_first if label.blind or not item.queue.blind}


def _shared_modes(labels: Sequence[Label]) -> list[str]:
    """The failure modes that any of them named, the most often named first."""
    return [
        mode for mode, _ in Counter(mode for label in labels for mode in label.failure_modes).most_common()
    ]


def _outcome(item: ReviewItem, value: str) -> dict[str, str]:
    return {"preference": value} if item.kind == ItemKind.PAIR else {"verdict": value}


def _stand(
    item: ReviewItem, state: ItemState, reason: str, resolution: Resolution | None = None
) -> Resolution | None:
    item.state, item.adjudication_reason, item.resolution = state, reason, resolution
    values = [state, reason, resolution and resolution.pk, item.open_slots, item.pk]
    rows.change(STAND, values)
    return resolution


STAND = """
    UPDATE reviewapp_reviewitem SET state = %s, adjudication_reason = %s, resolution_id = %s, open_slots = %s
    WHERE id = %s
"""


def _append(item: ReviewItem, resolution: Resolution) -> Resolution:
    last = rows.one("SELECT max(revision) FROM reviewapp_resolution WHERE item_id = %s", [item.pk])
    resolution.item, resolution.revision = item, ((last and last[0]) or 0) + 1
    return rows.add(resolution)


def withdraw(item: ReviewItem) -> None:
    """A label was taken back: what rested on it stands no longer. The item is locked by the caller."""
    if item.resolution_id is not None:
        _append(item, Resolution(method=Method.WITHDRAWN))
    _stand(item, ItemState.OPEN, "")


@transaction.atomic
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
    """Append a lead's decision; it closes the item. Raises Invalid, ItemClosed.

    A lead's own label is no second opinion: the decision confirms a failure only with another's label.
    """
    locked = ReviewItem.objects.select_for_update(no_key=True).get(pk=item.pk)
    _check_decision(locked, verdict, preference, str(cause))
    labels = list(Label.objects.filter(counted_of__item=locked).order_by("pk"))
    failing = [label for label in labels if label.verdict == Verdict.FAIL]
    others = _independent(locked, failing) - {lead.pk}
    decision = Resolution(
        method=Method.ADJUDICATED,
        verdict=verdict,
        preference=preference,
        confirmed=verdict == Verdict.FAIL and bool(others),
        cause=cause,
        note=note,
        failure_modes=list(failure_modes) if verdict == Verdict.FAIL else [],
        corrected_output=corrected_output,
        labels=[label.pk for label in labels],
        by=lead,
    )
    resolution = _append(locked, decision)
    _close(locked)
    _stand(locked, ItemState.RESOLVED, "", resolution)
    _close_flags(locked, lead, flag_rubric, note)
    item.state, item.resolution, item.open_slots = locked.state, resolution, locked.open_slots
    return resolution


def _check_decision(item: ReviewItem, verdict: str, preference: str, cause: str) -> None:
    errors = []
    if item.kind == ItemKind.PAIR and (preference not in Preference.values or verdict):
        errors.append({"field": "preference", "error": f"must be one of {', '.join(Preference.values)}"})
    if item.kind == ItemKind.TRACE and (verdict not in ("pass", "fail") or preference):
        errors.append({"field": "verdict", "error": "must be pass or fail"})
    if cause not in ("", *Cause.values):
        errors.append({"field": "cause", "error": f"must be one of {', '.join(Cause.values)}"})
    if errors:
        raise Invalid("The decision is not complete: see each field.", errors)
    if item.state == ItemState.REMOVED:
        raise ItemClosed("This item was removed from the queue.")
    if not Label.objects.filter(current_of__item=item).exists():
        raise ItemClosed("Nobody has labelled this item yet, so there is nothing to decide between.")


def _close(item: ReviewItem) -> None:
    """No more labels: open slots are taken away and running leases end."""
    running = Assignment.objects.filter(item=item, state=State.LEASED)
    running.update(state=State.RELEASED, token=None, lease_until=None)
    item.open_slots = 0


def _close_flags(item: ReviewItem, lead: User, flag_rubric: bool, note: str) -> None:
    Flag.objects.filter(item=item, closed_at=None).update(closed_at=Now(), closed_by=lead.username)
    if flag_rubric:
        Flag.objects.create(item=item, reviewer=lead, note=note, on_rubric=True)


@transaction.atomic
def ask_for_decision(item: ReviewItem) -> None:
    """Put a labelled item before a lead, who may confirm it or overrule it."""
    locked = ReviewItem.objects.select_for_update(no_key=True).get(pk=item.pk)
    if locked.state != ItemState.RESOLVED:
        raise ItemClosed("Only an item that has been labelled can be sent to a lead.")
    ReviewItem.objects.filter(pk=item.pk).update(state=ItemState.ADJUDICATION, adjudication_reason="asked")


def publish(resolutions: Iterable[int]) -> None:
    """Note that these are part of a published golden version. For the floor above."""
    Resolution.objects.filter(pk__in=list(resolutions), published_at=None).update(published_at=Now())
