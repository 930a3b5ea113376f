"""What was last learned for each project, and which items of a queue are near-duplicates."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from ingest.models import Project
from reviewapp.review.models import Queue, ReviewItem


class RankingModel(models.Model):
    """The numbers of the newest fit, and how many labels there were then."""

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="ranking_model")
    numbers = models.JSONField(default=dict)
    labels = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    fitted_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.project_id}: {self.labels} labels"


class Alike(models.Model):
    """An item's group within its queue, named by the group's first item, and its place in the group."""

    item = models.OneToOneField(ReviewItem, models.CASCADE, primary_key=True, related_name="alike")
    leader = models.ForeignKey(ReviewItem, models.CASCADE, related_name="+")
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="+", db_index=False)
    # Of the normalised text: equal items need no comparison.
    digest = models.CharField(max_length=64)
    place = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index("queue", "digest", name="alike_equal")]

    def __str__(self) -> str:
        return f"{self.item_id} in {self.leader_id}"
