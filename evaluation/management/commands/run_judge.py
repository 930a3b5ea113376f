"""Run a judge now, in this process: on drawn traces, a share of all traces, or its anchors."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation.judges.judgments import asking, judging, running
from evaluation.judges.judgments import nightly as nights
from evaluation.judges.making import versions
from evaluation.judges.models import Judge, JudgeRun, JudgeVersion, Kind, RunKind

TURN_SECONDS = 2.0


class Command(BaseCommand):
    help = (
        "Let a judge judge what was drawn for it, a share of all traces (--sample), its anchors (--anchors), "
        "or what waits in a queue (--queue); --nightly is what the worker asks of a live judge each night."
    )

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
        chosen.add_argument("--queue", default="", metavar="SLUG", help="what waits there, before people")
        chosen.add_argument("--nightly", action="store_true", help="sample, audit items and anchors, now")
        parser.add_argument(
            "--both-orders",
            action="store_true",
            help="with --queue, a judge of pairs: each pair both ways round",
        )
        chosen.add_argument("--sample", type=float, metavar="F", help="this share of all traces, 0 to 1")

    def handle(
        self,
        *args: Any,
        name: str,
        project: str,
        asked: str,
        anchors: bool,
        sample: float | None,
        queue: str = "",
        nightly: bool = False,
        both_orders: bool = False,
        **options: Any,
    ) -> None:
        if sample is not None and not 0 < sample <= 1:
            raise CommandError("--sample is a share: a number above 0, up to 1.")
        version = self._version(name, project, asked)
        if queue:
            asked_for = [self._ask_queue(version, queue, both_orders)]
        elif nightly:
            asked_for = self._ask_as_at_night(version)
        else:
            asked_for = [self._ask(version, anchors, sample)]
        self.stderr.write(f"{name} {version.label}: {sum(n for _, n in asked_for)} to judge.")
        for run, _ in asked_for:
            self._work(run)
            done = asking.progress(run)
            told = [f"{n} {state}" for state, n in done.items() if state not in ("total", "open") and n]
            self.stdout.write(f"{done['total']} judged: {', '.join(told) or 'nothing was new'}.")

    def _ask_queue(self, version: JudgeVersion, slug: str, both_orders: bool) -> tuple[JudgeRun, int]:
        queues = running.queues_for(version)
        queue = queues.filter(slug=slug).first()
        if queue is None:
            known = ", ".join(queues.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no queue {slug} for this judge; there are: {known}.")
        count = running.on_queue(version, queue, "run_judge", both_orders=both_orders)
        newest = version.runs.order_by("-pk").first()
        assert newest
        return newest, count

    def _ask_as_at_night(self, version: JudgeVersion) -> list[tuple[JudgeRun, int]]:
        before = version.runs.order_by("-pk").values_list("pk", flat=True).first() or 0
        nights.run(version, "run_judge --nightly")
        return [
            (run, asking.progress(run)["total"]) for run in version.runs.filter(pk__gt=before).order_by("pk")
        ]

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
        return run, asking.ask_sample(version, run)

    def _work(self, run: JudgeRun) -> None:
        while open_ones := asking.progress(run)["open"]:
            if self.stderr.isatty():
                self.stderr.write(f"\r{open_ones} left   ", ending="")
            if not judging.work(TURN_SECONDS, run.pk):
                time.sleep(0.5)  # all that is left waits for its next attempt
