"""`manage.py erase`: erase the data of a person, a session or a trace, and report what was erased."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import pghistory
from django.core.management.base import BaseCommand, CommandError

from evaluation.retention import erasing, ledger, replaying
from evaluation.retention.models import Subject
from ingest.models import Project

BY = "manage.py erase"


class Command(BaseCommand):
    help = "Erase what is kept of a person; golden versions that hold it are withdrawn."

    def add_arguments(self, parser: ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", metavar="ID", help="user_id of the traces, as the application sent it")
        whose.add_argument("--session", metavar="ID")
        whose.add_argument("--trace", metavar="ID")
        whose.add_argument(
            "--replay", action="store_true", help="repeat the erasures that this database does not know of"
        )
        parser.add_argument("--project", metavar="SLUG", help="needed when there are several")
        parser.add_argument("--reason", default="", metavar="TEXT", help="is kept with the record")
        parser.add_argument("--dry-run", action="store_true", help="say what would go")

    def handle(self, *args: Any, replay: bool, project: str | None, **options: Any) -> None:
        if replay:
            done = replaying.replay(ledger.read())
            self.stdout.write(f"{len(done)} erasures were carried out again.")
            return
        kind = next(each for each in Subject if options[each.value] is not None)
        self._erase(_project(project), kind, options[kind.value], options)

    def _erase(self, project: Project, kind: Subject, value: str, options: dict[str, Any]) -> None:
        if options["dry_run"]:
            self.stdout.write(f"Would go: {erasing.preview(project, kind, value).words}")
            return
        try:
            with pghistory.context(command=BY):
                record = erasing.erase(project, kind, value, by=BY, reason=options["reason"])
        except erasing.NobodyFound as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{record}: {erasing.Erased(**record.counts).words}")


def _project(slug: str | None) -> Project:
    found = list(Project.objects.filter(slug=slug) if slug else Project.objects.order_by("slug"))
    if not found:
        raise CommandError(f"There is no project {slug}." if slug else "There is no project.")
    if len(found) > 1:
        raise CommandError(f"Say --project, one of {', '.join(each.slug for each in found)}.")
    return found[0]
