"""What does a project want masked, and how much has been? Tables `ingest_redactionpolicy` and `-count`."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from ingest.redaction.policy import DEFAULT_KINDS


def default_kinds() -> list[str]:
    return list(DEFAULT_KINDS)


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class RedactionPolicy(models.Model):
    """A project without a row has the default policy."""

    project = models.OneToOneField("ingest.Project", models.CASCADE, related_name="redaction")
    kinds = ArrayField(models.CharField(max_length=20), default=default_kinds)
    # Countries (ISO 3166) whose phone numbers are known without +.
    regions = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    # [{"name", "pattern"}]
    patterns = models.JSONField(default=list, blank=True)
    # Values and @domains that are never masked.
    allowed = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.project_id}: {', '.join(self.kinds)}"


class RedactionCount(models.Model):
    """How many values of a kind were masked on a day; written with what they were masked in.

    The shards keep transactions of one project from waiting for one another's counters.
    """

    project = models.ForeignKey("ingest.Project", models.CASCADE, db_index=False)
    day = models.DateField()
    kind = models.CharField(max_length=40)
    shard = models.SmallIntegerField()
    count = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "day", "kind", "shard", name="redaction_counted_once")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.kind}: {self.count}"
