"""Whose turn is it to wait for endpoints? One process at a time for each kind of work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# Any numbers of our own.
JUDGING, CASES = 7_206_310, 7_206_311


@contextmanager
def taken(kind: int) -> Iterator[bool]:
    """Whether the turn is ours, until the end of the block or of the process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [kind])
        is_ours = bool(cursor.fetchone()[0])
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [kind])
