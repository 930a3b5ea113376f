"""The rows of judges and of their versions, each pinned."""

from __future__ import annotations

from typing import Self

import pghistory
from django.core.validators import validate_slug
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from ingest.models import Project
from reviewapp.review.models import VERDICT, RubricVersion

NAME_CHARACTERS = 100
# What a judge answers that says which of two answers is the better one; the other criteria are of a rubric.
PREFERENCE = "preference"


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Judge(models.Model):
    """Answers one criterion of a rubric, in versions."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="judges", db_index=False)
    name = models.CharField(max_length=NAME_CHARACTERS)
    criterion = models.CharField(max_length=60, default=VERDICT, validators=[validate_slug])
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=150, blank=True, default="")
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint("project", "name", name="judge_name_once_a_project")]

    def __str__(self) -> str:
        return self.name


class Stage(models.TextChoices):
    CANDIDATE = "candidate"
    LIVE = "live"
    RETIRED = "retired"


class Kind(models.TextChoices):
    RULES = "rules", "rules in Python"
    LITELLM = "litellm", "a provider's model"
    IMPORTED = "imported", "judged elsewhere"


class JudgeVersionQuerySet(models.QuerySet["JudgeVersion"]):
    def live_here(self) -> Self:
        """Those that judge by themselves: live ones that run here, of judges that are in use."""
        live = self.filter(stage=Stage.LIVE, judge__archived_at=None)
        return live.exclude(kind=Kind.IMPORTED)


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class JudgeVersion(models.Model):
    """Everything that can change what a judge says, pinned; another value of any of it is another version."""

    judge = models.ForeignKey(Judge, models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    # What the version is called; for an imported one the name it had elsewhere.
    label = models.CharField(max_length=NAME_CHARACTERS)
    stage = models.CharField(max_length=9, choices=Stage, default=Stage.CANDIDATE)
    kind = models.CharField(max_length=8, choices=Kind)
    # A name in the operator's list of endpoints; the address and the key are never here.
    endpoint = models.CharField(max_length=100, blank=True, default="")
    model = models.CharField(max_length=200, blank=True, default="")
    prompt = models.TextField(blank=True, default="")
    parameters = models.JSONField(default=dict, blank=True)
    parser = models.CharField(max_length=40, blank=True, default="")
    rubric_version = models.ForeignKey(
        RubricVersion, models.PROTECT, null=True, blank=True, related_name="judge_versions"
    )
    criterion = models.CharField(max_length=60, default=VERDICT)
    meaning = models.PositiveIntegerField(default=1)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=150, blank=True, default="")
    # The figures by which it was allowed to go live.
    validation = models.JSONField(default=dict, blank=True)
    live_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = JudgeVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("judge", "number", name="judge_version_number_once"),
            models.UniqueConstraint("judge", "fingerprint", name="judge_fingerprint_once"),
            models.UniqueConstraint("judge", condition=Q(stage="live"), name="one_live_version_a_judge"),
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="judge_stage_is_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="judge_kind_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.judge_id} {self.label}"
