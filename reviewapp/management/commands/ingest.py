"""`manage.py ingest`: a file of JSON lines, or standard input, into a project."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ingest import lines
from ingest.lines import Bookmark, Progress
from ingest.models import Project
from reviewapp.management.commands.create_user import project_or_error

BAR_CELLS = 30
# How often one who is no terminal is told.
SECONDS_BETWEEN_LINES = 5.0


class Command(BaseCommand):
    help = (
        "Ingest native JSON lines: traces, scores and feedback, one per line, in any mix. What is "
        "refused is listed by line; a run that was stopped goes on where it was; repeating changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE|-", help="the file, or - for standard input")
        parser.add_argument("--project", metavar="SLUG", help="required if there is more than one project")
        parser.add_argument("--restart", action="store_true", help="start again at the first line")

    def handle(self, *args: Any, file: str, project: str | None, restart: bool, **options: Any) -> None:
        found = project_or_error(project) if project else only_project()
        if file == "-":
            self.take(found, sys.stdin.buffer, Progress(), None, 0)
            return
        path = Path(file)
        try:
            with path.open("rb") as stream:
                mark = Bookmark.of(settings.DATA_DIR, found, path)
                begun = Progress() if restart else mark.find(stream)
                stream.seek(begun.offset)
                self.take(found, stream, begun, mark, path.stat().st_size)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None

    def take(
        self, project: Project, stream: IO[bytes], begun: Progress, mark: Bookmark | None, size: int
    ) -> None:
        if begun.line:
            self.stderr.write(f"Resuming after line {begun.line}; --restart starts over.")
        bar, progress = Bar(size), begun
        for progress in lines.ingest(project, stream, begun):
            if mark is not None:
                mark.keep(progress)
            bar.show(progress)
        bar.end()
        self.tell(project, progress)

    def tell(self, project: Project, progress: Progress) -> None:
        for kind, told in (("refused", progress.refused), ("warning", progress.warnings)):
            for line, reason in told:
                self.stderr.write(f"line {line}: {kind}: {reason}")
            if len(told) == lines.MOST_TOLD:
                self.stderr.write(f"Only the first {lines.MOST_TOLD} of these are listed ({kind}).")
        self.stdout.write(
            f"{progress.accepted} accepted into {project.slug}, {progress.pending} of them pending, "
            f"{progress.refusals} refused."
        )
        if progress.refusals:
            sys.exit(1)


class Bar:
    """A bar on a terminal; elsewhere a line now and then."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.is_terminal = sys.stderr.isatty()
        self.began = self.shown = time.monotonic()

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self.is_terminal and now - self.shown < SECONDS_BETWEEN_LINES:
            return
        self.shown = now
        share = progress.offset / self.size if self.size else 0
        filled = round(share * BAR_CELLS)
        bar = f"[{'#' * filled}{'.' * (BAR_CELLS - filled)}] {share:4.0%}  " if self.size else ""
        rate = progress.accepted / max(now - self.began, 0.001)
        told = f"{bar}line {progress.line}, {rate:.0f} a second, {progress.refusals} refused"
        sys.stderr.write(f"\r\x1b[K{told}" if self.is_terminal else f"{told}\n")
        sys.stderr.flush()

    def end(self) -> None:
        if self.is_terminal:
            sys.stderr.write("\n")


def only_project() -> Project:
    found = list(Project.objects.order_by("slug")[:2])
    if len(found) != 1:
        there = ", ".join(project.slug for project in found) or "none yet"
        raise CommandError(f"Name the project with --project SLUG (there: {there}, ...).")
    return found[0]
