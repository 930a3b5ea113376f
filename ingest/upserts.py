"""Writes sets of rows that may exist already, with conflicts decided by content, never by arrival.

Rows go in by COPY, then one INSERT. Of two different rows with one identity the winner stands in the table
and the other one in `Superseded`, whichever came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.backends.utils import CursorWrapper

# Up to this many rows, one INSERT with values is cheaper than COPY through a table.
FEW = 8


@dataclass(frozen=True)
class Table:
    """A table to upsert into.

    `identity` are the columns of its unique constraint; `wins` is an SQL condition, true where the incoming
    row `i` beats the stored row `s`; `key` is the column that names the row in `Superseded`, as `kind`.
    """

    name: str
    columns: tuple[str, ...]
    identity: tuple[str, ...]
    wins: str
    kind: str
    key: str
    # True where one of the two is only an earlier state of the other, which is no disagreement.
    unfinished: str = "false"
    # Whether the key names a row within its trace, or (a statement's) within the project.
    within_trace: bool = False

    @property
    def incoming(self) -> str:
        return self.name.replace("ingest_", "incoming_")

    @property
    def same(self) -> str:
        return " AND ".join(f"i.{column} = s.{column}" for column in self.identity)


@dataclass
class Outcome:
    """Ids of the traces that have new or replaced rows, and of those in which two finished rows disagreed."""

    changed: set[int] = field(default_factory=set)
    disagreeing: set[int] = field(default_factory=set)


def upsert(
    cursor: CursorWrapper, table: Table, rows: Sequence[Sequence[Any]], project_id: int, outcome: Outcome
) -> None:
    """Write the rows, each in the order of `table.columns`, and add to the outcome.

    Rows of one identity within the call are taken one after the other, as if they had come in requests
    of their own.
    """
    while rows:
        distinct, rows = _first_of_each(table, rows)
        _write(cursor, table, distinct, project_id, outcome)


def _first_of_each(
    table: Table, rows: Sequence[Sequence[Any]]
) -> tuple[list[Sequence[Any]], list[Sequence[Any]]]:
    positions = [table.columns.index(column) for column in table.identity]
    digest = table.columns.index("sha256")
    first: dict[tuple[Any, ...], Sequence[Any]] = {}
    rest: list[Sequence[Any]] = []
    for row in rows:
        kept = first.setdefault(tuple([row[position] for position in positions]), row)
        if kept[digest] != row[digest]:
            rest.append(row)
    return list(first.values()), rest


def _write(
    cursor: CursorWrapper, table: Table, rows: Sequence[Sequence[Any]], project_id: int, outcome: Outcome
) -> None:
    if len(rows) <= FEW and _insert_few(cursor, table, rows, outcome):
        return
    columns = ", ".join(table.columns)
    cursor.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS {table.incoming} ON COMMIT DELETE ROWS AS "
        f"SELECT {columns} FROM {table.name} LIMIT 0"
    )
    with cursor.copy(f"COPY {table.incoming} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    identity = ", ".join(table.identity)
    cursor.execute(
        f"""
        WITH inserted AS (
            INSERT INTO {table.name} ({columns})
            SELECT {columns} FROM {table.incoming} ORDER BY {identity}
            ON CONFLICT ({identity}) DO NOTHING RETURNING trace_id
        )
        SELECT trace_id, count(*) FROM inserted GROUP BY trace_id
        """
    )
    inserted = cursor.fetchall()
    outcome.changed.update(trace for trace, _ in inserted)
    if table.kind and sum(count for _, count in inserted) < len(rows):
        _decide_conflicts(cursor, table, project_id, outcome)
    cursor.execute(f"DELETE FROM {table.incoming}")


def _insert_few(cursor: CursorWrapper, table: Table, rows: Sequence[Sequence[Any]], outcome: Outcome) -> bool:
    """Insert rows by one statement, without a table between; False when some had been here before."""
    columns, identity = ", ".join(table.columns), ", ".join(table.identity)
    places = [table.columns.index(column) for column in table.identity]
    ordered = sorted(rows, key=lambda row: [row[place] for place in places])
    row_of_parameters = f"({', '.join(['%s'] * len(table.columns))})"
    cursor.execute(
        f"INSERT INTO {table.name} ({columns}) VALUES {', '.join([row_of_parameters] * len(rows))} "
        f"ON CONFLICT ({identity}) DO NOTHING RETURNING trace_id",
        [value for row in ordered for value in row],
    )
    inserted = cursor.fetchall()
    outcome.changed.update(trace for (trace,) in inserted)
    return len(inserted) == len(rows)


def _decide_conflicts(cursor: CursorWrapper, table: Table, project_id: int, outcome: Outcome) -> None:
    # Lock first, in one order for all: the statement below then sees what another writer has committed.
    cursor.execute(
        f"SELECT s.id FROM {table.name} s JOIN {table.incoming} i ON {table.same} "
        f"WHERE s.sha256 <> i.sha256 ORDER BY s.id FOR UPDATE OF s"
    )
    if not cursor.fetchall():
        return
    assignments = ", ".join(f"{column} = i.{column}" for column in table.columns)
    cursor.execute(
        f"""
        WITH differing AS (
            SELECT s.id, s.trace_id AS trace, {table.wins} AS won, {table.unfinished} AS unfinished,
                   s.{table.key} AS key, s.sha256 AS stored_sha, i.sha256 AS incoming_sha,
                   to_jsonb(s) AS stored, to_jsonb(i) AS incoming
              FROM {table.name} s JOIN {table.incoming} i ON {table.same}
             WHERE s.sha256 <> i.sha256
        ), kept AS (
            INSERT INTO ingest_superseded (project_id, trace_id, kind, key, sha256, body)
            SELECT %s, CASE WHEN %s THEN trace END, %s, key,
                   CASE WHEN won THEN stored_sha ELSE incoming_sha END,
                   CASE WHEN won THEN stored ELSE incoming END
              FROM differing
            ON CONFLICT DO NOTHING
        ), replaced AS (
            UPDATE {table.name} s SET {assignments}
              FROM {table.incoming} i, differing d
             WHERE {table.same} AND d.id = s.id AND d.won
        )
        SELECT trace, won, unfinished FROM differing WHERE trace IS NOT NULL
        """,
        [project_id, table.within_trace, table.kind],
    )
    for trace, won, unfinished in cursor.fetchall():
        if won:
            outcome.changed.add(trace)
        if not unfinished:
            outcome.disagreeing.add(trace)
