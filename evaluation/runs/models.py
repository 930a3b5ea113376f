"""CI runs: what was uploaded, each case's trials, and the decision that followed."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from evaluation.golden.models import GoldenCase, GoldenVersion
from ingest.models import ApiToken


class Decision(models.TextChoices):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    PENDING = "pending"


class CiRun(models.Model):
    version = models.ForeignKey(GoldenVersion, models.PROTECT, related_name="runs", db_index=False)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run_key = models.CharField(max_length=200)
    token = models.ForeignKey(ApiToken, models.SET_NULL, null=True, related_name="+", db_index=False)
    commit = models.CharField(max_length=200, db_default="")
    branch = models.CharField(max_length=200, db_default="")
    baseline_branch = models.CharField(max_length=200, db_default="")
    # The run this one is compared with, fixed at the first upload.
    baseline = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+", db_index=False)
    selection = models.JSONField(db_default={})
    system = models.JSONField(db_default={})
    golden_digest = models.CharField(max_length=80, db_default="")
    # Ids in the results that the version does not hold.
    unknown = models.JSONField(db_default=[])
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    decision = models.CharField(max_length=12, choices=Decision, db_default=Decision.PENDING)
    complete = models.BooleanField(db_default=False)
    # The latest upload said that more of this run follows.
    arriving = models.BooleanField(db_default=False)
    cases = models.IntegerField(db_default=0)
    passed = models.IntegerField(db_default=0)
    broken = models.IntegerField(db_default=0)
    fixed = models.IntegerField(db_default=0)
    unstable = models.IntegerField(db_default=0)
    # The whole answer, as the API gives it.
    answer = models.JSONField(db_default={})

    class Meta:
        constraints = [models.UniqueConstraint("version", "run_key", name="run_key_once_a_version")]
        indexes = [
            models.Index(F("version"), F("created_at").desc(), name="run_newest"),
            models.Index("version", "branch", "created_at", condition=Q(complete=True), name="run_baseline"),
        ]

    def __str__(self) -> str:
        return self.run_key


class RunUpload(models.Model):
    """One upload and its answer, which a repeat of the same Idempotency-Key gets again."""

    run = models.ForeignKey(CiRun, models.CASCADE, related_name="uploads")
    # What a key is unique within: two projects may choose the same one.
    project = models.ForeignKey("ingest.Project", models.CASCADE, related_name="+", db_index=False)
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - null is no key at all
    sha256 = models.BinaryField(max_length=32)
    received_at = models.DateTimeField(db_default=Now())
    results = models.IntegerField(db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "idempotency_key", name="idempotency_key_once_a_project")
        ]

    def __str__(self) -> str:
        return f"upload {self.pk}"


class ResultStatus(models.TextChoices):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    ERROR = "error"
    SKIP = "skip"
    PENDING = "pending"


class Scorer(models.TextChoices):
    CLIENT = "client"
    SERVER = "server"
    JUDGE = "judge"


class CaseResult(models.Model):
    """One trial of one case; appended."""

    run = models.ForeignKey(CiRun, models.CASCADE, related_name="results", db_index=False)
    case = models.ForeignKey(GoldenCase, models.PROTECT, related_name="results")
    revision = models.IntegerField()
    trial = models.IntegerField()
    status = models.CharField(max_length=8, choices=ResultStatus)
    scored_by = models.CharField(max_length=6, choices=Scorer)
    score = models.FloatField(null=True)
    output = models.TextField(db_default="")
    reason = models.TextField(db_default="")
    latency_ms = models.FloatField(null=True)
    cost_usd = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("run", "case", "trial", name="trial_once_a_run")]

    def __str__(self) -> str:
        return f"{self.status} in trial {self.trial}"
