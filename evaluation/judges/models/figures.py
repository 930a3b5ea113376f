"""The rows of what is known of a judge: its figures, its certificates, and who has seen them."""

from __future__ import annotations

from django.db import models
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from evaluation.judges.models.judges import Judge, JudgeVersion
from reviewapp.models import User


class CalibrationPoint(models.Model):
    """Figures computed at a watermark of labels and judgments; computing them again gives the same."""

    version = models.ForeignKey(JudgeVersion, models.CASCADE, related_name="points", db_index=False)
    scope = models.CharField(max_length=400)
    # What the scope is made of: its beginning and its slice.
    since = models.DateTimeField(null=True, blank=True)
    within = models.TextField(db_default="", blank=True)
    watermark = models.CharField(max_length=64)
    # Empty until the worker has computed what somebody has asked for.
    figures = models.JSONField()
    # The first traces of each list, of large scopes.
    listed = models.JSONField(db_default=models.Value({}, models.JSONField()), blank=True)
    computed_at = models.DateTimeField(db_default=Now())
    # When the watermark was seen for the first time, and when somebody looked last.
    marked_at = models.DateTimeField(db_default=Now())
    asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint("version", "scope", name="one_point_a_scope")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.scope}"


class Certificate(models.Model):
    """What was found of a judge version on a day, and until when it holds."""

    version = models.ForeignKey(JudgeVersion, models.CASCADE, related_name="certificates")
    state = models.CharField(max_length=12)
    fingerprint = models.CharField(max_length=64)
    criterion = models.CharField(max_length=60)
    meaning = models.PositiveIntegerField()
    labels_sha256 = models.CharField(max_length=64)
    n = models.PositiveIntegerField()
    figures = models.JSONField()
    issued_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    issued_by = models.CharField(max_length=150, blank=True, default="")
    # Why it no longer holds, when something took it back before its time.
    stale_reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        indexes = [models.Index(F("version"), F("issued_at").desc(), name="certificate_newest")]

    def __str__(self) -> str:
        return f"{self.state} {self.version_id}"

    @property
    def has_expired(self) -> bool:
        return self.expires_at <= timezone.now()


class LastLook(models.Model):
    """When somebody looked at a judge last, and what stood there."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    judge = models.ForeignKey(Judge, models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())
    seen = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint("user", "judge", name="one_look_a_judge")]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.judge_id}"
