"""The rows of versions that are tried on a trace before they exist."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from evaluation.judges.models.judges import Kind
from evaluation.judges.models.judgments import Progress
from evaluation.judges.models.owners import PROJECT_OF_TRACE
from ingest.models import Project, Trace
from reviewapp.review.models import VERDICT, triggers


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
