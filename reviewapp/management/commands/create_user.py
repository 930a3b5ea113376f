"""Create accounts and put them into a project with a role; run again, it gives them that role."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import pghistory
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from ingest.models import Project
from reviewapp.members import AddressTaken, Joined, LastAdmin, ensure, set_address, weaknesses
from reviewapp.models import Role


class Command(BaseCommand):
    help = (
        "Create accounts and put them into a project with a role. Prints one line for each: the name and, "
        "for a new account without --password, its generated password. An account that exists keeps its "
        "password unless --password is given, and gets the membership and the role."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument(
            "--password", default="", help="for all of them (default: one generated for each)"
        )
        parser.add_argument(
            "--email", default="", help="of a single account; single sign-on matches it by this"
        )

    def handle(
        self, *args: Any, names: list[str], project: str, role: str, password: str, email: str, **options: Any
    ) -> None:
        if email and len(names) > 1:
            raise CommandError("--email belongs to one account; name only one.")
        found = project_or_error(project)
        try:
            with transaction.atomic(), pghistory.context(command="create_user"):
                joined = [ensure(found, name, Role(role), password) for name in names]
                if email:
                    set_address(joined[0].membership.user, email)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        except (LastAdmin, AddressTaken) as refusal:
            raise CommandError(str(refusal)) from refusal
        for one in joined:
            self.report(one)
        if password and (why := weaknesses(joined[0].membership.user, password)):
            self.stderr.write(f"Warning: this password is weak. {' '.join(why)} Change it after signing in.")

    def report(self, joined: Joined) -> None:
        user = joined.membership.user
        self.stdout.write(f"{user.username} {joined.password}".rstrip())
        made = "is created" if joined.is_new_account else "exists already"
        self.stderr.write(
            f"Account {user.username} {made}; {joined.membership.role} of {joined.membership.project}."
        )


def project_or_error(slug: str) -> Project:
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        there = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
        raise CommandError(
            f"There is no project {slug!r} (there: {there}). Create it: manage.py create_project {slug}"
        )
    return project
