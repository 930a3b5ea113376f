"""Why review refuses: each refusal is named, says what to do, and knows the status a door answers with."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """`detail` is for people; `code` for programs."""

    status = 409
    code = "refused"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class LeaseLost(Refusal):
    """The lease has expired, another token holds it, or what was shown has changed. Nothing was written.

    `can_reclaim` says whether the same reviewer may take the item again at once (leases.reclaim).
    """

    code = "lease_lost"

    def __init__(self, detail: str, *, can_reclaim: bool = False, changed: bool = False) -> None:
        super().__init__(detail)
        self.can_reclaim = can_reclaim
        self.changed = changed


class ItemClosed(Refusal):
    """The item takes no more labels: all slots are taken, or it was removed."""

    code = "item_closed"


class Archived(Refusal):
    """The queue takes nothing in while it is archived. Nothing was added."""

    code = "archived"


class NotAllowed(Refusal):
    """This reviewer may not work this queue or this item."""

    status = 403
    code = "not_allowed"


class HandedIn(NotAllowed):
    """This reviewer has handed in the answer meanwhile: there is nothing left to save."""


class Published(Refusal):
    """The label is part of a published golden version, so it can no longer be taken back."""

    code = "published"


class NothingToUndo(Refusal):
    code = "nothing_to_undo"


class DraftConflict(Refusal):
    """Another tab has saved since; `body` and `version` are what it saved."""

    code = "draft_conflict"

    def __init__(self, detail: str, *, version: int, body: dict[str, Any]) -> None:
        super().__init__(detail)
        self.version = version
        self.body = body


class EditConflict(Refusal):
    """Someone else has changed it since it was read; `edit` is the present number."""

    code = "edit_conflict"

    def __init__(self, detail: str, *, edit: int) -> None:
        super().__init__(detail)
        self.edit = edit


class Invalid(Refusal):
    """`errors` are [{"field", "error"}], all of them at once."""

    status = 422
    code = "invalid"

    def __init__(self, detail: str, errors: list[dict[str, Any]]) -> None:
        super().__init__(detail)
        self.errors = errors
