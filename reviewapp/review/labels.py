"""What a reviewer says of an item: submit, take back, change after the reveal. Only ever appended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.db.models.functions import Now

from reviewapp.models import User
from reviewapp.review import answers, leases, resolutions, rows, snapshots
from reviewapp.review.actors import Actor
from reviewapp.review.answers import Answer
from reviewapp.review.leases import Lease
from reviewapp.review.models import (
    Assignment,
    Draft,
    ItemState,
    Kind,
    Label,
    LabelAnswer,
    Method,
    Queue,
    Resolution,
    ReviewItem,
    State,
)
from reviewapp.review.refusals import Invalid, ItemClosed, LeaseLost, NothingToUndo, Published

__all__ = ["Answer", "Submitted", "change_mind", "last_submitted", "reveal", "submit", "undo"]


@dataclass(frozen=True, slots=True)
class Submitted:
    """`is_new` is False for a repeat of an idempotency key: `label` is then the first answer's."""

    label: Label
    is_new: bool
    # As the item stands after a new label.
    item: ReviewItem | None = None


def submit(item: ReviewItem, actor: Actor, token: UUID, answer: Answer, key: str = "") -> Submitted:
    """Append the label and settle the item, in one transaction. Raises LeaseLost, Invalid.

    `key` is the idempotency key; without one the lease's token serves.
    """
    key = key or str(token)
    if known := repeat(item, actor.reviewer, key):
        return Submitted(known, is_new=False)
    answer, values = answers.check(answer, item.kind, item.rubric_version)
    if snapshots.look(item):
        raise LeaseLost(
            "More has come for this trace while you read it. Your text is kept; take the item again.",
            can_reclaim=True,
            changed=True,
        )
    try:
        return _submit(item, actor, token, answer, values, key)
    except IntegrityError:
        # The key was used at the same moment for another item.
        if known := repeat(item, actor.reviewer, key):
            return Submitted(known, is_new=False)
        raise


def repeat(item: ReviewItem, reviewer: User, key: str) -> Label | None:
    """The label that this key has given already. Raises Invalid if that was for another item."""
    found = rows.one(KNOWN, [reviewer.pk, key])
    if found is None:
        return None
    label = Label.objects.select_related("assignment").get(pk=found[0])
    if label.assignment.item_id != item.pk:
        errors = [{"field": "idempotency_key", "error": "has been used for another item; take a new one"}]
        raise Invalid("This idempotency key belongs to another label.", errors)
    return label


KNOWN = """
    SELECT id FROM reviewapp_label WHERE reviewer_id = %s AND idempotency_key = %s AND idempotency_key <> ''
"""


@transaction.atomic
def _submit(
    item: ReviewItem, actor: Actor, token: UUID, answer: Answer, values: dict[int, Any], key: str
) -> Submitted:
    locked = lock(item)
    assignment = held_by(item, actor.reviewer)
    if assignment is None or assignment.token != token:
        # A second tab or a doubled click may have been quicker, with the same key.
        if known := repeat(item, actor.reviewer, key):
            return Submitted(known, is_new=False)
        raise leases.lost(item, actor.reviewer)
    if locked.rubric_version_id != item.rubric_version_id:
        raise LeaseLost("The queue has moved to another rubric version. Take it again.", can_reclaim=True)
    label = append(locked, assignment, actor, answer, values, key)
    counted = assignment.counted if label.kind == Kind.POST_REVEAL else label
    if not rows.change(HAND_IN, [label.pk, counted and counted.pk, assignment.pk, token]):
        raise leases.lost(item, actor.reviewer)
    rows.change("DELETE FROM reviewapp_draft WHERE assignment_id = %s", [assignment.pk])
    hold_traces(locked)
    assignment.state, assignment.current, assignment.counted = State.SUBMITTED, label, counted
    resolutions.settle(locked, assignment if locked.required == 1 else None)
    return Submitted(label, True, locked)


HAND_IN = """
    UPDATE reviewapp_assignment SET state = 'submitted', current_id = %s, counted_id = %s,
        submitted_at = statement_timestamp(), token = NULL, lease_until = NULL
    WHERE id = %s AND token = %s AND state = 'leased' AND lease_until > clock_timestamp()
"""


def lock(item: ReviewItem) -> ReviewItem:
    """The row as it stands, locked, with what is at hand of what it points to."""
    locked = rows.find(ReviewItem, "r.id = %s", [item.pk], lock=True)
    if locked is None:
        raise ItemClosed("This item is gone with its trace.")
    locked.queue = item.queue
    for name in ("trace", "other_trace", "snapshot"):
        pk = getattr(locked, f"{name}_id")
        if pk == getattr(item, f"{name}_id") and item._meta.get_field(name).is_cached(item):  # type: ignore[union-attr]
            setattr(locked, name, getattr(item, name))
    return locked


def held_by(item: ReviewItem, reviewer: User) -> Assignment | None:
    """With `last`, the newest label's revision, and `seconds` since the claim."""
    found: Assignment | None = next(iter(Assignment.objects.raw(HELD, [item.pk, reviewer.pk])), None)
    return found


HELD = """
    SELECT a.*, extract(epoch FROM clock_timestamp() - a.claimed_at)::float8 AS seconds,
        coalesce((SELECT max(l.revision) FROM reviewapp_label l WHERE l.assignment_id = a.id), 0) AS last
    FROM reviewapp_assignment a WHERE a.item_id = %s AND a.reviewer_id = %s
"""


def append(
    item: ReviewItem, assignment: Assignment, actor: Actor, answer: Answer, values: dict[int, Any], key: str
) -> Label:
    last, seconds = assignment.last, assignment.seconds  # type: ignore[attr-defined]
    label = Label(
        assignment=assignment,
        revision=last + 1,
        kind=kind_of(assignment, last),
        via=actor.via,
        reviewer=actor.reviewer,
        token=actor.token,
        impersonated=actor.impersonated,
        rubric_version_id=item.rubric_version_id,
        snapshot_id=item.snapshot_id,
        blind=item.queue.blind,
        verdict=answer.verdict,
        preference=answer.preference,
        confidence=answer.confidence,
        failure_modes=answer.failure_modes,
        note=answer.note,
        corrected_output=answer.corrected_output,
        idempotency_key=key,
        seconds=seconds,
    )
    rows.add(label)
    if values:
        LabelAnswer.objects.bulk_create(
            LabelAnswer(label=label, criterion_id=criterion, value=value)
            for criterion, value in values.items()
        )
    assignment.item, label.rubric_version = item, answers.version_of(item.rubric_version_id)
    if item._meta.get_field("snapshot").is_cached(item):
        label.snapshot = item.snapshot
    return label


def kind_of(assignment: Assignment, last: int) -> Kind:
    if assignment.revealed_at is not None:
        return Kind.POST_REVEAL
    return Kind.AMEND if last else Kind.ANSWER


def hold_traces(item: ReviewItem) -> None:
    """What has a label is kept by retention."""
    traces = [pk for pk in (item.trace_id, item.other_trace_id) if pk]
    rows.change("UPDATE ingest_trace SET held = true WHERE id = ANY(%s) AND NOT held", [traces])


def last_submitted(queue: Queue, reviewer: User) -> ReviewItem | None:
    """What undo would take back."""
    done = Assignment.objects.filter(item__queue=queue, reviewer=reviewer, state=State.SUBMITTED)
    last = done.select_related("item__rubric_version").order_by("-submitted_at").first()
    if last is None:
        return None
    last.item.queue = queue
    return last.item


@transaction.atomic
def undo(item: ReviewItem, actor: Actor) -> Lease:
    """Take one's label back and hold the item again, the text in its draft.

    Raises NothingToUndo, Published, ItemClosed.
    """
    locked = lock(item)
    refuse_if_removed(locked)
    assignment = (
        Assignment.objects.filter(item=item, reviewer=actor.reviewer, state=State.SUBMITTED)
        .select_related("current")
        .first()
    )
    if assignment is None or assignment.current is None:
        raise NothingToUndo("You have no label on this item that could be taken back.")
    refuse_if_decided(locked)
    label = assignment.current
    keep_as_draft(assignment, label)
    last = Label.objects.filter(assignment=assignment).aggregate(last=Max("revision"))["last"]
    Label.objects.create(
        assignment=assignment,
        revision=last + 1,
        kind=Kind.UNDO,
        via=actor.via,
        reviewer=actor.reviewer,
        token=actor.token,
        impersonated=actor.impersonated,
        rubric_version_id=label.rubric_version_id,
        snapshot_id=label.snapshot_id,
        blind=label.blind,
    )
    resolutions.withdraw(locked)
    return lease_again(locked, assignment)


def refuse_if_removed(item: ReviewItem) -> None:
    """To open it again for another answer would bring back what a human took out."""
    if item.state == ItemState.REMOVED:
        raise ItemClosed("This item was removed from the queue. Your label stays.")


def refuse_if_decided(item: ReviewItem) -> None:
    if Resolution.objects.filter(item=item, published_at__isnull=False).exists():
        raise Published("This label is part of a published golden version, so it stays. Tell a lead.")
    if item.resolution is not None and item.resolution.method == Method.ADJUDICATED:
        raise NothingToUndo("A lead has decided this item with your label in view. Tell the lead.")


def keep_as_draft(assignment: Assignment, label: Label) -> None:
    given = LabelAnswer.objects.filter(label=label).values_list("criterion__key", "value")
    said = Answer(
        label.verdict,
        label.preference,
        label.confidence,
        dict(given),
        label.failure_modes,
        label.note,
        label.corrected_output,
    )
    Draft.objects.update_or_create(assignment=assignment, defaults={"body": said.body(), "version": 1})


def lease_again(item: ReviewItem, assignment: Assignment) -> Lease:
    """The slot stays taken, now by a lease. What was counted before a reveal goes on being counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reviewapp_assignment SET state = 'leased', current_id = NULL, submitted_at = NULL, "
            "counted_id = CASE WHEN revealed_at IS NULL THEN NULL ELSE counted_id END, "
            "token = gen_random_uuid(), claimed_at = clock_timestamp(), "
            "lease_until = clock_timestamp() + %s * interval '1 second' "
            "WHERE id = %s RETURNING token, lease_until",
            [item.queue.lease_seconds, assignment.pk],
        )
        token, until = cursor.fetchone()
    return Lease(item, assignment.pk, token, until, assignment.display_order)


def reveal(item: ReviewItem, actor: Actor) -> None:
    """Note that this reviewer now sees judge and peers: call it before showing any of it, after the submit.

    From then on another answer is a revision marked post_reveal, which no figure counts.
    """
    mine = Assignment.objects.filter(item=item, reviewer=actor.reviewer, state=State.SUBMITTED)
    mine.filter(revealed_at=None).update(revealed_at=Now())


def change_mind(item: ReviewItem, actor: Actor, answer: Answer) -> Label:
    """Append a post_reveal revision to one's submitted label. Raises Invalid, NothingToUndo, ItemClosed."""
    reveal(item, actor)
    answer, values = answers.check(answer, item.kind, item.rubric_version)
    with transaction.atomic():
        locked = lock(item)
        refuse_if_removed(locked)
        assignment = held_by(item, actor.reviewer)
        if assignment is None or assignment.state != State.SUBMITTED:
            raise NothingToUndo("You have no label on this item that could be changed.")
        label = append(locked, assignment, actor, answer, values, "")
        Assignment.objects.filter(pk=assignment.pk).update(current=label)
        if locked.resolution is None or locked.resolution.method != Method.ADJUDICATED:
            resolutions.settle(locked)
    return label
