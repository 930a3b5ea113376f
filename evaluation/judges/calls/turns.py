"""Whose turn is it to wait for endpoints? One process of the worker at a time.

Calls may last minutes. Were all processes to wait for them, for traces, try-outs and the cases of CI,
nothing else would be done, the heartbeat would stop and the worker be killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# Any number of our own.
LOCK = 7_206_310


@contextmanager
def taken() -> Iterator[bool]:
    """Whether the turn is ours, until the end of the block or of the process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        is_ours = bool(cursor.fetchone()[0])
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
