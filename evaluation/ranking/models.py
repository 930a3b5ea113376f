"""What was learned last, for each project."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from ingest.models import Project


class RankingModel(models.Model):
    """The numbers of the newest fit, and how many labels there were then."""

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="ranking_model")
    numbers = models.JSONField(default=dict)
    labels = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    fitted_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.project_id}: {self.labels} labels"
