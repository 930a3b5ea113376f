"""The rows that a judge and people share: how imported traces were chosen, and who was wrong."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from evaluation.judges.models.judges import JudgeVersion
from evaluation.judges.models.owners import PROJECT_OF_TRACE, PROJECT_OF_VERSION
from ingest.models import Trace
from reviewapp.models import User
from reviewapp.review.models import Cause, triggers


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
