"""What has been typed and not submitted: saved while typing, in versions, and kept when a lease runs out."""

from __future__ import annotations

from typing import Any

from ingest import limits, sanitising
from ingest.records import canonical_json
from reviewapp.models import User
from reviewapp.review import rows
from reviewapp.review.models import Assignment, Draft, ReviewItem, State
from reviewapp.review.refusals import DraftConflict, HandedIn, Invalid, NotAllowed

MOST_FORGOTTEN = 500
LARGEST = 2 * limits.TEXT_CHARACTERS + 16 * limits.KIB


def load(item: ReviewItem, reviewer: User) -> Draft | None:
    return Draft.objects.filter(assignment__item=item, assignment__reviewer=reviewer).first()


def save(
    item: ReviewItem, reviewer: User, version: int, body: dict[str, Any], shown: int | None = None
) -> Draft:
    """Keep the text; `version` is the one that was read (0: none yet), `shown` the snapshot it was typed for.
    Needs no lease, only an assignment.

    Raises DraftConflict with what another tab saved, NotAllowed without an assignment, HandedIn after the
    submit.
    """
    body = fit(body)
    kept = canonical_json(body).decode()
    values = {"item": item.pk, "reviewer": reviewer.pk, "version": version, "body": kept, "shown": shown}
    saved = rows.one(SAVE, values)
    return rows.made(Draft, saved) if saved else _unsaved(item, reviewer, body)


# One statement, so that a submit comes wholly before it or wholly after: one that is under way is waited for,
# and once it has succeeded there is nothing left to save.
SAVE = f"""
    WITH mine AS (
        SELECT id FROM reviewapp_assignment
        WHERE item_id = %(item)s AND reviewer_id = %(reviewer)s AND state <> 'submitted' FOR SHARE
    )
    INSERT INTO reviewapp_draft AS d (assignment_id, version, body, shown, updated_at)
    SELECT id, %(version)s + 1, %(body)s::jsonb, %(shown)s, statement_timestamp() FROM mine
    ON CONFLICT (assignment_id) DO UPDATE
        SET version = d.version + 1, body = excluded.body, shown = excluded.shown,
            updated_at = excluded.updated_at
        WHERE d.version = %(version)s
    RETURNING {rows.columns(Draft, "d")}
"""  # noqa: S608 - our own names


def is_outdated(draft: Draft, item: ReviewItem) -> bool:
    """Whether it was typed for something else than what is shown of the item now."""
    return draft.shown is not None and draft.shown != item.snapshot_id


def fit(body: dict[str, Any]) -> dict[str, Any]:
    """The body fit to be stored. Raises Invalid for what would have to be cut: no text is lost silently."""
    flags: set[str] = set()
    cleaned: dict[str, Any] = sanitising.json_value(body, flags)
    if sanitising.CUT in flags or len(canonical_json(cleaned)) > LARGEST:
        raise Invalid("The draft is too large.", [{"field": "body", "error": f"has over {LARGEST} bytes"}])
    return cleaned


def _unsaved(item: ReviewItem, reviewer: User, body: dict[str, Any]) -> Draft:
    """A save that came twice, of what is stored already, is no conflict."""
    mine = Assignment.objects.filter(item=item, reviewer=reviewer)
    if mine.filter(state=State.SUBMITTED).exists():
        raise HandedIn("You have handed in your answer on this item.")
    stored = Draft.objects.filter(assignment__in=mine).first()
    if stored is None:
        raise NotAllowed("There is no open answer of yours on this item.")
    if stored.body == body:
        return stored
    raise DraftConflict(
        "Another window has saved different text for this item. Both are shown: keep one.",
        version=stored.version,
        body=stored.body,
    )


def forget_submitted() -> int:
    """Drop drafts whose answer has been handed in; how many.

    A submit that has waited for a save to end does not see what it saved. Whoever takes a label back, which
    makes it a draft again, has the item locked.
    """
    return rows.change(FORGET, [MOST_FORGOTTEN])


FORGET = """
    DELETE FROM reviewapp_draft WHERE assignment_id IN (
        SELECT a.id FROM reviewapp_draft d JOIN reviewapp_assignment a ON a.id = d.assignment_id
        JOIN reviewapp_reviewitem i ON i.id = a.item_id
        WHERE a.state = 'submitted' LIMIT %s FOR NO KEY UPDATE OF i, a SKIP LOCKED)
"""
