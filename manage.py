#!/usr/bin/env python
"""Touchstone's command line: `python manage.py help` lists the commands."""

import contextlib
import os
import sys
from pathlib import Path

# Commands that either need no database or, as `serve`, see to it themselves.
WITHOUT_DATABASE = {"", "help", "--help", "-h", "--version", "version", "serve", "collectstatic"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")
    take_data_dir(sys.argv)
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    try:
        with database_for(sys.argv):
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except DatabaseError as error:
        if not (words := what_to_do(error)):
            raise
        sys.exit(words)


def what_to_do(error: Exception) -> str:
    """In words, where it is no fault of the program: an empty database, or one that does not answer."""
    from psycopg import OperationalError
    from psycopg.errors import UndefinedTable

    cause = error.__cause__
    if isinstance(cause, UndefinedTable):
        return "The database has no tables yet: `python manage.py migrate` makes them, or `serve`."
    if isinstance(cause, OperationalError) and cause.sqlstate is None:
        return f"No connection to the database (see DATABASE_URL): {cause}"
    return ""


def take_data_dir(arguments: list[str]) -> None:
    """`--data-dir` decides settings, so it must be known before they are read."""
    for position, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--data-dir":
            value = value if equals else "".join(arguments[position + 1 : position + 2])
            os.environ["DATA_DIR"] = str(Path(value).resolve())


def database_for(arguments: list[str]) -> contextlib.AbstractContextManager[object]:
    """The embedded database for the time of the command, unless another one is named or none is needed."""
    command = "".join(arguments[1:2])
    if os.environ.get("DATABASE_URL") or command in WITHOUT_DATABASE or "--help" in arguments:
        return contextlib.nullcontext()
    from django.conf import settings

    from reviewapp.serving import postgres

    return postgres.borrowed(settings.DATA_DIR)


if __name__ == "__main__":
    main()
