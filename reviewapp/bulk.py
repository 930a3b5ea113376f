"""Inserts thousands of rows in one statement whose size does not grow with them: columns go as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.db.models.fields import NOT_PROVIDED

Column = tuple[str, Sequence[Any]]  # the type of its values in PostgreSQL, and one value a row


def insert(
    cursor: CursorWrapper,
    model: type[Model],
    columns: Mapping[str, Column],
    *,
    constants: Mapping[str, Any] | None = None,
    conflict: str = "",
    returning: str = "",
) -> list[tuple[Any, ...]]:
    """Insert rows of `columns` with `constants` in each. Names and clauses come from code, never from data.

    Columns that neither names need a default of the database. A column of arrays (type "bigint[]") takes
    them as text, "{1,2}".
    """
    constants = constants or {}
    names = ", ".join(f'"{name}"' for name in (*columns, *constants))
    typed = ", ".join("%s::text[]" if kind.endswith("]") else f"%s::{kind}[]" for kind, _ in columns.values())
    given = ", ".join(f'n."{name}"::{kind}' for name, (kind, _) in columns.items())
    fixed = "".join(", %s" for _ in constants)
    named = ", ".join(f'"{name}"' for name in columns)
    sql = (
        f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {given}{fixed} '  # noqa: S608
        f"FROM unnest({typed}) AS n ({named}) "
        f"{conflict} {f'RETURNING {returning}' if returning else ''}"
    )
    cursor.execute(sql, [*constants.values(), *(list(values) for _, values in columns.values())])
    return cursor.fetchall() if returning else []


def defaults(row: Model, *columns: str) -> dict[str, Any]:
    """What else a new row holds by the model's own defaults; what the database fills is left to it."""
    return {
        str(field.column): field.get_db_prep_save(getattr(row, field.attname), connection)
        for field in row._meta.concrete_fields
        if not field.primary_key
        and field.column not in columns
        and field.db_default is NOT_PROVIDED
        and not field.generated
    }
