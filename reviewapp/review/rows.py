"""One row read, locked or added, without building its query anew: for what happens at every claim and label.

Building a query takes the web process about three times as long as PostgreSQL takes to answer it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from django.db import connection, models

from ingest import prepared
from ingest.prepared import change, every, link, one

__all__ = ["add", "change", "columns", "every", "fields", "find", "link", "made", "new", "one"]

M = TypeVar("M", bound=models.Model)


@cache
def columns(model: type[models.Model], row: str, *without: str) -> str:
    """The model's columns of the SQL row of this name, in the order of `made`."""
    return ", ".join(f"{row}.{field.column}" for field in fields(model, *without))


@cache
def fields(model: type[models.Model], *without: str) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if field.name not in without]


def made(model: type[M], values: Sequence[Any], *without: str) -> M:
    """The instance from values in the order of `columns`; what is left out is read when it is asked for."""
    names, documents = _layout(model, *without)
    loaded = list(values)
    for place in documents:
        if loaded[place] is not None:
            loaded[place] = msgspec.json.decode(loaded[place])
    return prepared.made(model, names, loaded)


@cache
def _layout(model: type[models.Model], *without: str) -> tuple[list[str], list[int]]:
    """The attributes' names, and where among them the JSON stands: it comes as text."""
    known = fields(model, *without)
    documents = [place for place, field in enumerate(known) if field.get_internal_type() == "JSONField"]
    return [field.attname for field in known], documents


def find(model: type[M], condition: str, values: Sequence[Any], *, lock: bool = False) -> M | None:
    """The row r that meets the SQL condition."""
    row = one(finding(model, condition, lock), values)
    return None if row is None else made(model, row)


@cache
def finding(model: type[models.Model], condition: str, lock: bool) -> str:
    ending = " FOR NO KEY UPDATE" if lock else ""
    return f"SELECT {columns(model, 'r')} FROM {model._meta.db_table} r WHERE {condition}{ending}"  # noqa: S608 - our own names


def new(model: type[M], **values: Any) -> M:
    """As `model(**values)` makes it, not stored yet: the same without asking each field and each listener."""
    constant, varying, relations = _blank(model)
    row = prepared.made(model, list(constant), list(constant.values()))
    row._state.adding, row._state.db = True, None
    said = row.__dict__
    for name, default in varying.items():
        said[name] = default()
    for name, value in values.items():
        if name in relations:
            row._state.fields_cache[name] = value
            said[relations[name]] = None if value is None else value.pk
        else:
            said[name] = value
    return row


@cache
def _blank(model: type[models.Model]) -> tuple[dict[str, Any], dict[str, Callable[[], Any]], dict[str, str]]:
    """What a new row holds by attribute: the values that all may share, those to be made for each; and the
    attributes of the relations."""
    varying = {field.attname: field.get_default for field in fields(model) if field.default in (list, dict)}
    constant = {field.attname: field.get_default() for field in fields(model) if field.attname not in varying}
    return constant, varying, {field.name: field.attname for field in fields(model) if field.is_relation}


def add(row: M) -> M:
    """INSERT; id and what the database sets by itself are filled in. No constraint is asked beforehand."""
    given, back = adding(type(row))
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in given]
    told = one(inserting(type(row)), values)
    assert told is not None
    for field, value in zip(back, told, strict=True):
        setattr(row, field.attname, value)
    row._state.adding, row._state.db = False, connection.alias
    return row


@cache
def adding(model: type[models.Model]) -> tuple[list[Any], list[Any]]:
    back = [field for field in fields(model) if field.primary_key or field.has_db_default()]
    return [field for field in fields(model) if field not in back], back


@cache
def inserting(model: type[models.Model]) -> str:
    given, back = adding(model)
    names, holes = ", ".join(field.column for field in given), ", ".join(["%s"] * len(given))
    told = ", ".join(field.column for field in back)
    return f"INSERT INTO {model._meta.db_table} ({names}) VALUES ({holes}) RETURNING {told}"  # noqa: S608
