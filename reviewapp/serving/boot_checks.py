"""Which installations must not start? Each refusal says what to change; `check` and `serve` run them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from reviewapp.serving import health
from reviewapp.serving.secret import SHORTEST

KNOWN_KEY_PARTS = ("django-insecure-", "unsafe-", "changeme", "change-me", "secret-key", "example")
DURABILITY = ("fsync", "full_page_writes", "synchronous_commit")


@register(Tags.security)
def secret_key(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    key = settings.SECRET_KEY
    if any(part in key.lower() for part in KNOWN_KEY_PARTS):
        return [
            Error(
                "SECRET_KEY is a published one.",
                hint="Use 50 random characters or more.",
                id="touchstone.E001",
            )
        ]
    if len(key) < SHORTEST or len(set(key)) < 10:
        return [
            Error("SECRET_KEY is too short.", hint="Use 50 random characters or more.", id="touchstone.E002")
        ]
    return []


@register(Tags.security)
def debug(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    public = sorted(set(settings.ALLOWED_HOSTS) - set(settings.LOOPBACK))
    if settings.DEBUG and public:
        hint = f"Unset DEBUG, or serve on loopback only (ALLOWED_HOSTS names {', '.join(public)})."
        return [Error("DEBUG is on where others can reach it.", hint=hint, id="touchstone.E003")]
    return []


@register(Tags.database)
def durability(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """What is acknowledged must survive a crash, so no setting or table may trade that for speed."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        found += [
            Error(f"PostgreSQL runs with {name} = {value}.", hint=f"Set {name} = on.", id="touchstone.E004")
            for name, value in lax_settings(alias)
        ]
        found += [
            Error(
                f"Table {table} is UNLOGGED.", hint=f"ALTER TABLE {table} SET LOGGED;", id="touchstone.E005"
            )
            for table in unlogged_tables(alias)
        ]
    return found


def pending() -> list[CheckMessage]:
    """For a start; not registered, since `migrate` itself must pass the checks."""
    names = health.pending_migrations()
    hint = f"Run manage.py migrate ({', '.join(names)})."
    return [Error("Migrations are pending.", hint=hint, id="touchstone.E006")] if names else []


def lax_settings(alias: str) -> list[tuple[str, str]]:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(DURABILITY)])
        # All values but off keep an acknowledged commit over a crash of this machine.
        return [(name, value) for name, value in cursor.fetchall() if value == "off"]


def unlogged_tables(alias: str) -> list[str]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND n.nspname = current_schema() ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]
