"""The rows of the ground floor: projects and their tokens, and everything production sends.

Every link below a project goes through the trace, so a row can never point into another project.
"""

from __future__ import annotations

import secrets

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Left, Now

# A tsvector holds at most 1 MiB; words past this many characters of a text are not searched.
SEARCHED_CHARACTERS = 40_000


def new_secret() -> bytes:
    return secrets.token_bytes(32)


@pghistory.track(exclude=["secret"])
class Project(models.Model):
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    # Keys the draw u (HMAC-SHA256 over the trace id) and signed feedback links; never shown.
    secret = models.BinaryField(max_length=32, default=new_secret)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.slug


class Scope(models.TextChoices):
    INGEST = "ingest"
    FEEDBACK = "feedback"
    TRACES_READ = "traces:read"
    QUALITY_READ = "quality:read"
    LABELS_READ = "labels:read"
    GOLDEN_READ = "golden:read"
    LABELS_WRITE = "labels:write"
    IMPERSONATE = "impersonate"
    GOLDEN_WRITE = "golden:write"
    RUNS_WRITE = "runs:write"
    ADMIN = "admin"


@pghistory.track(exclude=["last_used_at", "secret_sha256"])
class ApiToken(models.Model):
    project = models.ForeignKey(Project, models.CASCADE, related_name="tokens")
    public_id = models.CharField(max_length=32, unique=True)
    secret_sha256 = models.BinaryField(max_length=32)
    name = models.CharField(max_length=120)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope))
    branches = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    trusted_for_reviews = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=150, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"


class Status(models.TextChoices):
    UNSET = "unset"
    OK = "ok"
    ERROR = "error"


class Trace(models.Model):
    """One request to the system under review; its columns are a reading of its spans, logs and records."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="traces", db_index=False)
    trace_id = models.CharField(max_length=128)
    first_seen = models.DateTimeField(db_default=Now())
    last_seen = models.DateTimeField(db_default=Now())
    # Counts arrivals. A reading made at another revision than the present one is not written.
    revision = models.IntegerField(db_default=1)
    # Null while the columns below agree with the stored rows; else since when they may not.
    stale_since = models.DateTimeField(null=True, db_default=Now())
    held = models.BooleanField(db_default=False)
    flags = ArrayField(models.CharField(max_length=40), db_default=[])

    name = models.TextField(db_default="")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    input = models.TextField(db_default="")
    output = models.TextField(db_default="")
    io_source = models.CharField(max_length=20, db_default="")
    model = models.TextField(db_default="")
    provider = models.TextField(db_default="")
    prompt_name = models.TextField(db_default="")
    prompt_version = models.TextField(db_default="")
    route = models.TextField(db_default="")
    environment = models.TextField(db_default="")
    session_id = models.TextField(db_default="")
    user_id = models.TextField(db_default="")
    input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    cost_usd = models.FloatField(null=True)
    latency_ms = models.FloatField(null=True)
    status = models.CharField(max_length=8, choices=Status, db_default=Status.UNSET)
    error = models.TextField(db_default="")
    tags = models.JSONField(db_default={})
    span_count = models.IntegerField(db_default=0)
    error_count = models.IntegerField(db_default=0)
    root_ended = models.BooleanField(db_default=False)

    search = models.GeneratedField(
        expression=SearchVector(
            "trace_id",
            Left("input", SEARCHED_CHARACTERS),
            Left("output", SEARCHED_CHARACTERS),
            config="simple",
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "trace_id", name="trace_id_once_a_project"),
        ]
        indexes = [
            models.Index(F("project"), F("started_at").desc(), F("id").desc(), name="trace_newest"),
            models.Index(
                "project", "stale_since", condition=Q(stale_since__isnull=False), name="trace_stale"
            ),
            # A trace's page shows the neighbours of a session which may hold any number of traces.
            models.Index(
                "project",
                "session_id",
                F("started_at").desc(),
                F("id").desc(),
                condition=~Q(session_id=""),
                name="trace_of_session",
            ),
            # What may be pruned one day, the oldest first.
            models.Index("first_seen", condition=Q(held=False), name="trace_prunable"),
            GinIndex(fields=["tags"], name="trace_tags", opclasses=["jsonb_path_ops"], condition=~Q(tags={})),
            GinIndex(fields=["search"], name="trace_search"),
        ]

    def __str__(self) -> str:
        return self.trace_id


class Span(models.Model):
    # The unique constraint below serves look-ups by trace.
    trace = models.ForeignKey(Trace, models.CASCADE, related_name="spans", db_index=False)
    span_id = models.CharField(max_length=128)
    parent_id = models.CharField(max_length=128)
    name = models.TextField()
    kind = models.SmallIntegerField()
    # Nanoseconds since 1970, as the exporters send them.
    start_ns = models.BigIntegerField()
    end_ns = models.BigIntegerField(null=True)
    status = models.CharField(max_length=8, choices=Status)
    error = models.TextField()
    scope = models.TextField()
    # What a bare response id in a score or feedback can be matched with.
    response_id = models.TextField()
    attributes = models.JSONField()
    events = models.JSONField()
    resource = models.JSONField()
    sha256 = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint("trace", "span_id", name="span_id_once_a_trace")]
        indexes = [
            models.Index("span_id", name="span_by_id"),
            models.Index("response_id", condition=~Q(response_id=""), name="span_by_response"),
        ]

    def __str__(self) -> str:
        return self.span_id


class LogRecord(models.Model):
    """A log event that belongs to a trace: messages and choices that some dialects keep out of spans."""

    trace = models.ForeignKey(Trace, models.CASCADE, related_name="logs", db_index=False)
    span_id = models.CharField(max_length=128)
    name = models.TextField()
    occurred_at = models.DateTimeField()
    attributes = models.JSONField()
    body = models.JSONField(null=True)
    sha256 = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint("trace", "sha256", name="log_once_a_trace")]

    def __str__(self) -> str:
        return self.name


class TraceRecord(models.Model):
    """One body posted to the native API about a trace. A trace is read from all of them, by content."""

    trace = models.ForeignKey(Trace, models.CASCADE, related_name="records", db_index=False)
    # What decides between differing fields: the body's own time, then its hash.
    occurred_at = models.DateTimeField()
    body = models.JSONField()
    sha256 = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint("trace", "sha256", name="record_once_a_trace")]

    def __str__(self) -> str:
        return f"record of trace {self.trace_id}"


class Source(models.TextChoices):
    LLM = "llm", "LLM"
    CODE = "code"
    HUMAN = "human"
    USER = "user"


class TargetKind(models.TextChoices):
    TRACE = "trace"
    SPAN = "span"
    RESPONSE = "response"
    EXTERNAL = "external"


class Targeted(models.Model):
    """A statement about a trace which may arrive before it: pending until `trace` is set.

    `target_kind` and `target_key` hold what the sender named: a trace id, a bare span id, a response
    id, or `system:id` of a foreign system.
    """

    project = models.ForeignKey(Project, models.CASCADE, db_index=False)
    key = models.CharField(max_length=200)
    trace = models.ForeignKey(Trace, models.CASCADE, null=True, db_index=False)
    span_id = models.CharField(max_length=128, db_default="")
    target_kind = models.CharField(max_length=8, choices=TargetKind)
    target_key = models.CharField(max_length=300)
    received_at = models.DateTimeField(db_default=Now())
    sha256 = models.BinaryField(max_length=32)

    class Meta:
        abstract = True


class Score(Targeted):
    name = models.CharField(max_length=200)
    value = models.FloatField(null=True)
    label = models.TextField(db_default="")
    confidence = models.FloatField(null=True)
    explanation = models.TextField(db_default="")
    source = models.CharField(max_length=8, choices=Source, db_default=Source.LLM)
    evaluator = models.JSONField(db_default={})
    error_type = models.TextField(db_default="")
    timestamp = models.DateTimeField()
    metadata = models.JSONField(db_default={})

    class Meta:
        constraints = [models.UniqueConstraint("project", "key", name="score_key_once_a_project")]
        indexes = [
            models.Index("trace", "name", name="score_of_trace"),
            models.Index("project", "name", "value", name="score_by_value"),
            # The newest failures of a check, however rare they are.
            models.Index(
                F("project"),
                F("name"),
                F("id").desc(),
                condition=Q(source="code", value=0),
                name="score_check_failed",
            ),
            models.Index("project", "target_kind", "target_key", name="score_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.value if self.value is not None else self.label}"


class FeedbackKind(models.TextChoices):
    THUMBS = "thumbs"
    RATING = "rating"
    REGENERATE = "regenerate"
    COPY = "copy"
    EDIT = "edit"
    REPHRASE = "rephrase"
    ABANDON = "abandon"
    ACCEPT = "accept"
    TASK_COMPLETED = "task_completed"
    FOLLOW_UP = "follow_up"
    ESCALATE = "escalate"
    REPORT = "report"
    COMMENT = "comment"


class Feedback(Targeted):
    kind = models.CharField(max_length=16, choices=FeedbackKind)
    dimension = models.CharField(max_length=100, db_default="")
    value = models.TextField(db_default="")
    # thumbs: 1 up, 0 down; rating: value / max; else null.
    number = models.FloatField(null=True)
    comment = models.TextField(db_default="")
    user = models.CharField(max_length=200, db_default="")
    session = models.CharField(max_length=200, db_default="")
    occurred_at = models.DateTimeField()
    payload = models.JSONField(db_default={})
    # From a browser: whether a signed link vouches for it. Null: from the application itself.
    signed = models.BooleanField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("project", "key", name="feedback_key_once_a_project")]
        indexes = [
            models.Index("trace", name="feedback_of_trace"),
            models.Index("project", "target_kind", "target_key", name="feedback_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class SupersededKind(models.TextChoices):
    SPAN = "span"
    SCORE = "score"
    FEEDBACK = "feedback"


class Superseded(models.Model):
    """A body that lost to another one of the same identity, by content and never by arrival; kept."""

    project = models.ForeignKey(Project, models.CASCADE, db_index=False)
    trace = models.ForeignKey(Trace, models.CASCADE, null=True)
    kind = models.CharField(max_length=8, choices=SupersededKind)
    key = models.CharField(max_length=200)
    sha256 = models.BinaryField(max_length=32)
    body = models.JSONField()
    kept_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "project", "kind", "trace", "key", "sha256", name="superseded_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


# Models of topics with a room of their own; Django looks for them here.
from ingest.draws import AuditDraw as AuditDraw  # noqa: E402
from ingest.draws import Cause as Cause  # noqa: E402
from ingest.draws import SamplingRate as SamplingRate  # noqa: E402
from ingest.feedback_door.rows import FeedbackDoor as FeedbackDoor  # noqa: E402
from ingest.feedback_door.rows import FeedbackPace as FeedbackPace  # noqa: E402
from ingest.redaction.rows import RedactionCount as RedactionCount  # noqa: E402
from ingest.redaction.rows import RedactionPolicy as RedactionPolicy  # noqa: E402
from ingest.routing.models import Route as Route  # noqa: E402
from ingest.routing.models import RoutingRule as RoutingRule  # noqa: E402
from ingest.routing.models import Signal as Signal  # noqa: E402
from ingest.routing.models import Slice as Slice  # noqa: E402
from ingest.routing.models import Unsettled as Unsettled  # noqa: E402
from ingest.trace_checks.rows import CheckCount as CheckCount  # noqa: E402
from ingest.trace_checks.rows import CheckSetting as CheckSetting  # noqa: E402
