"""The rows of frozen traces whose right verdict is settled."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models.functions import Now

from evaluation.judges.models.judges import NAME_CHARACTERS, Judge
from evaluation.judges.models.owners import PROJECT_OF_TRACE
from ingest.models import Trace
from reviewapp.review.models import Snapshot, triggers


class AnchorSetQuerySet(models.QuerySet["AnchorSet"]):
    def newest_of(self, judge: Judge) -> AnchorSet | None:
        """The set in use: the one frozen last."""
        return self.filter(judge=judge, frozen_at__isnull=False).order_by("-frozen_at", "-pk").first()


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class AnchorSet(models.Model):
    """Traces whose right verdict is settled, kept byte for byte: a moved judge shows on them."""

    judge = models.ForeignKey(Judge, models.CASCADE, related_name="anchor_sets")
    name = models.CharField(max_length=NAME_CHARACTERS)
    frozen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=150, blank=True, default="")

    objects = AnchorSetQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("judge", "name", name="anchor_set_name_once_a_judge")]

    def __str__(self) -> str:
        return self.name


class Anchor(models.Model):
    anchor_set = models.ForeignKey(AnchorSet, models.CASCADE, related_name="anchors", db_index=False)
    trace = models.ForeignKey(Trace, models.CASCADE, related_name="anchors")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="anchors")
    verdict = models.CharField(max_length=4, choices=[("pass", "pass"), ("fail", "fail")])

    class Meta:
        constraints = [models.UniqueConstraint("anchor_set", "trace", name="anchor_once_a_set")]
        triggers = [
            triggers.inside_project(
                "anchor_stays_inside",
                ("anchor_set_id", "trace_id"),
                (
                    "SELECT j.project_id FROM evaluation_judge j "
                    "JOIN evaluation_anchorset a ON a.judge_id = j.id WHERE a.id = NEW.anchor_set_id",
                    PROJECT_OF_TRACE,
                ),
            )
        ]

    def __str__(self) -> str:
        return f"anchor {self.trace_id}: {self.verdict}"
