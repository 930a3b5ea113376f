"""The rows of the checks: what a project has set, and how often each check has run and failed."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q


@pghistory.track()
class CheckSetting(models.Model):
    """How a project wants one check: on or off, and the parameters that differ from the check's own."""

    project = models.ForeignKey("ingest.Project", models.CASCADE, related_name="check_settings")
    name = models.CharField(max_length=40)
    enabled = models.BooleanField(default=True)
    parameters = models.JSONField(default=dict)

    class Meta:
        app_label = "ingest"
        constraints = [models.UniqueConstraint("project", "name", name="check_set_once_a_project")]

    def __str__(self) -> str:
        return self.name


class CheckCount(models.Model):
    """How many traces of one hour and one slice a check has passed and failed.

    Added to in the transaction that stores the scores, so it equals a recount of them. The name '' counts
    the traces themselves, to which a check may or may not apply.
    """

    project = models.ForeignKey("ingest.Project", models.CASCADE, db_index=False, related_name="+")
    # The hour in which the trace started.
    hour = models.DateTimeField()
    name = models.CharField(max_length=40)
    # A digest of the four columns below it, which together are too long for an index.
    slice = models.UUIDField()
    route = models.TextField()
    model = models.TextField()
    prompt_version = models.TextField()
    environment = models.TextField()
    passed = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    broken = models.BigIntegerField(default=0)

    class Meta:
        app_label = "ingest"
        constraints = [
            models.UniqueConstraint("project", "hour", "name", "slice", name="check_count_once_an_hour"),
            models.CheckConstraint(
                condition=Q(passed__gte=0, failed__gte=0, broken__gte=0), name="check_counts_are_counts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.hour:%Y-%m-%d %H}: {self.failed} failed"
