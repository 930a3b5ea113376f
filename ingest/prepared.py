"""Statements that come again and again: PostgreSQL plans them once a connection, not once a request.

Django binds values into the text of a statement, so that each one is parsed and planned anew; for the small
statements of a small request that is most of what they cost. Here the values travel beside the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models.base import ModelState
from psycopg.types.datetime import TimestamptzLoader

M = TypeVar("M", bound=models.Model)
Values = Sequence[Any] | dict[str, Any]
# Cursors that a connection keeps; there are fewer statements than that.
MOST_KEPT = 200


def cursor() -> CursorWrapper:
    """A cursor for them; Django's own while statements are logged, or wrapped by what adds to their text."""
    database = connections[DEFAULT_DB_ALIAS]
    if _is_watched(database):
        return database.cursor()
    return database.make_cursor(_plain(database))  # type: ignore[arg-type]


def one(statement: str, values: Values) -> tuple[Any, ...] | None:
    """The first row."""
    database = connections[DEFAULT_DB_ALIAS]
    try:
        return _first(database, statement, values)
    except psycopg.Error:
        with database.wrap_database_errors:
            raise


def _first(database: BaseDatabaseWrapper, statement: str, values: Values) -> tuple[Any, ...] | None:
    """Without Django's wrapper around each call, which costs as much as the call."""
    row: tuple[Any, ...] | None
    if _is_watched(database):
        with database.cursor() as rows:
            rows.execute(statement, values)
            row = rows.fetchone()
        return row
    kept = _kept(database, statement)
    kept.ask(values)
    row = kept.fetchone()
    kept.forget()
    return row


def every(statement: str, values: Values) -> list[tuple[Any, ...]]:
    """All rows."""
    with connections[DEFAULT_DB_ALIAS].wrap_database_errors, cursor() as rows:
        rows.execute(statement, values)
        found: list[tuple[Any, ...]] = rows.fetchall()
        return found


def change(statement: str, values: Values) -> int:
    """How many rows it changed."""
    with connections[DEFAULT_DB_ALIAS].wrap_database_errors, cursor() as rows:
        rows.execute(statement, values)
        return int(rows.rowcount)


class KeptCursor(psycopg.RawCursor[Any]):
    """For one statement again and again: it has learned of what types its values and columns are."""

    __slots__ = ("names", "numbered")

    def __init__(self, connection: psycopg.Connection[Any], statement: str) -> None:
        super().__init__(connection)
        # Django's own is made in Python. Connections are in UTC, and so is what either gives.
        self.adapters.register_loader("timestamptz", TimestamptzLoader)
        self.numbered, self.names = numbered(statement)

    def ask(self, values: Values) -> None:
        if isinstance(values, dict):
            values = [values[name] for name in self.names]
        if len(values) != len(self.names):
            # As psycopg's own cursor does: PostgreSQL would not mind values too many.
            raise psycopg.ProgrammingError(
                f"the query has {len(self.names)} placeholders but {len(values)} parameters were passed"
            )
        self.execute(self.numbered, values)

    def forget(self) -> None:
        """Let go of the result, which may be large."""
        self._reset()
        self._tx.set_pgresult(None)


def _kept(database: BaseDatabaseWrapper, statement: str) -> KeptCursor:
    _see_to(database)
    cursors: dict[str, KeptCursor] = vars(database).setdefault("kept_cursors", {})
    kept = cursors.get(statement)
    if kept is None or kept.connection is not database.connection:
        if len(cursors) >= MOST_KEPT:
            cursors.clear()
        kept = cursors[statement] = KeptCursor(database.connection, statement)
    return kept


PLACE = re.compile(r"%(?:%|s|\((\w+)\)s)")


@lru_cache(MOST_KEPT)
def numbered(statement: str) -> tuple[bytes, list[str]]:
    """The statement with $1, $2, ... in its places, and their names, where they have any, in that order.

    psycopg looks for the places of a statement as long as that of a claim each time it is carried out.
    """
    names: list[str] = []

    def number(place: re.Match[str]) -> str:
        name = place[1] or ""
        if place[0] == "%%":
            return "%"
        if not name or name not in names:
            names.append(name)
            return f"${len(names)}"
        return f"${names.index(name) + 1}"

    return PLACE.sub(number, statement).encode(), names


def _is_watched(database: BaseDatabaseWrapper) -> bool:
    """Whether statements are logged, or wrapped by what adds to their text."""
    return bool(database.force_debug_cursor or database.execute_wrappers)


def _see_to(database: BaseDatabaseWrapper) -> None:
    """That there is a connection, and that it may be used: what Django does before it makes a cursor."""
    if database.health_check_enabled:  # type: ignore[attr-defined]
        database.close_if_health_check_failed()
    if database.connection is None:
        database.ensure_connection()
    if database.needs_rollback:
        database.validate_no_broken_transaction()


def _plain(database: BaseDatabaseWrapper) -> psycopg.Cursor[Any]:
    _see_to(database)
    return psycopg.Cursor(database.connection)


def made(model: type[M], names: Sequence[str], values: Sequence[Any]) -> M:
    """The instance with these values by attribute name; what is not among them is read when it is asked for.

    As `Model.from_db` makes it, but in the way in which Django copies one: a third of the time, which counts
    where a request of a millisecond needs ten.
    """
    row = model.__new__(model)
    row.__dict__.update(zip(names, values, strict=True))
    row._state = ModelState()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return row


def link(row: models.Model, name: str, target: models.Model | None) -> None:
    """Say which row the foreign key of this name points to, which is the one whose id it holds already.

    An assignment would ask routers and both rows whether that may be.
    """
    row._state.fields_cache[name] = target
