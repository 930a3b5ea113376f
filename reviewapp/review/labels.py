"""What a reviewer says of an item: submit, take back, change after the reveal. Only ever appended."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max
from django.db.models.functions import Now

from reviewapp.models import User
from reviewapp.review import answers, exposures, leases, resolutions, rows, snapshots, standing
from reviewapp.review.actors import Actor
from reviewapp.review.answers import Answer
from reviewapp.review.leases import Lease
from reviewapp.review.models import (
    Assignment,
    Draft,
    ItemKind,
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
from reviewapp.review.refusals import Invalid, ItemClosed, LeaseLost, NothingToUndo, Published, Refusal
from reviewapp.review.resolutions import Decision
from reviewapp.review.standing import Outdated, Standing

__all__ = ["Answer", "Submitted", "change_mind", "last_submitted", "reveal", "submit", "undo"]


@dataclass(frozen=True, slots=True)
class Submitted:
    """`is_new` is False for a repeat of an idempotency key: `label` is then the first answer's."""

    label: Label
    is_new: bool
    # Of a new label: the answers by criterion id.
    values: dict[int, Any] = field(default_factory=dict)


def submit(item: ReviewItem, actor: Actor, token: UUID, answer: Answer, key: str = "") -> Submitted:
    """Append the label and settle the item, in one transaction. Raises LeaseLost, Invalid.

    `key` is the idempotency key; without one the lease's token serves.
    """
    key = key or str(token)
    try:
        answer, values = answers.check(answer, item.kind, item.rubric_version)
        label = _label(item, actor, answer, key)
        if not _hand_in_first(item, token, label, values):
            _hand_in_next(item, token, label, values)
    except Refusal as refusal:
        # Whatever is in the way: a key that has given a label gives it again.
        if known := repeat(item, actor.reviewer, key):
            return Submitted(known, is_new=False)
        # The questions may have changed since it was held: what is wrong with the answers is then beside it.
        if isinstance(refusal, Invalid) and not _is_held(item, actor.reviewer, token):
            raise leases.lost(item, actor.reviewer) from None
        raise
    return Submitted(label, True, values)


def submit_at_once(
    item: ReviewItem, actor: Actor, token: UUID, answer: Answer, key: str, read: Standing
) -> Submitted:
    """The same for an item that was read before, where it, its queue and the actor's token still stand.

    Raises Invalid, and Outdated when anything is different or it is not the item's first label: `submit` then
    knows.
    """
    answer, values = answers.check(answer, item.kind, item.rubric_version)
    label = _label(item, actor, answer, key or str(token))
    if not _hand_in_first(item, token, label, values, read):
        raise Outdated
    return Submitted(label, True, values)


def _is_held(item: ReviewItem, reviewer: User, token: UUID) -> bool:
    return Assignment.objects.held().filter(item=item, reviewer=reviewer, token=token).exists()


def repeat(item: ReviewItem, reviewer: User, key: str) -> Label | None:
    """The label that this key has given already. Raises Invalid if that was for another item."""
    found = rows.one(KNOWN, [reviewer.pk, key])
    if found is None:
        return None
    label = Label.objects.select_related("assignment").get(pk=found[0])
    if label.assignment.item_id != item.pk:
        errors = [{"field": "idempotency_key", "error": "has been used for another item; use a new one"}]
        raise Invalid("This idempotency key belongs to another label.", errors)
    return label


KNOWN = """
    SELECT id FROM reviewapp_label WHERE reviewer_id = %s AND idempotency_key = %s AND idempotency_key <> ''
"""


def _label(item: ReviewItem, actor: Actor, answer: Answer, key: str = "") -> Label:
    """Not yet stored, as the first one of its reviewer."""
    return rows.new(
        Label,
        revision=1,
        kind=Kind.ANSWER,
        via=actor.via,
        reviewer=actor.reviewer,
        token=actor.token,
        impersonated=actor.impersonated,
        rubric_version=answers.version_of(item.rubric_version_id),
        blind=item.queue.blind,
        verdict=answer.verdict,
        preference=answer.preference,
        confidence=answer.confidence,
        failure_modes=answer.failure_modes,
        note=answer.note,
        corrected_output=answer.corrected_output,
        idempotency_key=key,
    )


def _hand_in_first(
    item: ReviewItem, token: UUID, label: Label, values: dict[int, Any], read: Standing | None = None
) -> bool:
    """Nearly every label: the first and only one, by someone who has seen nothing else of the item.

    What it comes to is known beforehand, so that one statement does it all. False when anything differs.
    """
    if item.required != 1:
        return False
    mine = rows.new(Assignment, item=item, reviewer=label.reviewer, current=label, counted=label)
    return _hand_in(mine, token, values, resolutions.decide(item, [mine]), is_first=True, read=read)


def _hand_in_next(item: ReviewItem, token: UUID, label: Label, values: dict[int, Any]) -> None:
    """With the item locked, and what others said and came before in view. Raises LeaseLost."""
    if snapshots.look(item):
        raise LeaseLost(
            "More of this trace arrived while you were reading it. Your text is kept; take the item again.",
            can_reclaim=True,
            changed=True,
        )
    with transaction.atomic():
        locked = lock(item)
        mine = held_by(locked, label.reviewer)
        if mine is None or mine.token != token:
            raise leases.lost(item, label.reviewer)
        if locked.rubric_version_id != item.rubric_version_id:
            raise LeaseLost("The queue has moved to another rubric version. Take it again.", can_reclaim=True)
        _place_after(mine, label)
        label.blind = label.blind and not exposures.is_exposed(mine.pk)
        mine.item, mine.current = locked, label
        mine.counted = mine.counted if label.kind == Kind.POST_REVEAL else label
        decision = resolutions.decide(locked, [*resolutions.submitted(locked), mine])
        if not _hand_in(mine, token, values, decision):
            raise leases.lost(item, label.reviewer)


def _hand_in(
    mine: Assignment,
    token: UUID,
    values: dict[int, Any],
    decision: Decision,
    *,
    is_first: bool = False,
    read: Standing | None = None,
) -> bool:
    """Append `mine.current` and put its item where the decision says, if the lease still runs.

    `is_first`: only if nothing is different from what the quick way takes for granted; `read`: only if that
    still stands, too.
    """
    item = mine.item
    label, resolution = mine.current, decision.resolution or Resolution()
    assert label is not None
    parameters: dict[str, Any] = {
        **vars(label),
        **{f"r_{name}": getattr(resolution, name) for name in RESOLVED},
        "item": item.pk,
        "lease": token,
        "answers": json.dumps(values),
        "state": decision.state,
        "reason": decision.reason,
        "queue": item.queue_id,
        **(read.values() if read else {}),
    }
    statement = handing_in(item.kind, is_first, bool(values), read is not None)
    found = rows.one(statement, parameters)
    if found is None:
        return False
    mine.pk, label.pk, label.snapshot_id, label.blind, label.seconds, label.created_at = found
    label.assignment_id, mine.current_id = mine.pk, label.pk
    rows.link(label, "assignment", mine)
    rows.link(mine, "current", label)
    if label.kind != Kind.POST_REVEAL:
        mine.counted_id = label.pk
        rows.link(mine, "counted", label)
    item.state = decision.state
    if item.snapshot_id == label.snapshot_id and item._meta.get_field("snapshot").is_cached(item):
        rows.link(label, "snapshot", item.snapshot)
    return True


@cache
def handing_in(kind: str, is_first: bool, is_answered: bool, is_read_before: bool = False) -> str:
    """`is_answered`: there are answers beside the verdict, or the preference."""
    parts = {"blind": "%(blind)s", "condition": "", "typed": TYPED, "revision": NEXT_REVISION}
    if is_first:
        # Else whether its reviewer had seen anything was asked before, since the decision depends on it.
        parts["blind"] = f"%(blind)s AND NOT {exposures.SEEN}"
        parts["condition"] = FIRST + (OF_PAIR if kind == ItemKind.PAIR else "")
    if is_read_before:
        parts["condition"] += UNTOUCHED + standing.ITEM_STANDS + standing.DOOR_STANDS
        parts |= {"typed": "", "revision": "1"}
    return HAND_IN.format(answered=ANSWERED if is_answered else "", **parts)


RESOLVED = (
    "method", "verdict", "preference", "confirmed", "failure_modes", "corrected_output", "labels"
)  # fmt: skip
# The one statement that hands a label in. Without a lease, or with a key that was used, it does nothing.
HAND_IN = """
    WITH held AS (
        SELECT a.id, a.claimed_at, i.snapshot_id, {blind} AS blind
        FROM reviewapp_reviewitem i JOIN reviewapp_assignment a ON a.item_id = i.id
        WHERE i.id = %(item)s AND i.rubric_version_id = %(rubric_version_id)s
            AND a.reviewer_id = %(reviewer_id)s AND a.token = %(lease)s AND a.state = 'leased'
            AND a.lease_until > clock_timestamp() {condition}
        FOR NO KEY UPDATE OF i, a
    ),
    label AS (
        INSERT INTO reviewapp_label (assignment_id, revision, kind, via, reviewer_id, token_id, impersonated,
            rubric_version_id, snapshot_id, blind, verdict, preference, confidence, failure_modes, note,
            corrected_output, idempotency_key, seconds)
        SELECT id, %(revision)s, %(kind)s, %(via)s, %(reviewer_id)s, %(token_id)s, %(impersonated)s,
            %(rubric_version_id)s, snapshot_id, blind, %(verdict)s, %(preference)s, %(confidence)s,
            %(failure_modes)s, %(note)s, %(corrected_output)s, %(idempotency_key)s,
            extract(epoch FROM clock_timestamp() - claimed_at)
        FROM held ON CONFLICT DO NOTHING
        RETURNING assignment_id, id, kind, snapshot_id, blind, seconds, created_at
    ){answered},
    handed AS (
        UPDATE reviewapp_assignment a SET state = 'submitted', current_id = label.id, token = NULL,
            counted_id = CASE label.kind WHEN 'post_reveal' THEN a.counted_id ELSE label.id END,
            submitted_at = statement_timestamp(), lease_until = NULL
        FROM label WHERE a.id = label.assignment_id
    ){typed},
    resolution AS (
        INSERT INTO reviewapp_resolution (item_id, revision, method, verdict, preference, confirmed, cause,
            failure_modes, note, corrected_output, labels)
        SELECT %(item)s, {revision}, %(r_method)s::text, %(r_verdict)s, %(r_preference)s, %(r_confirmed)s, '',
            %(r_failure_modes)s, '', %(r_corrected_output)s,
            array_replace(%(r_labels)s::bigint[], 0, label.id)
        FROM label WHERE %(r_method)s::text <> '' RETURNING id
    ),
    settled AS (
        UPDATE reviewapp_reviewitem i SET state = %(state)s, adjudication_reason = %(reason)s,
            resolution_id = (SELECT id FROM resolution)
        FROM label WHERE i.id = %(item)s
    )
    SELECT assignment_id, id, snapshot_id, blind, seconds, created_at FROM label
"""
# Parts of it that cost as much without a row as with one.
ANSWERED = """,
    answered AS (
        INSERT INTO reviewapp_labelanswer (label_id, criterion_id, value)
        SELECT label.id, a.criterion::bigint, a.value
        FROM label, jsonb_each(%(answers)s::jsonb) a (criterion, value)
    )"""
TYPED = """,
    typed AS (
        DELETE FROM reviewapp_draft d USING label WHERE d.assignment_id = label.assignment_id
    )"""
NEXT_REVISION = (
    "1 + coalesce((SELECT max(r.revision) FROM reviewapp_resolution r WHERE r.item_id = %(item)s), 0)"
)
# What the quick way takes for granted.
FIRST = """
            AND i.required = 1 AND a.revealed_at IS NULL
            AND NOT EXISTS (SELECT FROM reviewapp_label l WHERE l.assignment_id = a.id)
            AND i.seen_revision = (SELECT revision FROM ingest_trace WHERE id = i.trace_id)"""
OF_PAIR = """
            AND i.seen_other_revision = (SELECT revision FROM ingest_trace WHERE id = i.other_trace_id)"""
# And of an item that was read before: no draft has to go, no resolution came before.
UNTOUCHED = """
            AND NOT EXISTS (SELECT FROM reviewapp_draft d WHERE d.assignment_id = a.id)
            AND NOT EXISTS (SELECT FROM reviewapp_resolution r WHERE r.item_id = i.id)"""


def lock(item: ReviewItem) -> ReviewItem:
    """The row as it stands, locked, with what is at hand of what it points to."""
    locked = rows.find(ReviewItem, "r.id = %s", [item.pk], lock=True)
    if locked is None:
        raise ItemClosed("This item was deleted with its trace.")
    locked.queue = item.queue
    for name in ("trace", "other_trace", "snapshot"):
        pk = getattr(locked, f"{name}_id")
        if pk == getattr(item, f"{name}_id") and item._meta.get_field(name).is_cached(item):  # type: ignore[union-attr]
            setattr(locked, name, getattr(item, name))
    return locked


def held_by(item: ReviewItem, reviewer: User) -> Assignment | None:
    """With `last`, the newest label's revision."""
    found: Assignment | None = next(iter(Assignment.objects.raw(HELD, [item.pk, reviewer.pk])), None)
    return found


HELD = """
    SELECT a.*,
        coalesce((SELECT max(l.revision) FROM reviewapp_label l WHERE l.assignment_id = a.id), 0) AS last
    FROM reviewapp_assignment a WHERE a.item_id = %s AND a.reviewer_id = %s
"""


def _place_after(assignment: Assignment, label: Label) -> None:
    """Make it the next revision of what `held_by` found."""
    last: int = assignment.last  # type: ignore[attr-defined]
    label.assignment, label.revision = assignment, last + 1
    label.kind = Kind.AMEND if last else Kind.ANSWER
    if assignment.revealed_at is not None:
        label.kind = Kind.POST_REVEAL


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
        raise NothingToUndo("You have no label on this item that can be undone.")
    refuse_if_decided(locked)
    label = assignment.current
    draft = keep_as_draft(assignment, label)
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
    return lease_again(locked, assignment, draft)


def refuse_if_removed(item: ReviewItem) -> None:
    """To open it again for another answer would bring back what a human took out."""
    if item.state == ItemState.REMOVED:
        raise ItemClosed("This item was removed from the queue. Your label stays.")


def refuse_if_decided(item: ReviewItem) -> None:
    if Resolution.objects.filter(item=item, published_at__isnull=False).exists():
        raise Published("This label is part of a published golden version, so it stays. Tell a lead.")
    if item.resolution is not None and item.resolution.method == Method.ADJUDICATED:
        raise NothingToUndo("A lead has already decided this item with your label in view. Tell the lead.")


def keep_as_draft(assignment: Assignment, label: Label) -> dict[str, Any]:
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
    Draft.objects.update_or_create(
        assignment=assignment, defaults={"body": said.body(), "version": 1, "shown": label.snapshot_id}
    )
    return said.body()


def lease_again(item: ReviewItem, assignment: Assignment, draft: dict[str, Any]) -> Lease:
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
    order = assignment.display_order
    return Lease(item, assignment.pk, token, until, item.queue.lease_seconds, order, draft=draft)


def reveal(item: ReviewItem, actor: Actor) -> None:
    """Note that this reviewer now sees judge and peers: call it before showing any of it, after the submit.

    From then on another answer is a revision marked post_reveal, which no figure counts.
    """
    mine = Assignment.objects.filter(item=item, reviewer=actor.reviewer, state=State.SUBMITTED)
    mine.filter(revealed_at=None).update(revealed_at=Now())
    exposures.note(actor.reviewer, [item.trace_id, item.other_trace_id])


def change_mind(item: ReviewItem, actor: Actor, answer: Answer) -> Label:
    """Append a post_reveal revision to one's submitted label. Raises Invalid, NothingToUndo, ItemClosed."""
    reveal(item, actor)
    answer, values = answers.check(answer, item.kind, item.rubric_version)
    with transaction.atomic():
        locked = lock(item)
        refuse_if_removed(locked)
        assignment = held_by(item, actor.reviewer)
        if assignment is None or assignment.state != State.SUBMITTED:
            raise NothingToUndo("You have no label on this item that can be changed.")
        label = _label(locked, actor, answer)
        _place_after(assignment, label)
        label.snapshot_id = locked.snapshot_id
        rows.add(label)
        LabelAnswer.objects.bulk_create(
            LabelAnswer(label=label, criterion_id=criterion, value=value)
            for criterion, value in values.items()
        )
        Assignment.objects.filter(pk=assignment.pk).update(current=label)
        if locked.resolution is None or locked.resolution.method != Method.ADJUDICATED:
            resolutions.settle(locked)
    return label
