"""Issue an API token; its text goes to stdout alone, so that a script can take it from there."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

import pghistory
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ingest.models import Scope
from ingest.tokens import issue
from reviewapp.management.commands.create_user import project_or_error


class Command(BaseCommand):
    help = "Issue an API token of a project. The token is printed once, on stdout alone; hints go to stderr."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", metavar="PROJECT")
        parser.add_argument("name", metavar="NAME", help="who uses it")
        parser.add_argument(
            "--scope", dest="scopes", action="append", required=True, choices=Scope.values, metavar="SCOPE",
            help=f"repeatable; one of {', '.join(Scope.values)}",
        )  # fmt: skip
        parser.add_argument(
            "--branch", dest="branches", action="append", default=[], metavar="PATTERN",
            help="limits runs:write to branches; repeatable",
        )  # fmt: skip
        parser.add_argument(
            "--trusted-for-reviews", action="store_true",
            help="labels it gives in people's names count in the figures; with impersonate",
        )  # fmt: skip
        parser.add_argument("--expires", type=int, metavar="DAYS", help="default: never")

    def handle(
        self,
        *args: Any,
        project: str,
        name: str,
        scopes: list[str],
        branches: list[str],
        expires: int | None,
        trusted_for_reviews: bool,
        **options: Any,
    ) -> None:
        if branches and Scope.RUNS_WRITE not in scopes:
            raise CommandError("--branch limits runs:write; give --scope runs:write too.")
        if trusted_for_reviews and Scope.IMPERSONATE not in scopes:
            raise CommandError("--trusted-for-reviews needs --scope impersonate.")
        if expires is not None and not 0 < expires <= 3650:
            raise CommandError("--expires takes 1 to 3650 days.")
        expires_at = timezone.now() + timedelta(days=expires) if expires else None
        found = project_or_error(project)
        with pghistory.context(command="create_token"):
            issued = issue(
                found, name, scopes, branches=branches, expires_at=expires_at, created_by="create_token",
                trusted_for_reviews=trusted_for_reviews,
            )  # fmt: skip
        self.stderr.write(
            f"Token {name} of {project}, shown this once. Send it as: Authorization: Bearer <token>"
        )
        self.stdout.write(issued.text)
