"""What was erased on request. The record names nobody, so that it can be kept and replayed."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from ingest.models import Project
from reviewapp.review.models import triggers


class Subject(models.TextChoices):
    USER = "user"
    SESSION = "session"
    TRACE = "trace"


class Erasure(models.Model):
    project = models.ForeignKey(Project, models.CASCADE, related_name="erasures", db_index=False)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=7, choices=Subject)
    # HMAC-SHA256 of the id with the project's secret.
    digest = models.BinaryField(max_length=32)
    reason = models.TextField(db_default="")
    requested_by = models.CharField(max_length=150, db_default="")
    # What came later than this is not meant.
    erased_at = models.DateTimeField(db_default=Now())
    # How many rows of what; see erasing.Erased.
    counts = models.JSONField(db_default={})

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Subject.values), name="erasure_subject_is_known")
        ]
        indexes = [models.Index(F("project"), F("erased_at").desc(), name="erasure_newest")]
        triggers = [triggers.append_only("erasures_stay")]

    def __str__(self) -> str:
        return f"erasure {str(self.public_id)[:8]}"
