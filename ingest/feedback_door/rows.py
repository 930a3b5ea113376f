"""How may browsers send feedback to this project, and how much did they send in this minute?"""

from __future__ import annotations

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now

KEY_A_MINUTE = 600
ADDRESS_A_MINUTE = 60


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class FeedbackDoor(models.Model):
    """A project without a row allows no other origin, and asks for no signature."""

    project = models.OneToOneField("ingest.Project", models.CASCADE, related_name="feedback_door")
    origins = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    key_a_minute = models.PositiveIntegerField(default=KEY_A_MINUTE)
    address_a_minute = models.PositiveIntegerField(default=ADDRESS_A_MINUTE)
    requires_signature = models.BooleanField(default=False)
    # The key of signed links is derived from the project's secret and this number.
    key_number = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [GinIndex(fields=["origins"], name="feedback_door_origins")]

    def __str__(self) -> str:
        return f"{self.project_id}: {', '.join(self.origins) or 'no origin'}"


class FeedbackPace(models.Model):
    """How much a subject has sent in a minute. It is a hash, so that no address is kept."""

    subject = models.CharField(max_length=64)
    minute = models.DateTimeField()
    count = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("subject", "minute", name="feedback_pace_once_a_minute")]
        indexes = [models.Index("minute", name="feedback_pace_minute")]

    def __str__(self) -> str:
        return f"{self.count} at {self.minute:%H:%M}"
