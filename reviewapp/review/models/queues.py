"""Queues, the items in them, and who holds which item."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.core.validators import validate_slug
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from reviewapp.review.models import openings, triggers
from reviewapp.review.models.rubrics import RubricVersion
from reviewapp.review.models.rules import Rules

PROJECT_OF_QUEUE = "SELECT q.project_id FROM reviewapp_queue q WHERE q.id = NEW.queue_id"


class ItemKind(models.TextChoices):
    TRACE = "trace"
    PAIR = "pair"


class AssignedTo(models.TextChoices):
    OPEN = "open", "anyone in the project"
    NAMED = "named", "the reviewers named"
    ROUND_ROBIN = "round_robin", "the reviewers named, in turn"


class QueueQuerySet(models.QuerySet["Queue"]):
    def live(self) -> Self:
        return self.filter(archived_at=None)


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Queue(models.Model):
    project = models.ForeignKey("ingest.Project", models.CASCADE, related_name="queues", db_index=False)
    slug = models.CharField(max_length=60, validators=[validate_slug])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, default="")
    kind = models.CharField(max_length=5, choices=ItemKind, default=ItemKind.TRACE)
    rubric_version = models.ForeignKey(RubricVersion, models.PROTECT, related_name="queues")
    overlap = models.PositiveSmallIntegerField(default=1)
    lease_seconds = models.PositiveIntegerField(default=900)
    # The audit lane is served at every so-many-th claim of a reviewer.
    audit_every = models.PositiveSmallIntegerField(default=4)
    # Of the audit items, this share and at least this many a day go to two reviewers.
    double_share = models.FloatField(default=0.2)
    double_minimum = models.PositiveSmallIntegerField(default=20)
    blind = models.BooleanField(default=True)
    paused = models.BooleanField(default=False)
    assignment = models.CharField(max_length=11, choices=AssignedTo, default=AssignedTo.OPEN)
    due_days = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = QueueQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "slug", name="queue_slug_once_a_project"),
            models.CheckConstraint(condition=Q(kind__in=ItemKind.values), name="queue_kind_is_known"),
            models.CheckConstraint(
                condition=Q(assignment__in=AssignedTo.values), name="queue_assignment_is_known"
            ),
            models.CheckConstraint(condition=Q(overlap__gte=1, overlap__lte=5), name="overlap_one_to_five"),
            models.CheckConstraint(
                condition=Q(lease_seconds__gte=1, lease_seconds__lte=86_400), name="lease_up_to_a_day"
            ),
            models.CheckConstraint(
                condition=Q(audit_every__gte=1, audit_every__lte=100), name="audit_every_one_to_100"
            ),
            models.CheckConstraint(
                condition=Q(double_share__gte=0, double_share__lte=1), name="double_share_is_a_share"
            ),
        ]
        triggers = [
            triggers.inside_project(
                "queue_links_stay_inside",
                ("project_id", "rubric_version_id"),
                (
                    "NEW.project_id",
                    "SELECT r.project_id FROM reviewapp_rubric r JOIN reviewapp_rubricversion v "
                    "ON v.rubric_id = r.id WHERE v.id = NEW.rubric_version_id",
                ),
            )
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track(pghistory.InsertEvent(), pghistory.DeleteEvent())
class Assignee(models.Model):
    """A member who works a queue that is not open to all; gone with the membership."""

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="assignees", db_index=False)
    membership = models.ForeignKey("reviewapp.Membership", models.CASCADE, related_name="assigned_queues")

    class Meta:
        constraints = [models.UniqueConstraint("queue", "membership", name="assignee_once_a_queue")]
        triggers = [
            triggers.inside_project(
                "assignee_stays_inside",
                ("queue_id", "membership_id"),
                (
                    PROJECT_OF_QUEUE,
                    "SELECT m.project_id FROM reviewapp_membership m WHERE m.id = NEW.membership_id",
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.membership_id} in {self.queue_id}"


class Seat(models.Model):
    """How many claims from the risk lane a reviewer has had since the last one from the audit lane.

    And the reviewer's mark in the risk lane (reviewapp.review.marks): whatever stands before `passed_rank`
    could not be claimed by this reviewer, but for what was opened after the opening `passed_at`.
    """

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="seats", db_index=False)
    reviewer = models.ForeignKey("reviewapp.User", models.CASCADE, related_name="+")
    since_audit = models.PositiveIntegerField(default=0)
    claims = models.BigIntegerField(default=0, db_default=0)
    passed_rank = models.FloatField(null=True, blank=True)
    passed_at = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint("queue", "reviewer", name="one_seat_a_reviewer")]

    def __str__(self) -> str:
        return f"{self.reviewer_id} at {self.queue_id}"


class Opening(models.Model):
    """An item that became claimable for someone, at the rank it then had; none named: many at once.

    Written by triggers, and only where it stands before somebody's mark.
    """

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    item_id = models.BigIntegerField(null=True)
    rank = models.FloatField()

    class Meta:
        indexes = [models.Index("queue", "id", name="opening_by_queue")]

    def __str__(self) -> str:
        return f"opening of {self.item_id} at {self.rank}"


class ServiceReviewer(models.Model):
    """The reviewer that a token speaks as; an account that nobody can sign in to."""

    token = models.OneToOneField("ingest.ApiToken", models.CASCADE, related_name="service_reviewer")
    user = models.OneToOneField("reviewapp.User", models.CASCADE, related_name="service_reviewer")

    def __str__(self) -> str:
        return f"reviewer of token {self.token_id}"


class Snapshot(models.Model):
    """The canonical bytes of what was shown. Blank after an erasure, with the hash kept."""

    project = models.ForeignKey("ingest.Project", models.CASCADE, related_name="snapshots", db_index=False)
    sha256 = models.BinaryField(max_length=32)
    bytes = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("project", "sha256", name="snapshot_once_a_project")]
        triggers = [triggers.append_only("snapshots_stay", "bytes", "erased_at")]

    def __str__(self) -> str:
        return bytes(self.sha256).hex()[:12]


class Lane(models.TextChoices):
    RISK = "risk"
    AUDIT = "audit"


class Purpose(models.TextChoices):
    """Reviewers never see it: hidden known items and repeats measure the reviewer, not the trace."""

    REVIEW = "review"
    KNOWN = "known", "hidden known item"
    REPEAT = "repeat", "the same reviewer again"


class ItemState(models.TextChoices):
    """`open` while labels are wanting; then `adjudication` or `resolved`. `removed` is for good."""

    OPEN = "open"
    ADJUDICATION = "adjudication"
    RESOLVED = "resolved"
    REMOVED = "removed"


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    def of_project(self, project: object) -> Self:
        return self.filter(queue__project=project)

    def servable(self) -> Self:
        """Some reviewer could be given it now."""
        return self.filter(open_slots__gt=0, queue__paused=False, queue__archived_at=None)


class ReviewItem(models.Model):
    """A trace or a pair of traces to be judged by `required` reviewers, in one round.

    `rank` is the place in the risk lane, `audit_rank` the one in the audit lane: null where it does not
    stand in that lane; greatest first. A drawn trace that rules chose as well stands in both.
    """

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="items", db_index=False)
    kind = models.CharField(max_length=5, choices=ItemKind, default=ItemKind.TRACE)
    trace = models.ForeignKey("ingest.Trace", models.CASCADE, related_name="review_items")
    other_trace = models.ForeignKey(
        "ingest.Trace",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="review_items_as_other",
        db_index=False,
    )
    # The same for what is the same subject: the trace, or the pair in either order.
    subject = models.CharField(max_length=80)
    round = models.SmallIntegerField(default=1)
    purpose = models.CharField(max_length=6, choices=Purpose, default=Purpose.REVIEW)
    # Of a hidden known item or a repeat: the item it repeats.
    original = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="copies", db_index=False
    )
    rubric_version = models.ForeignKey(RubricVersion, models.PROTECT, related_name="items", db_index=False)
    lane = models.CharField(max_length=5, choices=Lane, default=Lane.RISK)
    state = models.CharField(max_length=12, choices=ItemState, default=ItemState.OPEN)
    required = models.SmallIntegerField(default=1)
    open_slots = models.SmallIntegerField(default=1)
    priority = models.FloatField(default=0.0)
    rank = models.FloatField(null=True, blank=True)
    audit_rank = models.FloatField(null=True, blank=True)
    # Of an audit item: the day its trace began (UTC), and its draw.
    day = models.DateField(null=True, blank=True)
    u = models.FloatField(null=True, blank=True)
    # [{"code", "detail", ...}] and the factors of the priority, as the route gave them.
    reasons = models.JSONField(default=list)
    terms = models.JSONField(default=dict)
    # Users who alone may claim it (round robin, repeats); empty: anyone whom the queue admits.
    reserved_for = ArrayField(models.BigIntegerField(), default=list, blank=True)
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, null=True, blank=True, related_name="items")
    # The revisions of trace and other trace that the snapshot was made at.
    seen_revision = models.IntegerField(null=True, blank=True)
    seen_other_revision = models.IntegerField(null=True, blank=True)
    changed_since_review = models.BooleanField(default=False)
    # Why it waits for a lead: a key of resolutions.REASONS.
    adjudication_reason = models.CharField(max_length=20, blank=True, default="")
    # The resolution that stands; null while there is none.
    resolution = models.OneToOneField(
        "reviewapp.Resolution", models.PROTECT, null=True, blank=True, related_name="current_of"
    )
    added_by = models.CharField(max_length=150, blank=True, default="")
    enqueued_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.CharField(max_length=150, blank=True, default="")

    objects = ReviewItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("queue", "subject", "round", name="subject_once_a_round"),
            Rules(
                name="item_nature",
                rules={
                    "item_rounds_begin_at_one": Q(round__gte=1),
                    "pairs_have_two_traces": Q(kind=ItemKind.TRACE, other_trace=None)
                    | Q(kind=ItemKind.PAIR, other_trace__isnull=False),
                    "item_purpose_is_known": Q(purpose__in=Purpose.values),
                    "copies_name_their_original": Q(purpose=Purpose.REVIEW, original=None)
                    | ~Q(purpose=Purpose.REVIEW) & Q(original__isnull=False),
                    # One that was drawn may stand in the risk lane as well.
                    "item_stands_in_its_lane": Q(
                        lane=Lane.AUDIT, audit_rank__isnull=False, u__isnull=False, day__isnull=False
                    )
                    | Q(lane=Lane.RISK, audit_rank=None, rank__isnull=False),
                },
            ),
            Rules(
                name="item_standing",
                rules={
                    "item_state_is_known": Q(state__in=ItemState.values),
                    "slots_in_range": Q(
                        required__gte=1, required__lte=5, open_slots__gte=0, open_slots__lte=F("required")
                    ),
                    "removed_items_are_closed": Q(
                        state=ItemState.REMOVED, removed_at__isnull=False, open_slots=0
                    )
                    | ~Q(state=ItemState.REMOVED) & Q(removed_at=None),
                },
            ),
        ]
        indexes = [
            models.Index(
                F("queue"),
                F("rank").desc(),
                F("id"),
                condition=Q(open_slots__gt=0, rank__isnull=False),
                name="item_risk_lane",
            ),
            models.Index(
                F("queue"),
                F("audit_rank").desc(),
                F("id"),
                condition=Q(open_slots__gt=0, audit_rank__isnull=False),
                name="item_audit_lane",
            ),
            models.Index("queue", "state", "enqueued_at", name="item_by_state"),
            # The last removal, like the last skip below, says whether figures may have changed.
            models.Index("removed_at", condition=Q(removed_at__isnull=False), name="item_removals"),
            # Few have one. Every claim and label rewrites the row in each of its indexes.
            models.Index("other_trace", condition=Q(other_trace__isnull=False), name="item_of_a_pair"),
            models.Index("original", condition=Q(original__isnull=False), name="item_copies"),
        ]
        triggers = [
            triggers.inside_project(
                "item_links_stay_inside",
                ("queue_id", "trace_id", "other_trace_id", "rubric_version_id"),
                (PROJECT_OF_QUEUE, "SELECT t.project_id FROM ingest_trace t WHERE t.id = NEW.trace_id"),
                (PROJECT_OF_QUEUE, "SELECT t.project_id FROM ingest_trace t WHERE t.id = NEW.other_trace_id"),
                (
                    PROJECT_OF_QUEUE,
                    "SELECT r.project_id FROM reviewapp_rubric r JOIN reviewapp_rubricversion v "
                    "ON v.rubric_id = r.id WHERE v.id = NEW.rubric_version_id",
                ),
            ),
            # Every item is given a snapshot once it is there: no need to ask for all of its links again.
            triggers.inside_project(
                "item_snapshots_stay_inside",
                ("queue_id", "snapshot_id"),
                (
                    PROJECT_OF_QUEUE,
                    "SELECT s.project_id FROM reviewapp_snapshot s WHERE s.id = NEW.snapshot_id",
                ),
            ),
            openings.of_added(),
            openings.of_opened(),
            openings.of_changed(),
        ]

    def __str__(self) -> str:
        return f"item {self.pk}"


class State(models.TextChoices):
    LEASED = "leased"
    SUBMITTED = "submitted"
    SKIPPED = "skipped"
    RELEASED = "released"


class SkipReason(models.TextChoices):
    EXPERTISE = "expertise", "Needs other expertise"
    CONTEXT = "context", "Too little to decide on"
    UNREADABLE = "unreadable", "Broken or unreadable"
    CONFLICT = "conflict", "Not for me to judge"


# A label of so long ago is no longer taken back for what others have said.
TOLD_AFTER = timedelta(days=1)


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def held(self) -> Self:
        """Leases that run now, by the database's clock."""
        return self.filter(state=State.LEASED, lease_until__gt=Now())

    def of_project(self, project: object) -> Self:
        return self.filter(item__queue__project=project)

    def told(self) -> Self:
        """Those of which their reviewer may know what others made of the item: what they have opened, what a
        lead has decided or published, what is a day old. Before that they could take a label back and answer
        as others did."""
        return self.filter(_is_told())

    def untold(self) -> Self:
        return self.exclude(_is_told())


def _is_told() -> Q:
    opened = Q(revealed_at__isnull=False) | Q(item__queue__blind=False)
    decided = Q(item__resolution__method="adjudicated") | Q(item__resolution__published_at__isnull=False)
    return opened | decided | Q(submitted_at__lt=Now() - TOLD_AFTER)


class Assignment(models.Model):
    """What is between one reviewer and one item: one row for good, whatever happens to it."""

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="assignments", db_index=False)
    reviewer = models.ForeignKey("reviewapp.User", models.PROTECT, related_name="assignments")
    state = models.CharField(max_length=9, choices=State, default=State.LEASED)
    token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(db_default=Now())
    # Of a pair: which of the two stands on the left.
    display_order = models.CharField(max_length=2, choices=[("ab", "ab"), ("ba", "ba")], default="ab")
    skip_reason = models.CharField(max_length=10, choices=SkipReason, blank=True, default="")
    skipped_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    # Since when this reviewer knows what judge and peers said.
    revealed_at = models.DateTimeField(null=True, blank=True)
    # The label that stands for this reviewer, and the one that figures count: the last before the reveal.
    current = models.OneToOneField(
        "reviewapp.Label", models.PROTECT, null=True, blank=True, related_name="current_of"
    )
    counted = models.OneToOneField(
        "reviewapp.Label", models.PROTECT, null=True, blank=True, related_name="counted_of"
    )

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("item", "reviewer", name="one_assignment_a_reviewer"),
            Rules(
                name="assignment_standing",
                rules={
                    "assignment_state_is_known": Q(state__in=State.values),
                    "leases_have_token_and_end": Q(
                        state=State.LEASED, token__isnull=False, lease_until__isnull=False
                    )
                    | ~Q(state=State.LEASED) & Q(token=None, lease_until=None),
                    "submitted_has_a_label": Q(
                        state=State.SUBMITTED, current__isnull=False, submitted_at__isnull=False
                    )
                    | ~Q(state=State.SUBMITTED) & Q(current=None),
                },
            ),
        ]
        indexes = [
            models.Index("lease_until", condition=Q(state="leased"), name="assignment_leases"),
            models.Index("skipped_at", condition=Q(skipped_at__isnull=False), name="assignment_skips"),
            models.Index(
                F("reviewer"), F("skipped_at").desc(), condition=Q(state="skipped"), name="assignment_skipped"
            ),
            models.Index(
                F("reviewer"),
                F("submitted_at").desc(),
                condition=Q(state="submitted"),
                name="assignment_done",
            ),
        ]
        triggers = [openings.of_released(), openings.of_moved(), openings.of_deleted()]

    def __str__(self) -> str:
        return f"{self.reviewer_id} on {self.item_id}: {self.state}"
