"""What does the worker do, and how often? One beat a second puts the due jobs into the queue.

The queue is disposable. What is to be done stands in domain rows, each job finds its own work there and may
run twice, so a lost or doubled queue entry costs a moment or a little work and nothing else. Each finished
job leaves the time in its Heartbeat row; the job named `worker` does nothing more than that, and shows that
the whole way from here through the queue and a worker process is open.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from pydoc import locate
from typing import Any

from django.db import DatabaseError, close_old_connections, connections
from django.db.models.functions import Now
from django_q.cluster import Cluster
from django_q.models import Task
from django_q.tasks import async_task

from reviewapp.models import Heartbeat

logger = logging.getLogger(__name__)

# People waiting for an answer come before work that can wait.
NICENESS = 15
BEAT_SECONDS = 1.0
FAILURES_KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Job:
    name: str
    function: str
    every: float  # seconds from one end to the next start
    lost_after: float  # an entry not finished after so long is taken for lost, and put in again


JOBS = (
    Job("worker", "reviewapp.serving.pulse.nothing", 2.0, 6.0),
    Job("read_stale", "ingest.tasks.read_stale", 1.0, 12.0),
    Job("settle_due", "ingest.tasks.settle_due", 1.0, 12.0),
    Job("rescore_signalled", "ingest.tasks.rescore_signalled", 2.0, 12.0),
    Job("keep_rates", "ingest.tasks.keep_rates", 3600.0, 600.0),
    Job("attach_pending", "ingest.tasks.attach_pending", 5.0, 30.0),
    Job("fill_queues", "reviewapp.review.tasks.fill_queues", 2.0, 30.0),
    Job("expire_leases", "reviewapp.review.tasks.expire_leases", 2.0, 10.0),
    Job("plan_judgments", "evaluation.judges.tasks.plan", 10.0, 60.0),
    Job("group_alike", "evaluation.ranking.tasks.group", 10.0, 60.0),
    Job("learn_ranking", "evaluation.ranking.tasks.learn", 10.0, 60.0),
    Job("refresh_figures", "evaluation.judges.tasks.refresh_figures", 5.0, 120.0),
    Job("watch_judges", "evaluation.judges.tasks.watch_live", 300.0, 300.0),
    Job("watch_changes", "evaluation.changes.tasks.watch", 30.0, 120.0),
    Job("judge_nightly", "evaluation.judges.tasks.nightly", 600.0, 600.0),
    Job("triage", "evaluation.judges.tasks.triage_waiting", 10.0, 60.0),
    Job("judge_due", "evaluation.judges.tasks.judge_due", 0.0, 30.0),
    Job("judge_golden", "evaluation.runs.judging.judge_pending", 2.0, 60.0),
    Job("prepare_snapshots", "reviewapp.review.tasks.prepare_snapshots", 2.0, 60.0),
    Job("plan_repeats", "reviewapp.review.tasks.plan_repeats", 600.0, 120.0),
    Job("forget_drafts", "reviewapp.review.tasks.forget_drafts", 600.0, 60.0),
    Job("note_changes", "reviewapp.review.tasks.note_changes", 10.0, 60.0),
    Job("prune_traces", "evaluation.retention.pruning.prune", 30.0, 120.0),
    Job("prune_failures", "reviewapp.serving.pulse.prune_failures", 3600.0, 600.0),
    Job("prune_feedback_pace", "ingest.feedback_door.pace.prune", 600.0, 600.0),
)


class Pulse:
    """Knows when it enqueued each job last; a new one enqueues all of them at once."""

    def __init__(self, jobs: tuple[Job, ...] = JOBS) -> None:
        self.jobs = jobs
        self.enqueued: dict[str, float] = {}
        self.seen: dict[str, object] = {}
        self.finished: dict[str, float] = {}

    def beat(self, now: float) -> list[str]:
        """Enqueue what is due at the monotonic time `now`; the names of it."""
        self._look(now)
        due = [job for job in self.jobs if self._is_due(job, now)]
        for job in due:
            async_task("reviewapp.serving.pulse.run", job.name, job.function)  # type: ignore[no-untyped-call]
            self.enqueued[job.name] = now
        return [job.name for job in due]

    def _look(self, now: float) -> None:
        for name, beat_at in Heartbeat.objects.values_list("name", "beat_at"):
            if self.seen.get(name) != beat_at:
                # What was there before the first look was not enqueued by this pulse.
                if self.enqueued:
                    self.finished[name] = now
                self.seen[name] = beat_at

    def _is_due(self, job: Job, now: float) -> bool:
        if job.name not in self.enqueued:
            return True
        enqueued = self.enqueued[job.name]
        finished = self.finished.get(job.name, float("-inf"))
        if finished >= enqueued:
            return now - finished >= job.every
        return now - enqueued >= job.lost_after


def run(name: str, function: str) -> None:
    """What goes through the queue: the job, then its mark. Ids and names only, never data."""
    work = locate(function)
    if not callable(work):
        raise LookupError(f"There is no job {function}.")
    work()
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, beat_at=Now())],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["beat_at"],
    )


def nothing() -> None:
    """The job of the heartbeat itself."""


def prune_failures() -> None:
    Task.objects.filter(success=False, stopped__lt=Now() - FAILURES_KEPT).delete()


def work() -> None:
    """A django-q cluster and its pulse, until the cluster ends (SIGTERM) or breaks."""
    os.nice(NICENESS)
    pulse = Pulse()
    _try_to_beat(pulse)  # first, so that the cluster finds work at once
    connections.close_all()  # the cluster forks
    cluster: Any = Cluster()
    cluster.start()
    while cluster.sentinel.is_alive():
        time.sleep(BEAT_SECONDS)
        _try_to_beat(pulse)


def _try_to_beat(pulse: Pulse) -> None:
    try:
        close_old_connections()
        pulse.beat(time.monotonic())
    except DatabaseError:
        logger.warning("The worker's pulse does not reach the database.")
