"""The rows of changes: what is different since when, who reported it, and what was done about it."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from ingest.models import Project


class ChangeKind(models.TextChoices):
    MODEL = "model", "model"
    PROMPT = "prompt", "prompt"
    ANSWERED = "answered", "model behind an alias"
    JUDGE = "judge", "judge"
    RUBRIC = "rubric", "rubric"
    GOLDEN = "golden", "golden version"
    DEPLOY = "deploy", "deploy"
    OTHER = "other", "other"


class ChangeEventQuerySet(models.QuerySet["ChangeEvent"]):
    def of_project(self, project: object) -> Self:
        return self.filter(project=project)

    def to_follow_up(self) -> Self:
        """Not yet looked at by those who raise rates and ask for anchors."""
        return self.filter(followed_up_at=None)


class ChangeEvent(models.Model):
    """From a moment on something has another value: `subject` says what it is the `value` of."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="change_events", db_index=False)
    kind = models.CharField(max_length=8, choices=ChangeKind)
    subject = models.CharField(max_length=200, blank=True, default="")
    value = models.CharField(max_length=200)
    words = models.CharField(max_length=300, blank=True, default="")
    # Routes in which it was seen; empty: all.
    routes = models.JSONField(default=list, blank=True)
    at = models.DateTimeField()
    # The user or token that reported it; empty if it was detected.
    told_by = models.CharField(max_length=150, blank=True, default="")
    noted_at = models.DateTimeField(db_default=Now())
    # When the follow-up was decided, and what it came to, in words.
    followed_up_at = models.DateTimeField(null=True, blank=True)
    follow_up = models.CharField(max_length=300, blank=True, default="")

    objects = ChangeEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "kind", "subject", "value", "at", name="change_once_a_moment"),
            models.CheckConstraint(condition=Q(kind__in=ChangeKind.values), name="change_kind_is_known"),
        ]
        indexes = [
            models.Index("project", models.F("at").desc(), name="change_newest"),
            models.Index("id", condition=Q(followed_up_at=None), name="change_to_follow_up"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
