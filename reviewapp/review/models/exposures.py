"""Who has been shown what judges, peers and users said of a trace."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Exposure(models.Model):
    """From `at` on this user no longer labels the trace blind, with whatever item it comes."""

    user = models.ForeignKey("reviewapp.User", models.CASCADE, related_name="+", db_index=False)
    trace = models.ForeignKey("ingest.Trace", models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("user", "trace", name="one_exposure_a_trace")]

    def __str__(self) -> str:
        return f"{self.user_id} has seen what was said of {self.trace_id}"
