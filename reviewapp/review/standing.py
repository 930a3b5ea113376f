"""Does what was read of a token, a queue and an item a moment ago still stand?

To look them up again for each claim and each label is two of the four statements that both take. Who
remembers them says in which versions, and the statement that acts on them asks whether those are the rows of
this moment: a token that was revoked, or a queue that was paused, counts as soon as for who asks beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self


class Outdated(Exception):
    """Nothing was done: something has changed, or it is not the simple case. Ask for it all anew."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`door`: the versions of token and queue, as they were read together; `item`: that of the item."""

    token: int
    door: str
    item: str = ""

    def of_item(self, version: str) -> Self:
        return replace(self, item=version)

    def values(self) -> dict[str, object]:
        return {"standing_token": self.token, "standing_door": self.door, "standing_item": self.item}


def version(row: str) -> str:
    """SQL: the version of the row of this name. The transaction that wrote it, and the place: one
    transaction may write a row twice."""
    return f"concat({row}.ctid, {row}.xmin)"


DOOR = f"concat({version('token')}, {version('q')})"
ITEM = version("i")
# Conditions of the statements. A token may also end without being written.
DOOR_STANDS = f"""
        AND (SELECT {DOOR} FROM ingest_apitoken token, reviewapp_queue q
            WHERE token.id = %(standing_token)s AND q.id = %(queue)s
            AND (token.expires_at IS NULL OR token.expires_at > now())) = %(standing_door)s"""  # noqa: S608 - our own names
ITEM_STANDS = f"""
        AND {ITEM} = %(standing_item)s"""
