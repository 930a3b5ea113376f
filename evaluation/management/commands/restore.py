"""`manage.py restore FILE`: a database made by backup, back in place, its golden bytes checked."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaluation import backups


class Command(BaseCommand):
    help = "Restore a backup into an empty database; all of it or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--force", action="store_true", help="replace what is in the database")

    def handle(self, *args: Any, file: Path, force: bool, **options: Any) -> None:
        try:
            checked = backups.restore(file, force=force)
        except backups.Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(
            f"Restored. {checked.versions} golden versions, {checked.bodies} files: every digest agrees."
        )
