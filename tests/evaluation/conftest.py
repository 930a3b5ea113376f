"""A second database, for what is restored."""

import pytest
from django.db import connection


@pytest.fixture
def fresh_database():
    """A fresh database on the same server, and the connection turned to it and back."""
    original, fresh = connection.settings_dict["NAME"], "restored_by_a_test"

    def turn(name):
        connection.close()
        connection.settings_dict["NAME"] = name

    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {fresh}")
        cursor.execute(f"CREATE DATABASE {fresh}")
    yield lambda: turn(fresh)
    turn(original)
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {fresh} WITH (FORCE)")
