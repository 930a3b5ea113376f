"""The fast path into the tables: can a batch of entirely new spans be stored in one round trip?

Most requests bring such spans and nothing else, and a small one costs little but its round trips. A function
of the database takes the steps of `intake.store` for them, in one statement that is a transaction of its own.
"""

from __future__ import annotations

from contextlib import nullcontext

import msgspec
from django.db import IntegrityError, connection, transaction

from ingest import prepared
from ingest.records import Batch, SpanRow

# More rows than this, or longer ones, are cheaper by COPY.
MOST = 64
MOST_CHARACTERS = 1 << 20
_STORE = "SELECT ingest_store_new_spans(%s, %s, %s)"
_encode = msgspec.json.Encoder().encode


def store(project_id: int, batch: Batch, first_times: dict[str, int]) -> bool:
    """Commit the batch, or change nothing: False when it is not of this kind, which the long road takes.

    `first_times` are the traces' in ns.
    """
    if not _is_plain(batch):
        return False
    named = _encode([(name, first_times[name] // 1000) for name in sorted(first_times)]).decode()
    given = _encode([_encoded(row) for row in batch.spans]).decode()
    if len(given) > MOST_CHARACTERS:
        return False
    try:
        # Within another transaction a refusal must not be the end of that.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            found = prepared.one(_STORE, [project_id, named, given])
    except IntegrityError:
        # Another request was a moment faster with one of the spans.
        return False
    return found is not None and bool(found[0])


def _is_plain(batch: Batch) -> bool:
    if not 0 < len(batch.spans) <= MOST:
        return False
    if (
        batch.logs
        or batch.bodies
        or batch.scores
        or batch.feedback
        or batch.flags
        or any(batch.masked.values())
    ):
        return False
    return len({row[:2] for row in batch.spans}) == len(batch.spans)


def _encoded(row: SpanRow) -> list[object]:
    """The row as the function reads it: by position, its JSON columns as they are."""
    *said, attributes, events, resource, sha256 = row
    return [*said, *(msgspec.Raw(each.encode()) for each in (attributes, events, resource)), sha256]
