"""Labels and resolutions: what reviewers said, appended revision by revision, and what was made of it."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from reviewapp.review.models import triggers
from reviewapp.review.models.queues import Assignment, ReviewItem, Snapshot
from reviewapp.review.models.rubrics import CriterionRevision, RubricVersion
from reviewapp.review.models.rules import Rules


class Draft(models.Model):
    """What a reviewer has typed and not submitted; `version` counts the saves, so no tab can overwrite."""

    assignment = models.OneToOneField(Assignment, models.CASCADE, primary_key=True, related_name="draft")
    version = models.PositiveIntegerField(default=1)
    body = models.JSONField(default=dict)
    # The snapshot that was on the screen while it was typed, where that is known.
    shown = models.BigIntegerField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"draft {self.version} of {self.assignment_id}"


class Kind(models.TextChoices):
    ANSWER = "answer"
    AMEND = "amend", "another answer"
    UNDO = "undo"
    POST_REVEAL = "post_reveal", "changed after the reveal"


class Via(models.TextChoices):
    PAGE = "page"
    API = "api", "API"
    IMPORT = "import"


class Verdict(models.TextChoices):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    CANNOT_TELL = "cannot_tell", "can't tell"


class Confidence(models.TextChoices):
    SURE = "sure"
    UNSURE = "unsure"


class Preference(models.TextChoices):
    """Of a pair: `a` is the item's trace, `b` its other trace, wherever they stood on the screen."""

    A = "a", "A"
    B = "b", "B"
    TIE = "tie"
    BOTH_BAD = "both_bad"


# Exactly one of the two is said, or neither.
ONE_THING = Q(verdict__in=Verdict.values, preference="") | Q(verdict="", preference__in=Preference.values)
NOTHING = Q(verdict="", preference="")


def says_one_thing(word: str, words: list[str], nothing: str) -> Q:
    """The column `word` holds one of these words; with `nothing`, and with it alone, the row says nothing."""
    speaking = Q(**{f"{word}__in": [known for known in words if known != nothing]})
    return speaking & ONE_THING | Q(**{word: nothing}) & NOTHING


class LabelQuerySet(models.QuerySet["Label"]):
    def of_project(self, project: object) -> Self:
        return self.filter(assignment__item__queue__project=project)

    def standing(self) -> Self:
        """The label that currently counts for its reviewer, including one changed after the reveal."""
        return self.filter(current_of__isnull=False)


class Label(models.Model):
    """One revision of what a reviewer said of an item. Never changed; note and correction may be erased."""

    assignment = models.ForeignKey(Assignment, models.PROTECT, related_name="labels", db_index=False)
    revision = models.IntegerField()
    kind = models.CharField(max_length=11, choices=Kind)
    via = models.CharField(max_length=6, choices=Via)
    # The account that did it, and the token it came with; they differ from the reviewer for impersonation.
    reviewer = models.ForeignKey("reviewapp.User", models.PROTECT, related_name="labels", db_index=False)
    token = models.ForeignKey(
        "ingest.ApiToken", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    impersonated = models.BooleanField(default=False)
    rubric_version = models.ForeignKey(RubricVersion, models.PROTECT, related_name="labels", db_index=False)
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, null=True, related_name="labels")
    # Whether the queue was blind then, and its reviewer had not seen what was said of the trace (Exposure).
    blind = models.BooleanField(default=True)
    verdict = models.CharField(max_length=11, choices=Verdict, blank=True, default="")
    preference = models.CharField(max_length=8, choices=Preference, blank=True, default="")
    confidence = models.CharField(max_length=6, choices=Confidence, blank=True, default="")
    failure_modes = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    note = models.TextField(blank=True, default="")
    corrected_output = models.TextField(blank=True, default="")
    idempotency_key = models.CharField(max_length=200, blank=True, default="")
    # From the claim to the submit.
    seconds = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = LabelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("assignment", "revision", name="label_revision_once"),
            models.UniqueConstraint(
                "reviewer",
                "idempotency_key",
                condition=~Q(idempotency_key=""),
                name="label_key_once_a_reviewer",
            ),
            Rules(
                name="label_words",
                rules={
                    "label_revisions_begin_at_one": Q(revision__gte=1),
                    "label_says_one_thing": says_one_thing("kind", Kind.values, Kind.UNDO),
                    "label_words_are_known": Q(via__in=Via.values, confidence__in=["", *Confidence.values]),
                },
            ),
        ]
        indexes = [models.Index("created_at", "id", name="label_by_time")]
        triggers = [triggers.append_only("labels_stay", "note", "corrected_output")]

    def __str__(self) -> str:
        return f"{self.kind} {self.verdict or self.preference}"


class LabelAnswer(models.Model):
    """The answer to one criterion but the verdict, in the JSON form of its type."""

    label = models.ForeignKey(Label, models.PROTECT, related_name="answers", db_index=False)
    criterion = models.ForeignKey(CriterionRevision, models.PROTECT, related_name="answers")
    value = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint("label", "criterion", name="one_answer_a_criterion")]
        triggers = [triggers.append_only("answers_stay", "value")]

    def __str__(self) -> str:
        return str(self.value)


class Method(models.TextChoices):
    SINGLE = "single", "one reviewer"
    MAJORITY = "majority", "majority of the reviewers"
    ADJUDICATED = "adjudicated", "a lead's decision"
    WITHDRAWN = "withdrawn", "a label was taken back"


class Cause(models.TextChoices):
    """Why judge and reviewers, or reviewers among themselves, disagreed."""

    JUDGE_WRONG = "judge_wrong", "Judge wrong"
    HUMAN_WRONG = "human_wrong", "Human wrong"
    RUBRIC_AMBIGUOUS = "rubric_ambiguous", "Rubric ambiguous"
    MISSING_CONTEXT = "missing_context", "Missing context"


class ResolutionQuerySet(models.QuerySet["Resolution"]):
    def of_project(self, project: object) -> Self:
        return self.filter(item__queue__project=project)

    def standing(self) -> Self:
        return self.filter(current_of__isnull=False)

    def confirmed_failures(self) -> Self:
        """From two independent pre-reveal labels, or one and a different lead's decision."""
        return self.standing().filter(confirmed=True, verdict=Verdict.FAIL)


class Resolution(models.Model):
    """What an item's labels came to. Appended; the item points to the one that stands.

    `labels` are the ids of what it rests on. `published_at` is set once, when a golden version that holds
    it is published; from then on its labels cannot be undone.
    """

    item = models.ForeignKey(ReviewItem, models.PROTECT, related_name="resolutions", db_index=False)
    revision = models.IntegerField()
    method = models.CharField(max_length=11, choices=Method)
    verdict = models.CharField(max_length=11, choices=Verdict, blank=True, default="")
    preference = models.CharField(max_length=8, choices=Preference, blank=True, default="")
    confirmed = models.BooleanField(default=False)
    cause = models.CharField(max_length=16, choices=Cause, blank=True, default="")
    failure_modes = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    note = models.TextField(blank=True, default="")
    corrected_output = models.TextField(blank=True, default="")
    labels = ArrayField(models.BigIntegerField(), default=list, blank=True)
    by = models.ForeignKey(
        "reviewapp.User", models.PROTECT, null=True, blank=True, related_name="resolutions", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True, blank=True)

    objects = ResolutionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("item", "revision", name="resolution_revision_once"),
            Rules(
                name="resolution_words",
                rules={
                    "resolution_revisions_begin_at_one": Q(revision__gte=1),
                    "resolution_says_one_thing": says_one_thing("method", Method.values, Method.WITHDRAWN),
                    "resolution_cause_is_known": Q(cause__in=["", *Cause.values]),
                    "only_failures_are_confirmed": Q(confirmed=False) | Q(verdict=Verdict.FAIL),
                },
            ),
        ]
        indexes = [
            models.Index(F("created_at").desc(), name="resolution_by_time"),
            models.Index("by", condition=Q(by__isnull=False), name="resolution_by_a_lead"),
        ]
        triggers = [triggers.append_only("resolutions_stay", "note", "corrected_output", "published_at")]

    def __str__(self) -> str:
        return f"{self.method} {self.verdict or self.preference}"


class Flag(models.Model):
    """A reviewer asks a lead to look at an item; the review itself goes on."""

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="flags")
    reviewer = models.ForeignKey("reviewapp.User", models.PROTECT, related_name="+")
    note = models.TextField(blank=True, default="")
    on_rubric = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "item", "reviewer", condition=Q(closed_at=None), name="one_open_flag_a_reviewer"
            )
        ]

    def __str__(self) -> str:
        return f"flag on {self.item_id}"
