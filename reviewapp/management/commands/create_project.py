"""Create a project; one that exists already stays as it is."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import pghistory
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from ingest.models import Project
from ingest.routing import rules as routing_rules
from reviewapp.review import queues
from reviewapp.review.models import Queue


def start(project: Project) -> None:
    """The starter rubric, and the queue `review` with its rules; what is there already stays as it is."""
    if not Queue.objects.filter(project=project, slug=queues.STARTER).exists():
        queues.create_starter(project)
        routing_rules.create_default_rules(project, queues.STARTER)


class Command(BaseCommand):
    help = "Create a project. One that exists already stays as it is, except for a --name that is given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="letters, digits and hyphens; used in links and commands")
        parser.add_argument("--name", default="", help="the name people see (default: derived from the slug)")

    def handle(self, *args: Any, slug: str, name: str, **options: Any) -> None:
        project = Project.objects.filter(slug=slug).first()
        is_new = project is None
        project = project or Project(slug=slug, name=slug.replace("-", " ").capitalize())
        project.name = name or project.name
        try:
            project.full_clean()
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        with pghistory.context(command="create_project"), transaction.atomic():
            project.save()
            start(project)
        self.stderr.write(f"Project {slug} {'is created' if is_new else 'exists already'}.")
        self.stderr.write(f"Next: manage.py create_user NAME --project {slug} --role admin")
