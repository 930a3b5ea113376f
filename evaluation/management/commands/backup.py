"""`manage.py backup FILE`: the whole database in one file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaluation import backups


class Command(BaseCommand):
    help = "Write the whole database to FILE; the server may go on running. Read it back with restore."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            size = backups.backup(file)
        except backups.Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{file}: {size:,} bytes. Restore it with: manage.py restore {file}")
