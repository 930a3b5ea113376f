"""Cases, their revisions, published versions and the bytes of each; triggers keep what is published as it is.

A draft is no row: it is the difference between the active cases' current revisions and the latest version.
"""

from __future__ import annotations

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from ingest.models import Project, Trace
from reviewapp.models import User

ID_CHARACTERS = 128
NAME_CHARACTERS = 60


@pghistory.track(exclude=["next_case"])
class GoldenDataset(models.Model):
    project = models.ForeignKey(Project, models.CASCADE, related_name="golden_datasets", db_index=False)
    name = models.SlugField(max_length=NAME_CHARACTERS, db_index=False)
    description = models.TextField(db_default="", blank=True)
    # What the gate asks of a run: the least pass rate its lower bound has to reach, and the share of errors.
    threshold = models.FloatField(default=0.85)
    most_errors = models.FloatField(default=0.02)
    # The number behind the next id made here.
    next_case = models.IntegerField(db_default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=150, db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "name", name="golden_name_once_a_project"),
            models.CheckConstraint(
                condition=Q(threshold__gt=0, threshold__lt=1, most_errors__gte=0, most_errors__lte=1),
                name="golden_limits_are_shares",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CaseState(models.TextChoices):
    ACTIVE = "active"
    QUARANTINED = "quarantined"
    RETIRED = "retired"


class Origin(models.TextChoices):
    REPRESENTATIVE = "representative"
    ADVERSARIAL = "adversarial"
    SIMILAR = "similar_application", "similar application"
    PRODUCTION = "production_failure", "production failure"
    BUG = "bug_report", "bug report"


@pghistory.track(
    pghistory.UpdateEvent(condition=pghistory.AnyChange("state", "owner")),
    model_name="GoldenCaseEvent",
    fields=["dataset", "case_id", "state", "state_reason", "owner"],
)
class GoldenCase(models.Model):
    """A case's identity, which never changes, and which of its revisions is the current one."""

    dataset = models.ForeignKey(GoldenDataset, models.CASCADE, related_name="cases", db_index=False)
    # Collation C: the order of code points, which is the order of lines in a version.
    case_id = models.CharField(max_length=ID_CHARACTERS, db_collation="C")
    revision = models.IntegerField(default=1)
    state = models.CharField(max_length=12, choices=CaseState, db_default=CaseState.ACTIVE)
    state_reason = models.TextField(db_default="", blank=True)
    state_changed_at = models.DateTimeField(null=True)
    # When somebody last said that it is still right.
    looked_at = models.DateTimeField(null=True)
    looked_by = models.CharField(max_length=150, db_default="")
    title = models.CharField(max_length=200, db_default="", blank=True)
    owner = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    trace = models.ForeignKey(Trace, models.SET_NULL, null=True, related_name="golden_cases")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=150, db_default="")

    class Meta:
        constraints = [models.UniqueConstraint("dataset", "case_id", name="case_id_once_a_dataset")]

    def __str__(self) -> str:
        return self.case_id


class CaseRevision(models.Model):
    """A case as it read once: its canonical native line. Appended, never changed; `line` can be erased."""

    case = models.ForeignKey(GoldenCase, models.CASCADE, related_name="revisions", db_index=False)
    number = models.IntegerField()
    line = models.TextField(null=True)  # noqa: DJ001 - null is erased
    # Of the line without its revision number, so that equal contents are known as equal.
    content_sha256 = models.BinaryField(max_length=32)
    tags = ArrayField(models.TextField(), db_default=[])
    split = models.TextField(db_default="")
    critical = models.BooleanField(db_default=False)
    source = models.TextField(db_default="")
    kinds = ArrayField(models.CharField(max_length=20), db_default=[])
    provenance = models.JSONField(db_default={})
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=150, db_default="")

    class Meta:
        constraints = [models.UniqueConstraint("case", "number", name="revision_once_a_case")]

    def __str__(self) -> str:
        return f"revision {self.number}"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    model_name="GoldenVersionEvent",
    fields=["dataset", "number", "items", "withdrawn_at", "withdrawn_reason"],
)
class GoldenVersion(models.Model):
    """A published version. The one change a trigger allows is its withdrawal."""

    dataset = models.ForeignKey(GoldenDataset, models.PROTECT, related_name="versions", db_index=False)
    number = models.IntegerField()
    # SHA-256 of the canonical native JSONL: the digest that every format names.
    digest = models.BinaryField(max_length=32)
    items = models.IntegerField()
    parent = models.IntegerField(null=True)
    changelog = models.TextField(db_default="")
    added = models.IntegerField(db_default=0)
    changed = models.IntegerField(db_default=0)
    removed = models.IntegerField(db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=150, db_default="")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_reason = models.TextField(db_default="")
    withdrawn_by = models.CharField(max_length=150, db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint("dataset", "number", name="version_once_a_dataset"),
            models.CheckConstraint(condition=Q(number__gte=1), name="version_counts_from_one"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | ~Q(withdrawn_reason=""), name="withdrawal_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"


class VersionBody(models.Model):
    """The bytes of one format of a version, as they are served; null once it is withdrawn."""

    version = models.ForeignKey(GoldenVersion, models.PROTECT, related_name="bodies", db_index=False)
    format = models.CharField(max_length=20)
    content = models.BinaryField(null=True)
    sha256 = models.BinaryField(max_length=32)
    size = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("version", "format", name="format_once_a_version")]

    def __str__(self) -> str:
        return self.format


class VersionEntry(models.Model):
    """Which revision of which case a version holds."""

    version = models.ForeignKey(GoldenVersion, models.PROTECT, related_name="entries", db_index=False)
    case = models.ForeignKey(GoldenCase, models.PROTECT, related_name="entries")
    revision = models.ForeignKey(CaseRevision, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint("version", "case", name="case_once_a_version")]

    def __str__(self) -> str:
        return f"entry {self.pk}"


class CandidateState(models.TextChoices):
    OPEN = "open"
    ACCEPTED = "accepted"
    MERGED = "merged"
    REJECTED = "rejected"


class Candidate(models.Model):
    """A confirmed failure that someone proposes as a case; a lead decides."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="golden_candidates", db_index=False)
    trace = models.ForeignKey(Trace, models.CASCADE, related_name="golden_candidates")
    # The confirmed resolution behind it (reviewapp); one proposal for each.
    resolution_id = models.BigIntegerField()
    content = models.JSONField()
    title = models.CharField(max_length=200, db_default="")
    provenance = models.JSONField(db_default={})
    state = models.CharField(max_length=10, choices=CandidateState, db_default=CandidateState.OPEN)
    case = models.ForeignKey(GoldenCase, models.SET_NULL, null=True, related_name="candidates")
    reason = models.TextField(db_default="")
    proposed_at = models.DateTimeField(db_default=Now())
    proposed_by = models.CharField(max_length=150, db_default="")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "resolution_id", name="one_candidate_a_resolution"),
            models.CheckConstraint(
                condition=~Q(state="rejected") | ~Q(reason=""), name="rejection_has_a_reason"
            ),
        ]
        indexes = [
            models.Index(F("project"), F("proposed_at"), condition=Q(state="open"), name="candidate_open")
        ]

    def __str__(self) -> str:
        return self.title


class Download(models.Model):
    """How often a dataset was asked for on a day; counted roughly, for the page alone."""

    dataset = models.ForeignKey(GoldenDataset, models.CASCADE, related_name="downloads", db_index=False)
    day = models.DateField()
    sent = models.IntegerField(db_default=0)
    unchanged = models.IntegerField(db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint("dataset", "day", name="downloads_of_a_day")]

    def __str__(self) -> str:
        return f"{self.day}"
