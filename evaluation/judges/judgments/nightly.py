"""The nightly job: every live judge judges the traces drawn since, and its anchors.

What was drawn is asked about all day as it settles; the night makes up for what was missed, and leaves a run
that says so. Whether it has been is read from the runs, so that the job may come any number of times.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from evaluation.judges.judgments import asking
from evaluation.judges.judgments.asking import Again
from evaluation.judges.models import JudgeRun, JudgeVersion, RunKind

BY = "nightly"
BEGINS_AT = 2  # o'clock, in TIME_ZONE


def run_due() -> int:
    """How many judgments were asked for. A job; nothing before the night has begun."""
    begun = begin(timezone.localtime())
    if begun is None:
        return 0
    due = asking.live_versions().select_related("judge__project")
    return sum(run(version) for version in due if not _has_run(version, begun))


def begin(now: datetime) -> datetime | None:
    """When this day's night run was to begin; None before."""
    at = now.replace(hour=BEGINS_AT, minute=0, second=0, microsecond=0)
    return at if now >= at else None


def run(version: JudgeVersion, by: str = BY) -> int:
    """The sample, the audit items and the anchors of one version; how many judgments are new."""
    sample = asking.start(version, RunKind.SAMPLE, by)
    count = 0
    while some := asking.ask_drawn(version, sample, since_live=True, again=Again.MISSED):
        count += some
    if asking.has_anchors(version):
        count += asking.ask_anchors(version, asking.start(version, RunKind.ANCHORS, by))
    return count


def _has_run(version: JudgeVersion, begun: datetime) -> bool:
    since = begun - timedelta(seconds=1)
    return JudgeRun.objects.filter(version=version, asked_by=BY, asked_at__gt=since).exists()
