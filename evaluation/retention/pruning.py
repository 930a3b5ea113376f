"""Which traces go after RETENTION_DAYS? Those that no label, decision or golden case rests on.

`Trace.held` is set here, downwards, before anything goes: so it is right whenever it matters, and what was
labelled long ago needs no backfill. A label that comes while a batch goes keeps its trace, since the
database refuses to delete what it stands on.
"""

from __future__ import annotations

import time

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from evaluation.golden.models import Candidate, GoldenCase
from evaluation.judges.models import Anchor, Disagreement, ImportedPair, Judgment
from ingest import pruning
from reviewapp.review import holding

TURN_SECONDS = 4.0
BATCH = 200


def prune(days: int | None = None) -> int:
    """A job: a turn of batches; how many traces went. RETENTION_DAYS of 0 keeps everything."""
    days = settings.RETENTION_DAYS if days is None else days
    if days <= 0:
        return 0
    gone, passed, end = 0, set[int](), time.monotonic() + TURN_SECONDS
    while time.monotonic() < end and (batch := pruning.due(days, passed, BATCH)):
        went = _prune_batch(batch)
        gone += len(went)
        # What is on someone's screen now is asked for again in a later turn.
        passed.update(set(batch) - went)
    pruning.forget_unattached(days, BATCH)
    return gone


def _prune_batch(batch: list[int]) -> set[int]:
    kept = held(batch)
    pruning.hold(kept)
    free = set(batch) - kept - holding.leased(batch)
    if not free or _is_gone(free):
        return free
    # A label came at this moment: one by one, so that it keeps no other.
    return {pk for pk in free if _is_gone({pk})}


def _is_gone(traces: set[int]) -> bool:
    try:
        delete(sorted(traces))
    except (ProtectedError, IntegrityError):
        return False
    return True


def held(traces: list[int]) -> set[int]:
    """Those that something kept permanently depends on."""
    found = holding.reviewed(traces)
    for model in (GoldenCase, Candidate, Anchor, Disagreement, ImportedPair):
        found |= set(model._default_manager.filter(trace__in=traces).values_list("trace_id", flat=True))
    return found


@transaction.atomic
def delete(traces: list[int]) -> None:
    """The traces, and the bytes of what was shown of them alone."""
    shown = snapshots_of(traces)
    pruning.delete(traces)
    holding.blank(shown - _still_needed(shown))


def snapshots_of(traces: list[int]) -> set[int]:
    """What reviewers and judges were shown of the traces."""
    judged = Judgment.objects.filter(trace__in=traces).values_list("snapshot_id", flat=True)
    anchored = Anchor.objects.filter(trace__in=traces).values_list("snapshot_id", flat=True)
    return holding.shown_of(traces) | {pk for pk in (*judged, *anchored) if pk is not None}


def _still_needed(snapshots: set[int]) -> set[int]:
    """Equal content of another trace shares its snapshot."""
    used = holding.used(snapshots)
    for model in (Judgment, Anchor):
        used |= set(
            model._default_manager.filter(snapshot__in=snapshots).values_list("snapshot_id", flat=True)
        )
    return used
