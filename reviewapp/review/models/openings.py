"""What becomes claimable, written down by the database, so that no mark of a reviewer can hide it.

Whoever makes something claimable holds the queue's lock with the others who do, until it is committed; a
mark is made by one who has that lock alone (reviewapp.review.marks). So each opening is either seen by
whoever makes the mark, or comes after it and finds it.
"""

from __future__ import annotations

import pgtrigger

# Up to this many items added by one statement are written down one by one.
FEW = 100


def key(queue: str) -> str:
    """The number of the lock of a queue, whose id is this SQL expression."""
    return f"hashtextextended('reviewapp_opening', {queue})"


def _passed(row: str) -> str:
    return (
        f"EXISTS (SELECT FROM reviewapp_seat s WHERE s.queue_id = {row}.queue_id "
        f"AND s.passed_rank < {row}.rank)"
    )


def of_added() -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name="openings_of_added",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]
        func=f"""
            PERFORM pg_advisory_xact_lock_shared({key("a.queue_id")})
                FROM (SELECT DISTINCT queue_id FROM added) a;
            INSERT INTO reviewapp_opening (queue_id, item_id, rank)
            SELECT a.queue_id, CASE WHEN a.few THEN a.id END, max(a.rank)
            FROM (SELECT queue_id, id, rank, count(*) OVER (PARTITION BY queue_id) <= {FEW} AS few
                FROM added WHERE open_slots > 0 AND rank IS NOT NULL) a
            WHERE {_passed("a")}
            GROUP BY 1, 2;
            RETURN NULL;
        """,  # noqa: S608 - our own names
    )


def of_opened() -> pgtrigger.Trigger:
    """A slot is given back. Apart from other changes, as its condition is asked at each claim, and PostgreSQL
    reads it anew each time: it is short."""
    return _of_item(
        "openings_of_opened",
        pgtrigger.UpdateOf("open_slots"),  # type: ignore[no-untyped-call]
        "NEW.open_slots > OLD.open_slots",
        "OLD.open_slots = 0 AND NEW.rank IS NOT NULL",
    )


def of_changed() -> pgtrigger.Trigger:
    return _of_item(
        "openings_of_changed",
        pgtrigger.UpdateOf("queue_id", "rank", "reserved_for"),  # type: ignore[no-untyped-call]
        "NEW.open_slots > 0 AND NEW.rank IS NOT NULL AND (OLD.rank IS NULL OR NEW.rank > OLD.rank "
        "OR NEW.reserved_for <> OLD.reserved_for OR NEW.queue_id <> OLD.queue_id)",
    )


def _of_item(
    name: str, operation: pgtrigger.Operation, condition: str, further: str = "true"
) -> pgtrigger.Trigger:
    """`condition` is asked before the trigger is called, `further` within it."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        condition=pgtrigger.Condition(f"({condition})"),
        func=f"""
            IF {further} THEN
                PERFORM pg_advisory_xact_lock_shared({key("NEW.queue_id")});
                INSERT INTO reviewapp_opening (queue_id, item_id, rank)
                SELECT NEW.queue_id, NEW.id, NEW.rank WHERE {_passed("NEW")};
            END IF;
            RETURN NULL;
        """,
    )


def of_released() -> pgtrigger.Trigger:
    """As short, since it is asked at each label."""
    return _of_assignment(
        "openings_of_released",
        "NEW",
        pgtrigger.UpdateOf("state"),  # type: ignore[no-untyped-call]
        "NEW.state = 'released'",
        "OLD.state <> 'released'",
    )


def of_moved() -> pgtrigger.Trigger:
    return _of_assignment(
        "openings_of_moved",
        "NEW",
        pgtrigger.UpdateOf("item_id", "reviewer_id"),  # type: ignore[no-untyped-call]
        "NEW.reviewer_id <> OLD.reviewer_id OR NEW.item_id <> OLD.item_id",
    )


def of_deleted() -> pgtrigger.Trigger:
    return _of_assignment("openings_of_deleted", "OLD", pgtrigger.Delete, "OLD.state <> 'released'")


def _of_assignment(
    name: str, row: str, operation: pgtrigger.Operation, condition: str, further: str = "true"
) -> pgtrigger.Trigger:
    """The item may be claimed again by the one whose row it is."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        condition=pgtrigger.Condition(f"({condition})"),
        func=f"""
            IF {further} THEN
                PERFORM pg_advisory_xact_lock_shared({key("i.queue_id")})
                    FROM reviewapp_reviewitem i WHERE i.id = {row}.item_id;
                INSERT INTO reviewapp_opening (queue_id, item_id, rank)
                SELECT i.queue_id, i.id, i.rank FROM reviewapp_reviewitem i
                WHERE i.id = {row}.item_id AND i.rank IS NOT NULL AND {_passed("i")};
            END IF;
            RETURN NULL;
        """,  # noqa: S608 - our own names
    )
