"""Rubrics: what a reviewer is asked. A version is a draft until it is frozen, and never changed after."""

from __future__ import annotations

from typing import Self

import pghistory
from django.core.validators import validate_slug
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from reviewapp.review.models import triggers

# The criterion of every rubric: pass, fail or can't tell. Its answer is in `Label.verdict`.
VERDICT = "verdict"


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Rubric(models.Model):
    project = models.ForeignKey("ingest.Project", models.CASCADE, related_name="rubrics", db_index=False)
    slug = models.CharField(max_length=60, validators=[validate_slug])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, default="")
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("project", "slug", name="rubric_slug_once_a_project")]

    def __str__(self) -> str:
        return self.name


class Stage(models.TextChoices):
    DRAFT = "draft"
    FROZEN = "frozen"


class RubricVersionQuerySet(models.QuerySet["RubricVersion"]):
    def frozen(self) -> Self:
        return self.filter(stage=Stage.FROZEN)


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(condition=pghistory.AnyChange("stage", "created_by")),
    pghistory.DeleteEvent(),
)
class RubricVersion(models.Model):
    """`edit` counts the changes of a draft: whoever saves names the one that was read (optimistic)."""

    rubric = models.ForeignKey(Rubric, models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    stage = models.CharField(max_length=6, choices=Stage, default=Stage.DRAFT)
    edit = models.PositiveIntegerField(default=1)
    guidelines = models.TextField(blank=True, default="")
    # [{"key", "label", "help", "group"}], offered after fail.
    failure_modes = models.JSONField(default=list, blank=True)
    changelog = models.TextField(blank=True, default="")
    created_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    frozen_at = models.DateTimeField(null=True, blank=True)

    objects = RubricVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("rubric", "number", name="rubric_version_number_once"),
            models.UniqueConstraint("rubric", condition=Q(stage="draft"), name="one_draft_a_rubric"),
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="rubric_stage_is_known"),
            models.CheckConstraint(
                condition=Q(stage="draft", frozen_at=None) | Q(stage="frozen", frozen_at__isnull=False),
                name="frozen_versions_say_when",
            ),
        ]
        triggers = [triggers.frozen("frozen_version_stays", "{row}.stage = 'frozen' AND TG_OP <> 'INSERT'")]

    def __str__(self) -> str:
        return f"{self.rubric_id} v{self.number}"


class CriterionType(models.TextChoices):
    PASS_FAIL = "pass_fail", "pass / fail"
    CHOICE = "choice", "one of several"
    MULTIPLE_CHOICE = "multiple_choice", "any of several"
    SCALE = "scale", "ordinal scale"
    NUMBER = "number"
    TEXT = "text"


class Shown(models.TextChoices):
    ALWAYS = "always"
    AFTER_FAIL = "after_fail", "only after fail"


class CriterionRevision(models.Model):
    """A criterion in one version. Of one `key`, revisions of equal `meaning` ask the same thing.

    `new_meaning`: an editor declared that this one asks something else than those before it.

    `options` are [{"value", "label", "help"}]: of choices, and of a scale in its order.
    """

    version = models.ForeignKey(RubricVersion, models.CASCADE, related_name="criteria", db_index=False)
    key = models.CharField(max_length=60, validators=[validate_slug])
    meaning = models.PositiveIntegerField(default=1)
    new_meaning = models.BooleanField(default=False)
    position = models.PositiveIntegerField(default=0)
    title = models.CharField(max_length=200)
    help = models.TextField(blank=True, default="")
    type = models.CharField(max_length=16, choices=CriterionType, default=CriterionType.PASS_FAIL)
    options = models.JSONField(default=list, blank=True)
    minimum = models.FloatField(null=True, blank=True)
    maximum = models.FloatField(null=True, blank=True)
    pass_example = models.TextField(blank=True, default="")
    fail_example = models.TextField(blank=True, default="")
    weight = models.FloatField(default=1.0)
    critical = models.BooleanField(default=False)
    required = models.BooleanField(default=False)
    shown = models.CharField(max_length=10, choices=Shown, default=Shown.ALWAYS)

    class Meta:
        constraints = [
            models.UniqueConstraint("version", "key", name="criterion_key_once_a_version"),
            models.CheckConstraint(
                condition=Q(type__in=CriterionType.values), name="criterion_type_is_known"
            ),
            models.CheckConstraint(condition=Q(shown__in=Shown.values), name="criterion_shown_is_known"),
            models.CheckConstraint(condition=Q(weight__gte=0, weight__lte=100), name="weight_up_to_100"),
            models.CheckConstraint(
                condition=~Q(key=VERDICT) | Q(type="pass_fail", required=True, shown="always"),
                name="verdict_is_required_pass_fail",
            ),
        ]
        triggers = [
            triggers.frozen(
                "frozen_criteria_stay",
                "EXISTS (SELECT FROM reviewapp_rubricversion v WHERE v.id = {row}.version_id "
                "AND v.stage = 'frozen')",
            )
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def weighs(self) -> bool:
        """Whether it counts in the share of the criteria that are met."""
        return self.type == CriterionType.PASS_FAIL and self.key != VERDICT

    @property
    def is_critical(self) -> bool:
        """A failure here fails the whole. Versions from before may say so of other types, and of what is
        asked only after fail, without effect."""
        return self.critical and self.weighs and self.shown == Shown.ALWAYS
