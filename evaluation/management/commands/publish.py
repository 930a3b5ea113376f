"""`manage.py publish DATASET`: the draft becomes the next version."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaluation.golden.models import GoldenDataset
from evaluation.golden.published import versions


class Command(BaseCommand):
    help = "Publish the draft of a golden dataset as its next version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset", metavar="DATASET")
        parser.add_argument(
            "--project", metavar="SLUG", help="needed when several projects have this dataset"
        )
        parser.add_argument("--changelog", default="", metavar="TEXT", help="what changed, in a few words")

    def handle(self, *args: Any, dataset: str, project: str | None, changelog: str, **options: Any) -> None:
        found = GoldenDataset.objects.filter(name=dataset).select_related("project").order_by("pk")
        if project:
            found = found.filter(project__slug=project)
        if not found:
            raise CommandError(f"There is no golden dataset {dataset}.")
        if len(found) > 1:
            slugs = ", ".join(each.project.slug for each in found)
            raise CommandError(f"Several projects have a dataset {dataset}: say --project, one of {slugs}.")
        try:
            version = versions.publish(found[0], "manage.py publish", changelog)
        except versions.NothingToPublish as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(
            f"{dataset} v{version.number}: {version.items} cases, {versions.digest_text(version)}"
        )
