"""What the worker does for review. Each job finds its own work in the rows and may run twice."""

from __future__ import annotations

from reviewapp.review import drafts, leases, queues, repeats, snapshots


def fill_queues() -> int:
    """Pull changed routes into their queues; how many."""
    return queues.fill()


def expire_leases() -> int:
    """Free the slots of leases that have run out; how many."""
    return leases.expire()


def prepare_snapshots() -> int:
    """Keep what will be shown of the items that come next; how many."""
    return snapshots.prepare()


def note_changes() -> int:
    """Renew snapshots of items for whose traces something has come late; how many had changed."""
    return snapshots.note_changes()


def plan_repeats() -> int:
    """Put hidden known items and repeats of own answers into the queues; how many."""
    return repeats.plan()


def forget_drafts() -> int:
    """Drop what was typed on answers that have been handed in; how many."""
    return drafts.forget_submitted()
