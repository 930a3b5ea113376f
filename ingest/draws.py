"""At which rates is each stratum drawn, and how was each trace drawn? Rows that are added and stay."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class Cause(models.TextChoices):
    MANUAL = "manual", "set by hand"
    DAILY = "daily", "kept by volume"
    BOOST = "boost"
    BOOST_END = "boost_end", "end of a boost"


class SamplingRate(models.Model):
    """The audit and judge shares of a stratum from a moment on; changed by a new row, never rewritten."""

    project = models.ForeignKey("ingest.Project", models.CASCADE, related_name="sampling_rates")
    stratum = models.CharField(max_length=200)
    audit = models.FloatField()
    # j - a: judged where a <= u < a + this (see `sampling.lane`).
    judge = models.FloatField()
    effective_from = models.DateTimeField()
    reason = models.TextField(db_default="")
    cause = models.CharField(max_length=10, choices=Cause, db_default=Cause.MANUAL)
    # Who set it: a user's name, empty for the daily job.
    set_by = models.CharField(max_length=150, db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "stratum", "effective_from", name="one_rate_at_a_time"),
            models.CheckConstraint(
                condition=Q(audit__gte=0, audit__lte=1, judge__gte=0, judge__lte=1), name="rates_are_shares"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stratum}: audit {self.audit}, judge {self.judge}"


class AuditDraw(models.Model):
    """A trace's draw, written once when it settles: u, its stratum, and the rates in force at first sight.

    A trace has settled when it has one.
    """

    trace = models.OneToOneField("ingest.Trace", models.CASCADE, primary_key=True, related_name="draw")
    u = models.FloatField()
    stratum = models.CharField(max_length=200)
    audit = models.FloatField()
    judge = models.FloatField()
    rate = models.ForeignKey(SamplingRate, models.RESTRICT, null=True)
    # Experiments and playgrounds are no production: rates 0, and never routed.
    excluded = models.BooleanField(db_default=False)
    settled_at = models.DateTimeField(db_default=Now())
    drawn = models.GeneratedField(
        expression=models.ExpressionWrapper(Q(u__lt=F("audit")), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(u__gte=0, u__lt=1), name="u_in_unit_interval")]

    def __str__(self) -> str:
        return f"u = {self.u}"
