"""The rows of routing: rules, the routes they gave, and what tells the worker that a route may have changed.

They name traces and projects by string, so that `ingest.models` can import them.
"""

from __future__ import annotations

from typing import Self

import pghistory
from django.core.validators import validate_slug
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Match(models.TextChoices):
    ALL = "all", "all of them"
    ANY = "any", "any of them"


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class RoutingRule(models.Model):
    """Sends traces into a queue. The queue stands one floor up, so it is named by its slug."""

    project = models.ForeignKey("ingest.Project", models.CASCADE, related_name="routing_rules")
    queue = models.CharField(max_length=60, validators=[validate_slug])
    name = models.CharField(max_length=120)
    match = models.CharField(max_length=3, choices=Match, default=Match.ALL)
    # [{"condition": code, ...parameters}], of the closed set in `conditions`.
    conditions = models.JSONField(default=list)
    # How bad a failure found by this rule is: a factor of the priority.
    severity = models.FloatField(default=1.0)
    # Of the traces that match, the share that is routed: by chance, the same whenever it is asked.
    share = models.FloatField(default=1.0)
    position = models.IntegerField(default=0)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "queue", "name", name="rule_name_once_a_queue"),
            models.CheckConstraint(condition=Q(match__in=Match.values), name="match_is_known"),
            models.CheckConstraint(condition=Q(severity__gt=0, severity__lte=10), name="severity_up_to_ten"),
            models.CheckConstraint(condition=Q(share__gt=0, share__lte=1), name="share_is_a_share"),
        ]

    def __str__(self) -> str:
        return self.name


class RouteQuerySet(models.QuerySet["Route"]):
    def standing(self) -> Self:
        """Routes for which there still is a reason."""
        return self.exclude(reasons=[])

    def changed_first(self) -> Self:
        """What the floor above has not taken note of yet, the oldest first."""
        return self.filter(changed=True).order_by("id")


class Route(models.Model):
    """A trace's way into a queue, with its reasons and the terms of its priority.

    Whoever pulls routes upwards takes those that are `changed`, FOR UPDATE SKIP LOCKED, and in the same
    transaction sets them back. A route whose last reason has gone stays, with no reasons and priority 0.
    """

    trace = models.ForeignKey("ingest.Trace", models.CASCADE, related_name="routes", db_index=False)
    queue = models.CharField(max_length=60)
    # [{"code", "detail", "rule": name}], in the order of the rules.
    reasons = models.JSONField()
    # The factors of the priority and what went into them; "by" says who ranked it (rules, or a model).
    terms = models.JSONField()
    priority = models.FloatField()
    # Goes into the audit lane as well; never taken back, since the draw is not either.
    audit = models.BooleanField(db_default=False)
    decided_at = models.DateTimeField(db_default=Now())
    changed = models.BooleanField(db_default=True)

    objects = RouteQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("trace", "queue", name="route_once_a_queue")]
        indexes = [models.Index("id", condition=Q(changed=True), name="route_changed")]

    def __str__(self) -> str:
        return f"{self.trace_id} -> {self.queue}"


class Unsettled(models.Model):
    """A trace that has not settled yet. A table of its own, since it is read and emptied all the time."""

    trace = models.OneToOneField("ingest.Trace", models.CASCADE, primary_key=True, related_name="unsettled")

    def __str__(self) -> str:
        return f"trace {self.trace_id} has not settled"


class Signal(models.Model):
    """Something was said of a trace: its routes are to be decided again once it has settled.

    Only ever inserted, in the transaction of what was said, and deleted by the worker: so neither waits
    for the other, and nothing that is committed later than the worker looked goes unnoticed.
    """

    trace = models.ForeignKey("ingest.Trace", models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"signal for trace {self.trace_id}"


class Slice(models.Model):
    """When a combination of route, model and prompt version was seen first, by the times of its traces."""

    project = models.ForeignKey("ingest.Project", models.CASCADE, related_name="+", db_index=False)
    digest = models.BinaryField(max_length=16)
    first_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("project", "digest", name="slice_once_a_project")]

    def __str__(self) -> str:
        return f"slice since {self.first_at}"
