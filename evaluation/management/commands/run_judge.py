"""Let a judge judge now, in this process: what chance drew, a share of all traces, or its anchors."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation.judges import asking, judging, versions
from evaluation.judges.models import Judge, JudgeRun, JudgeVersion, Kind, RunKind

TURN_SECONDS = 2.0


class Command(BaseCommand):
    help = "Let a judge judge what was drawn for it, a share of all traces (--sample), or its anchors."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's own --version gives way to the judge's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the judge's name")
        parser.add_argument("--project", default="", help="the project's slug, where several have this judge")
        parser.add_argument(
            "--version", dest="asked", default="", help="its number or name (default: live, else newest)"
        )
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument("--anchors", action="store_true", help="the frozen anchor set, once more")
        chosen.add_argument("--sample", type=float, metavar="F", help="this share of all traces, 0 to 1")

    def handle(
        self,
        *args: Any,
        name: str,
        project: str,
        asked: str,
        anchors: bool,
        sample: float | None,
        **options: Any,
    ) -> None:
        if sample is not None and not 0 < sample <= 1:
            raise CommandError("--sample is a share: a number above 0, up to 1.")
        version = self._version(name, project, asked)
        run, count = self._ask(version, anchors, sample)
        self.stderr.write(f"{name} {version.label}: {count} traces to judge.")
        self._work(run)
        done = asking.progress(run)
        told = ", ".join(f"{n} {state}" for state, n in done.items() if state not in ("total", "open") and n)
        self.stdout.write(f"{done['total']} judged: {told or 'nothing was new'}.")

    def _version(self, name: str, project: str, asked: str) -> JudgeVersion:
        found = Judge.objects.filter(name=name).select_related("project")
        judges = list(found.filter(project__slug=project) if project else found)
        if not judges:
            raise CommandError(f"There is no judge {name}{f' in project {project}' if project else ''}.")
        if len(judges) > 1:
            slugs = ", ".join(sorted(judge.project.slug for judge in judges))
            raise CommandError(f"Several projects have a judge {name}: add --project with one of {slugs}.")
        version = versions.choose(judges[0], asked)
        if version is None:
            raise CommandError(f"{name} has no version{f' {asked}' if asked else ''}.")
        if version.kind == Kind.IMPORTED:
            raise CommandError(f"{name} {version.label} runs elsewhere; its verdicts come by import_labels.")
        return version

    def _ask(self, version: JudgeVersion, anchors: bool, sample: float | None) -> tuple[JudgeRun, int]:
        if anchors:
            run = asking.start(version, RunKind.ANCHORS, "run_judge")
            count = asking.ask_anchors(version, run)
            if not count:
                raise CommandError("This judge has no frozen anchor set; freeze one on its page.")
            return run, count
        if sample is not None:
            run = asking.start(version, RunKind.SAMPLE, "run_judge", share=sample)
            return run, asking.ask_share(version, sample, run)
        run = asking.start(version, RunKind.SAMPLE, "run_judge")
        count = asking.ask_imported(version, run)
        while chunk := asking.ask_drawn(version, run):
            count += chunk
        return run, count

    def _work(self, run: JudgeRun) -> None:
        while open_ones := asking.progress(run)["open"]:
            if self.stderr.isatty():
                self.stderr.write(f"\r{open_ones} left   ", ending="")
            if not judging.work(TURN_SECONDS, run.pk):
                time.sleep(0.5)  # all that is left waits for its next attempt
