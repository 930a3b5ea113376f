"""Runs on a queue: page, command and API start them through one function."""

from __future__ import annotations

from django.db.models import QuerySet

from evaluation.judges.judgments import asking
from evaluation.judges.judgments.asking import Again
from evaluation.judges.models import PREFERENCE, JudgeVersion, RunKind
from evaluation.judges.pairwise import asking as pairwise
from reviewapp.review.models import ItemKind, Queue


def queues_for(version: JudgeVersion) -> QuerySet[Queue]:
    """The queues that a version can be asked about: of traces, or of pairs."""
    kind = ItemKind.PAIR if version.criterion == PREFERENCE else ItemKind.TRACE
    return Queue.objects.live().filter(project=version.judge.project_id, kind=kind).order_by("name")


def on_queue(
    version: JudgeVersion, queue: Queue | None, by: str, *, standing: bool = False, both_orders: bool = False
) -> int:
    """How many judgments are new. `standing`: items that enter the queue later are judged too."""
    if queue is None:
        return 0
    if version.criterion == PREFERENCE:
        run = asking.start(version, RunKind.QUEUE, by, queue=queue)
        return pairwise.ask(version, queue, run, both_orders=both_orders)
    run = asking.start(version, RunKind.QUEUE, by, queue=queue, standing=standing)
    return asking.ask_queue(version, queue, run, Again.ALL)
