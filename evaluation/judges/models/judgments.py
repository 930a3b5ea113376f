"""The rows of what judges said, or are to say: runs, judgments and the models that answered."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from evaluation.judges.models.judges import JudgeVersion
from evaluation.judges.models.owners import PROJECT_OF_ITEM, PROJECT_OF_TRACE, PROJECT_OF_VERSION
from ingest.models import Trace
from reviewapp.review.models import VERDICT, Preference, Queue, ReviewItem, Snapshot, triggers


class RunKind(models.TextChoices):
    SAMPLE = "sample", "judge sample of live traffic"
    AUDIT = "audit", "audit items"
    QUEUE = "queue", "items of a queue"
    ANCHORS = "anchors", "anchor set"
    GIVEN = "given", "chosen traces"


class JudgeRun(models.Model):
    """A batch of judgments that was asked for; its progress is counted from them."""

    version = models.ForeignKey(JudgeVersion, models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=8, choices=RunKind)
    queue = models.ForeignKey(Queue, models.CASCADE, null=True, blank=True, related_name="+")
    share = models.FloatField(null=True, blank=True)
    # For a queue: items that enter it later are judged too, until the run is stopped.
    standing = models.BooleanField(default=False, db_default=False)
    asked_by = models.CharField(max_length=150, blank=True, default="")
    asked_at = models.DateTimeField(db_default=Now())
    stopped_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} run {self.pk}"


class Origin(models.TextChoices):
    """Why this trace was judged. Only what chance chose may enter a rate."""

    SAMPLE = "sample"
    AUDIT = "audit"
    QUEUE = "queue"
    ANCHOR = "anchor"
    GIVEN = "given"
    IMPORT = "import"


class Progress(models.TextChoices):
    """The last four are final."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    INVALID = "invalid", "answered, but not as asked"
    FAILED = "failed", "no answer"
    STOPPED = "stopped", "not asked"


FINAL = (Progress.DONE, Progress.INVALID, Progress.FAILED, Progress.STOPPED)


class Verdict(models.TextChoices):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INVALID = "invalid"


class JudgmentQuerySet(models.QuerySet["Judgment"]):
    def of_project(self, project: object) -> Self:
        return self.filter(version__judge__project=project)

    def open(self) -> Self:
        return self.filter(progress__in=(Progress.WAITING, Progress.RUNNING))


class Judgment(models.Model):
    """What a judge version said of a trace, or is to say.

    Whoever runs it counts `attempts` up and writes a lease in one conditional update; the result is written
    only while that attempt is the latest one, so there is one result, whatever runs twice.
    """

    version = models.ForeignKey(JudgeVersion, models.CASCADE, related_name="judgments", db_index=False)
    trace = models.ForeignKey(Trace, models.CASCADE, related_name="judgments")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, null=True, blank=True, related_name="judgments")
    run = models.ForeignKey(JudgeRun, models.SET_NULL, null=True, blank=True, related_name="judgments")
    criterion = models.CharField(max_length=60, default=VERDICT)
    trial = models.PositiveIntegerField(default=1)
    # Of a pair: the item, the order in which its two answers were shown, and which one it prefers, told of
    # the item's own a and b whatever the order was.
    item = models.ForeignKey(
        ReviewItem, models.CASCADE, null=True, blank=True, related_name="judgments", db_index=False
    )
    order = models.CharField(max_length=2, choices=[("ab", "ab"), ("ba", "ba")], blank=True, db_default="")
    preference = models.CharField(max_length=8, choices=Preference, blank=True, db_default="")
    origin = models.CharField(max_length=6, choices=Origin)
    progress = models.CharField(max_length=7, choices=Progress, default=Progress.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    verdict = models.CharField(max_length=7, choices=Verdict, blank=True, default="")
    # The probability that it fails, by the judge.
    score = models.FloatField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    rationale = models.TextField(blank=True, default="")
    # Why it is invalid or has failed, in words that name no address and no key.
    reason = models.CharField(max_length=200, blank=True, default="")
    # Where it is asked several times, each answer so far: {"verdict", "score", "rationale", "reason"}.
    votes = models.JSONField(db_default=models.Value([], models.JSONField()), blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.FloatField(default=0.0)
    latency_ms = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JudgmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "version", "trace", "criterion", "trial", condition=Q(item=None), name="one_judgment_a_trial"
            ),
            models.UniqueConstraint(
                "item",
                "version",
                "trial",
                condition=Q(item__isnull=False),
                name="one_judgment_a_pair_and_trial",
            ),
            models.CheckConstraint(
                condition=Q(progress__in=Progress.values), name="judgment_progress_is_known"
            ),
            models.CheckConstraint(condition=Q(origin__in=Origin.values), name="judgment_origin_is_known"),
            models.CheckConstraint(
                condition=Q(verdict__in=["", *Verdict.values]), name="judgment_verdict_is_known"
            ),
            models.CheckConstraint(
                condition=Q(progress="done", verdict__in=["pass", "fail"], preference="", item=None)
                | Q(progress="done", verdict="", preference__in=Preference.values, item__isnull=False)
                | Q(progress="invalid", verdict="invalid", preference="")
                | (~Q(progress__in=["done", "invalid"]) & Q(verdict="", preference="")),
                name="judgment_says_what_it_came_to",
            ),
            models.CheckConstraint(
                condition=Q(item=None, order="") | Q(item__isnull=False, order__in=["ab", "ba"]),
                name="judged_pairs_have_an_order",
            ),
        ]
        indexes = [
            models.Index(
                "due_at", "id", condition=Q(progress__in=["waiting", "running"]), name="judgment_due"
            ),
            models.Index("version", F("finished_at").desc(), name="judgment_newest"),
        ]
        triggers = [
            triggers.inside_project(
                "judgment_stays_inside",
                ("version_id", "trace_id", "item_id"),
                (PROJECT_OF_VERSION, PROJECT_OF_TRACE),
                (PROJECT_OF_VERSION, PROJECT_OF_ITEM),
            )
        ]

    def __str__(self) -> str:
        return f"{self.verdict or self.progress} on {self.trace_id}"


class AnsweredModel(models.Model):
    """A model that answered in a version's name. A second one: the alias leads elsewhere now."""

    version = models.ForeignKey(JudgeVersion, models.CASCADE, related_name="answered", db_index=False)
    model = models.CharField(max_length=200)
    first_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("version", "model", name="answered_model_once_a_version")]

    def __str__(self) -> str:
        return f"{self.model} since {self.first_at}"
