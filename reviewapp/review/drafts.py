"""What has been typed and not submitted: saved while typing, in versions, and kept when a lease runs out."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from ingest import limits, sanitising
from ingest.records import canonical_json
from reviewapp.models import User
from reviewapp.review.models import Assignment, Draft, ReviewItem, State
from reviewapp.review.refusals import DraftConflict, Invalid, NotAllowed

LARGEST = 2 * limits.TEXT_CHARACTERS + 16 * limits.KIB


def load(item: ReviewItem, reviewer: User) -> Draft | None:
    return Draft.objects.filter(assignment__item=item, assignment__reviewer=reviewer).first()


def save(item: ReviewItem, reviewer: User, version: int, body: dict[str, Any]) -> Draft:
    """Keep the text; `version` is the one that was read (0: none yet). Needs no lease, only an assignment.

    Raises DraftConflict with what another tab saved, NotAllowed without an assignment or after the submit.
    """
    assignment = Assignment.objects.filter(item=item, reviewer=reviewer).first()
    if assignment is None or assignment.state == State.SUBMITTED:
        raise NotAllowed("There is no open answer of yours on this item.")
    body = fit(body)
    if version == 0 and (draft := _begin(assignment, body)):
        return draft
    read = Draft.objects.filter(assignment=assignment, version=version)
    if not read.update(version=F("version") + 1, body=body, updated_at=Now()):
        return _conflict(assignment, body)
    return Draft.objects.get(assignment=assignment)


def fit(body: dict[str, Any]) -> dict[str, Any]:
    """The body fit to be stored. Raises Invalid for what would have to be cut: no text is lost silently."""
    flags: set[str] = set()
    cleaned: dict[str, Any] = sanitising.json_value(body, flags)
    if sanitising.CUT in flags or len(canonical_json(cleaned)) > LARGEST:
        raise Invalid("The draft is too large.", [{"field": "body", "error": f"has over {LARGEST} bytes"}])
    return cleaned


def _begin(assignment: Assignment, body: dict[str, Any]) -> Draft | None:
    try:
        with transaction.atomic():
            Draft.objects.create(assignment=assignment, version=1, body=body)
    except IntegrityError:
        return None
    return Draft.objects.get(assignment=assignment)


def _conflict(assignment: Assignment, body: dict[str, Any]) -> Draft:
    """A save that came twice, of what is stored already, is no conflict."""
    stored = Draft.objects.filter(assignment=assignment).first()
    if stored is None:
        raise NotAllowed("There is no open answer of yours on this item.")
    if stored.body == body:
        return stored
    raise DraftConflict(
        "Another window has saved other text for this item. Both are shown: keep one.",
        version=stored.version,
        body=stored.body,
    )
