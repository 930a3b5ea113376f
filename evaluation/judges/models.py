"""The rows of judges: what they are, what they said, against what they were held, and what came of it."""

from __future__ import annotations

from typing import Self

import pghistory
from django.core.validators import validate_slug
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from ingest.models import Project, Trace
from reviewapp.models import User
from reviewapp.review.models import (
    VERDICT,
    Cause,
    Preference,
    Queue,
    ReviewItem,
    RubricVersion,
    Snapshot,
    triggers,
)

NAME_CHARACTERS = 100
PROJECT_OF_VERSION = (
    "SELECT j.project_id FROM evaluation_judge j "
    "JOIN evaluation_judgeversion v ON v.judge_id = j.id WHERE v.id = NEW.version_id"
)
PROJECT_OF_TRACE = "SELECT t.project_id FROM ingest_trace t WHERE t.id = NEW.trace_id"
PROJECT_OF_ITEM = (
    "SELECT q.project_id FROM reviewapp_queue q "
    "JOIN reviewapp_reviewitem i ON i.queue_id = q.id WHERE i.id = NEW.item_id"
)
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
    # Of a queue: what comes into it later is asked about too, until the run is stopped.
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


class TryOut(models.Model):
    """What a version that is not there yet says of one trace: asked for while it is written, in no figure.

    It runs as judgments do: attempts are counted and committed before each call.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    trace = models.ForeignKey(Trace, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    endpoint = models.CharField(max_length=100, blank=True, default="")
    model = models.CharField(max_length=200, blank=True, default="")
    prompt = models.TextField(blank=True, default="")
    parameters = models.JSONField(default=dict, blank=True)
    criterion = models.CharField(max_length=60, default=VERDICT)
    progress = models.CharField(max_length=7, choices=Progress, default=Progress.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    votes = models.JSONField(default=list, blank=True)
    reason = models.CharField(max_length=200, blank=True, default="")
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.FloatField(default=0.0)
    latency_ms = models.FloatField(null=True, blank=True)
    asked_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(progress__in=Progress.values), name="tryout_progress_is_known")
        ]
        indexes = [
            models.Index("id", condition=Q(progress__in=["waiting", "running"]), name="tryout_waiting")
        ]
        triggers = [
            triggers.inside_project(
                "tryout_stays_inside", ("project_id", "trace_id"), ("SELECT NEW.project_id", PROJECT_OF_TRACE)
            )
        ]

    def __str__(self) -> str:
        return f"try-out {self.pk}"


class MonthlySpend(models.Model):
    """What judges have cost in a month and what calls under way may cost: together never over budget."""

    month = models.DateField(primary_key=True)
    spent_usd = models.FloatField(default=0.0)
    reserved_usd = models.FloatField(default=0.0)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.spent_usd}"


class EndpointHealth(models.Model):
    """The circuit breaker of one endpoint, shared by all workers."""

    endpoint = models.CharField(max_length=100, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    closed_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.endpoint


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class AnchorSet(models.Model):
    """Traces whose right verdict is settled, kept byte for byte: a moved judge shows on them."""

    judge = models.ForeignKey(Judge, models.CASCADE, related_name="anchor_sets")
    name = models.CharField(max_length=NAME_CHARACTERS)
    frozen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint("judge", "name", name="anchor_set_name_once_a_judge")]

    def __str__(self) -> str:
        return self.name


class Anchor(models.Model):
    anchor_set = models.ForeignKey(AnchorSet, models.CASCADE, related_name="anchors", db_index=False)
    trace = models.ForeignKey(Trace, models.CASCADE, related_name="anchors")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="anchors")
    verdict = models.CharField(max_length=4, choices=[("pass", "pass"), ("fail", "fail")])

    class Meta:
        constraints = [models.UniqueConstraint("anchor_set", "trace", name="anchor_once_a_set")]
        triggers = [
            triggers.inside_project(
                "anchor_stays_inside",
                ("anchor_set_id", "trace_id"),
                (
                    "SELECT j.project_id FROM evaluation_judge j "
                    "JOIN evaluation_anchorset a ON a.judge_id = j.id WHERE a.id = NEW.anchor_set_id",
                    PROJECT_OF_TRACE,
                ),
            )
        ]

    def __str__(self) -> str:
        return f"anchor {self.trace_id}: {self.verdict}"


class ImportedPair(models.Model):
    """How a trace labelled elsewhere had been chosen there: its inclusion probability, or unknown."""

    trace = models.OneToOneField(Trace, models.CASCADE, primary_key=True, related_name="imported_pair")
    pi = models.FloatField(null=True, blank=True)
    slices = models.JSONField(default=dict, blank=True)
    occurred_at = models.DateTimeField()
    sha256 = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pi=None) | Q(pi__gt=0, pi__lte=1), name="pi_is_a_probability")
        ]

    def __str__(self) -> str:
        return f"imported {self.trace_id}"


class Disagreement(models.Model):
    """What somebody found to be wrong where a judge and people disagreed."""

    version = models.ForeignKey(JudgeVersion, models.CASCADE, related_name="disagreements", db_index=False)
    trace = models.ForeignKey(Trace, models.CASCADE, related_name="disagreements")
    cause = models.CharField(max_length=16, choices=Cause)
    note = models.TextField(blank=True, default="")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("version", "trace", name="one_cause_a_disagreement")]
        triggers = [
            triggers.inside_project(
                "disagreement_stays_inside",
                ("version_id", "trace_id"),
                (PROJECT_OF_VERSION, PROJECT_OF_TRACE),
            )
        ]

    def __str__(self) -> str:
        return f"{self.cause} on {self.trace_id}"


class CalibrationPoint(models.Model):
    """Figures as they were computed at a watermark of labels and judgments; computed anew, they are equal."""

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
