"""`manage.py serve`: database, migrations, web server and worker, with one command."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from reviewapp.serving.postgres_place import NoPostgres


class Command(BaseCommand):
    help = (
        "Serve Touchstone: PostgreSQL (embedded, unless DATABASE_URL is set), migrations, web server, worker."
    )
    requires_system_checks = []  # the supervisor runs them once the database answers

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--no-worker", action="store_true", help="web server only; the worker runs elsewhere"
        )
        parser.add_argument("--data-dir", help="directory of data and run files (default: DATA_DIR, or var)")

    def handle(self, *args: Any, host: str, port: int, no_worker: bool, **options: Any) -> None:
        # Here, not above: `manage.py help` must not load the whole application.
        from reviewapp.serving.supervisor import CannotServe, Supervisor

        settings.WORKER_EXPECTED = not no_worker
        try:
            Supervisor(host, port, with_worker=not no_worker).serve()
        except (CannotServe, NoPostgres) as refusal:
            raise CommandError(str(refusal)) from None
