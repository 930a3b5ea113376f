"""Installations that must not start do not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core import checks
from django.core.management import call_command
from django.db import connection

from reviewapp.serving import boot_checks, supervisor
from reviewapp.serving.supervisor import CannotServe

GOOD = "k3V-0aQ9zR7sXw2LmN5bTy8HfGdJ4uEoPcIv1KqZx6WnBtYrUi"


def ids(messages):
    return [message.id for message in messages]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (GOOD, []),
        ("short", ["touchstone.E002"]),
        ("a" * 60, ["touchstone.E002"]),
        ("django-insecure-" + GOOD, ["touchstone.E001"]),
        ("changeme" * 10, ["touchstone.E001"]),
    ],
)
def test_a_known_or_short_key_is_refused(settings, key, found):
    settings.SECRET_KEY = key
    assert ids(boot_checks.secret_key(None)) == found


@pytest.mark.parametrize(
    ("hosts", "debug", "found"),
    [
        (["localhost", "127.0.0.1"], True, []),
        (["review.example.org"], False, []),
        (["localhost", "review.example.org"], True, ["touchstone.E003"]),
        (["*"], True, ["touchstone.E003"]),
    ],
)
def test_debug_is_refused_where_others_can_reach_it(settings, hosts, debug, found):
    settings.ALLOWED_HOSTS, settings.DEBUG = hosts, debug
    assert ids(boot_checks.debug(None)) == found


def test_a_commit_that_may_be_lost_is_refused(db):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        assert boot_checks.durability(None, databases=["default"]) == []
        cursor.execute("SET LOCAL synchronous_commit = off")
    assert ids(boot_checks.durability(None, databases=["default"])) == ["touchstone.E004"]


def test_an_unlogged_table_is_refused(db):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        cursor.execute("CREATE UNLOGGED TABLE quick (x int)")
    [message] = boot_checks.durability(None, databases=["default"])
    assert message.id == "touchstone.E005"
    assert "quick" in message.msg


def test_pending_migrations_are_refused(db, monkeypatch):
    assert boot_checks.pending() == []
    monkeypatch.setattr(boot_checks.health, "pending_migrations", lambda: ["ingest.0002_more"])
    assert ids(boot_checks.pending()) == ["touchstone.E006"]


def test_serve_does_not_start_on_a_serious_message(db, monkeypatch):
    monkeypatch.setattr(supervisor.health, "pending_migrations", list)
    monkeypatch.setattr(
        supervisor.checks, "run_checks", lambda **_: [checks.Error("no good", hint="mend it", id="x")]
    )
    with pytest.raises(CannotServe, match=r"no good[\s\S]*mend it"):
        supervisor.prepare()


def test_the_deploy_check_is_clean(settings, db):
    settings.SECRET_KEY = GOOD
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
    call_command("check", deploy=True, fail_level="WARNING", databases=["default"])


PRINTS_THRESHOLD = (
    "from reviewapp.settings import DATABASES; print(DATABASES['default']['OPTIONS']['prepare_threshold'])"
)


@pytest.mark.parametrize(
    ("asked", "threshold"), [("", 5), ("?prepare_threshold=none", None), ("?prepare_threshold=1", 1)]
)
def test_a_pooler_can_do_without_prepared_statements(asked, threshold):
    said = subprocess.run(
        [sys.executable, "-c", PRINTS_THRESHOLD],
        env=os.environ | {"DATABASE_URL": f"postgres://u@h/db{asked}", "SECRET_KEY": "x" * 60},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.strip() == str(threshold)
