"""`manage.py restore FILE`: load a database written by backup, and check its golden bytes."""

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
        parser.add_argument(
            "--erasures", type=Path, metavar="FILE",
            help="erasures.jsonl of another DATA_DIR, to be carried out again besides this one's",
        )  # fmt: skip

    def handle(
        self, *args: Any, file: Path, force: bool, erasures: Path | None = None, **options: Any
    ) -> None:
        try:
            checked = backups.restore(file, force=force, erasures=erasures)
        except backups.Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(
            f"Restored. {checked.versions} golden versions, {checked.bodies} files: every digest agrees."
        )
        if checked.erasures:
            self.stdout.write(f"{checked.erasures} erasures of personal data were carried out again.")
