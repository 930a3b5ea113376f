"""One door for runs on a queue: page, command and API ask a version about what waits there."""

from __future__ import annotations

from evaluation.judges import asking
from evaluation.judges.asking import Again
from evaluation.judges.models import PREFERENCE, JudgeVersion, RunKind
from evaluation.judges.pairwise import asking as pairwise
from reviewapp.review.models import Queue


def on_queue(
    version: JudgeVersion, queue: Queue | None, by: str, *, standing: bool = False, both_orders: bool = False
) -> int:
    """How many judgments are new. `standing`: what comes into the queue later is asked about too."""
    if queue is None:
        return 0
    if version.criterion == PREFERENCE:
        run = asking.start(version, RunKind.QUEUE, by, queue=queue)
        return pairwise.ask(version, queue, run, both_orders=both_orders)
    run = asking.start(version, RunKind.QUEUE, by, queue=queue, standing=standing)
    return asking.ask_queue(version, queue, run, Again.ALL)
