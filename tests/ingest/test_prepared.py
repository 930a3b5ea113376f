"""Statements that are planned once a connection: what they give and keep, and what becomes of errors."""

import weakref

import pytest
from django.db import (
    DEFAULT_DB_ALIAS,
    IntegrityError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from ingest import prepared

pytestmark = pytest.mark.django_db


def test_rows_come_as_they_are():
    assert prepared.one("SELECT %s::int, %s::text", [1, "a"]) == (1, "a")
    assert prepared.one("SELECT %(number)s::int WHERE %(number)s > 5", {"number": 1}) is None
    assert prepared.every("SELECT generate_series(1, %s)", [3]) == [(1,), (2,), (3,)]
    assert prepared.change("UPDATE ingest_project SET name = %s WHERE false", ["a"]) == 0


def test_places_are_numbered_as_postgresql_numbers_them():
    named = "SELECT %(b)s::int %% %(a)s, %(b)s::int, '50 %%'"
    assert prepared.numbered(named) == (b"SELECT $1::int % $2, $1::int, '50 %'", ["b", "a"])
    assert prepared.one(named, {"a": 3, "unused": 9, "b": 7}) == (1, 7, "50 %")
    assert prepared.numbered("SELECT %s, %s, 1 %% 2")[0] == b"SELECT $1, $2, 1 % 2"
    assert prepared.one("SELECT %s::int %% %s", [7, 4]) == (3,)


def test_a_statement_keeps_its_cursor_and_not_what_it_found():
    statement = "SELECT repeat('a', %s::int)"
    assert prepared.one(statement, [10]) == ("a" * 10,)
    kept = vars(connections[DEFAULT_DB_ALIAS])["kept_cursors"][statement]
    assert kept.pgresult is None
    with pytest.raises(Exception, match="no result"):
        kept.fetchone()
    assert prepared.one(statement, [3]) == ("aaa",)
    assert vars(connections[DEFAULT_DB_ALIAS])["kept_cursors"][statement] is kept


def test_no_more_cursors_are_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(prepared, "MOST_KEPT", 3)
    for number in range(10):
        assert prepared.one(f"SELECT {number}", []) == (number,)
    assert len(vars(connections[DEFAULT_DB_ALIAS])["kept_cursors"]) <= 3


def test_the_types_of_values_may_change_between_calls():
    statement = "SELECT coalesce(%s::text, 'none')"
    said = [prepared.one(statement, [value]) for value in (None, "a", 1, None, 2.5)]
    assert said == [("none",), ("a",), ("1",), ("none",), ("2.5",)]


def test_an_error_is_one_of_djangos_and_the_next_statement_is_answered():
    with pytest.raises(IntegrityError), transaction.atomic():
        prepared.one("INSERT INTO ingest_project (name) VALUES (%s) RETURNING id", ["no slug"])
    with pytest.raises(IntegrityError), transaction.atomic():
        prepared.change("INSERT INTO ingest_project (name) VALUES (%s)", ["no slug"])
    assert prepared.one("SELECT 1", []) == (1,)


@pytest.mark.parametrize("values", [[], [1], [1, 2, 3]])
def test_other_values_than_there_are_places_are_refused_as_by_djangos_own_cursor(values):
    statement = "SELECT %s::int + %s::int"
    with pytest.raises(ProgrammingError) as djangos, connection.cursor() as rows:
        rows.execute(statement, values)
    with pytest.raises(ProgrammingError) as ours:
        prepared.one(statement, values)
    assert str(ours.value) == str(djangos.value)
    assert prepared.one(statement, [1, 2]) == (3,)


def test_nothing_is_asked_within_a_transaction_that_is_broken():
    with pytest.raises(TransactionManagementError), transaction.atomic():
        transaction.set_rollback(True)
        prepared.one("SELECT 1", [])


def test_who_records_statements_sees_these_too():
    with CaptureQueriesContext(connection) as seen:
        prepared.one("SELECT 41 + %s", [1])
    assert [each["sql"] for each in seen.captured_queries] == ["SELECT 41 + 1"]


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_has_new_cursors():
    assert prepared.one("SELECT 7", []) == (7,)
    old = weakref.ref(connection.connection)
    connection.close()
    assert prepared.one("SELECT 7", []) == (7,)
    assert connection.connection is not old()
