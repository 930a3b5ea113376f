"""People, their roles in projects, and the pulse of the worker."""

from __future__ import annotations

from typing import Self

import pghistory
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Now

from ingest.models import Project


class User(AbstractUser):
    preferences = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Role(models.TextChoices):
    """Each role may all that the one before it may."""

    REVIEWER = "reviewer"
    LEAD = "lead"
    ADMIN = "admin"

    def allows(self, needed: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def of(self, user: User) -> Self:
        """What this person is a member of, with the projects, by name."""
        return self.filter(user=user).select_related("project").order_by("project__name", "pk")

    def matching(self, words: str) -> Self:
        """Whose user has each of these words in a name or address."""
        found = self
        for word in words.split():
            found = found.filter(
                models.Q(user__username__icontains=word)
                | models.Q(user__first_name__icontains=word)
                | models.Q(user__last_name__icontains=word)
                | models.Q(user__email__icontains=word)
            )
        return found


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Membership(models.Model):
    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(db_default=Now())

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "user", name="one_membership_a_project"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"


class Heartbeat(models.Model):
    """When a task last went the whole way through the queue; written by that task."""

    name = models.CharField(max_length=60, primary_key=True)
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.beat_at:%H:%M:%S}"


# Models of topics with a room of their own; Django looks for them here.
from reviewapp.review.models import (  # noqa: E402, F401
    Assignee,
    Assignment,
    CriterionRevision,
    Draft,
    Exposure,
    Flag,
    Label,
    LabelAnswer,
    Opening,
    Queue,
    Resolution,
    ReviewItem,
    Rubric,
    RubricVersion,
    Seat,
    ServiceReviewer,
    Snapshot,
)
