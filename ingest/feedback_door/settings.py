"""How is this project's feedback from browsers set up? Read, and changed from its page."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F

from ingest.feedback_door.rows import FeedbackDoor
from ingest.models import Project


def read(project: Project) -> FeedbackDoor:
    """The project's row, or an unsaved one with the defaults."""
    found = FeedbackDoor.objects.filter(project_id=project.pk).first()
    return found or FeedbackDoor(project=project)


def save(
    project: Project,
    *,
    origins: Sequence[str],
    key_a_minute: int,
    address_a_minute: int,
    requires_signature: bool,
) -> None:
    FeedbackDoor.objects.update_or_create(
        project=project,
        defaults={
            "origins": list(origins),
            "key_a_minute": key_a_minute,
            "address_a_minute": address_a_minute,
            "requires_signature": requires_signature,
        },
    )


def change_key(project: Project) -> None:
    """Every signature made with the old key is worth nothing from now on."""
    FeedbackDoor.objects.get_or_create(project=project)
    FeedbackDoor.objects.filter(project=project).update(key_number=F("key_number") + 1)
