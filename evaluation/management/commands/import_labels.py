"""Import traces with human labels and judge verdicts made elsewhere, one JSON object per line."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaluation.judges.elsewhere import importing
from evaluation.judges.elsewhere.importing import Report
from ingest.models import Project

MOST_ERRORS_TOLD = 50


class Command(BaseCommand):
    help = "Bring in traces, human labels and judge verdicts made elsewhere (JSONL; - reads standard input)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="JSON Lines, described in docs/calibration.md")
        parser.add_argument("--project", required=True, help="the project's slug")

    def handle(self, *args: Any, file: str, project: str, **options: Any) -> None:
        found = Project.objects.filter(slug=project).first()
        if found is None:
            raise CommandError(
                f"There is no project {project}; make it with manage.py create_project {project}."
            )
        report = self._import(found, file)
        for number, error in report.errors[:MOST_ERRORS_TOLD]:
            self.stderr.write(f"line {number}: {error}")
        if len(report.errors) > MOST_ERRORS_TOLD:
            self.stderr.write(f"... and {len(report.errors) - MOST_ERRORS_TOLD} more lines.")
        self.stdout.write(
            f"{report.lines} lines: {report.traces} new traces, {report.labels} labels and "
            f"{report.verdicts} verdicts stored, {len(report.errors)} lines refused."
        )
        if report.errors:
            raise CommandError("Some lines were refused; correct them and import the same file again.")

    def _import(self, project: Project, file: str) -> Report:
        if file == "-":
            return importing.import_lines(project, sys.stdin.buffer, self._progress)
        try:
            with Path(file).open("rb") as lines:
                return importing.import_lines(project, lines, self._progress)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error

    def _progress(self, report: Report) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{report.lines} lines", ending="")
