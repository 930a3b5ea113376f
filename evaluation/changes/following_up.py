"""What is done about a change? For two hours more is audited and judged, and anchors are judged again.

Rates are raised forward only, by rows that end by themselves. Each event is followed up once: its mark is
written in the transaction that writes the rows.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from evaluation.changes.models import ChangeEvent, ChangeKind
from evaluation.judges.judgments import asking
from evaluation.judges.models import JudgeRun, RunKind
from ingest import rates
from ingest.models import Cause, Project, SamplingRate

HOURS, AUDIT_FACTOR, JUDGED_AN_HOUR = 2.0, 5.0, 1000.0
# A change reported later than this is past acting on; it is still drawn on the charts.
FRESH = timedelta(hours=2)
MOST_A_DAY = 6
ANCHORS_REST = timedelta(hours=1)
LOOKED_CLOSER = (
    ChangeKind.MODEL,
    ChangeKind.PROMPT,
    ChangeKind.ANSWERED,
    ChangeKind.JUDGE,
    ChangeKind.DEPLOY,
    ChangeKind.OTHER,
)
BY = "change"


def follow_up(most: int = 50) -> int:
    """Decide on events that are new; how many. A job, and safe to run twice at once."""
    return sum(_follow(pk) for pk in ChangeEvent.objects.to_follow_up().values_list("pk", flat=True)[:most])


@transaction.atomic
def _follow(pk: int) -> bool:
    waiting = ChangeEvent.objects.to_follow_up().select_related("project")
    event = waiting.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
    if event is None:
        return False
    told = why_not(event) or "; ".join(_look_closer(event))
    ChangeEvent.objects.filter(pk=pk).update(followed_up_at=Now(), follow_up=told[:300])
    return True


def why_not(event: ChangeEvent) -> str:
    """Why nothing is done about it; "" where something is."""
    if event.kind not in LOOKED_CLOSER:
        return "drawn on the charts"
    if is_beginning(event):
        return "the first one"
    if event.at < timezone.now() - FRESH:
        return "too long ago to look closer now"
    today = ChangeEvent.objects.of_project(event.project_id).filter(
        followed_up_at__gt=timezone.now() - timedelta(days=1), follow_up__startswith=CLOSER
    )
    if today.count() >= MOST_A_DAY:
        return f"{MOST_A_DAY} changes were looked at closer within a day already"
    return ""


CLOSER = "looked at closer"


def is_beginning(event: ChangeEvent) -> bool:
    """The first model, prompt version or live judge of its kind, before which there was nothing."""
    if event.told_by or event.kind in (ChangeKind.ANSWERED, ChangeKind.DEPLOY, ChangeKind.OTHER):
        return False
    earlier = ChangeEvent.objects.filter(
        project=event.project_id, kind=event.kind, subject=event.subject, at__lt=event.at
    )
    return not earlier.exists()


def _look_closer(event: ChangeEvent) -> list[str]:
    strata = boost(event.project, event.routes, event.words or f"{event.kind} {event.value}")
    anchors = _judge_anchors(event.project)
    if not strata and not anchors:
        return ["nothing to raise: all is audited or looked at closer already, and there are no anchors"]
    told = [f"{CLOSER} for {HOURS:g} h"]
    told.append(
        f"rates raised on {strata} route{'' if strata == 1 else 's'}" if strata else "rates as they were"
    )
    if anchors:
        told.append(f"{anchors} anchors judged again")
    return told


def boost(project: Project, routes: list[str], reason: str) -> int:
    """Raise what people audit and judges see; on how many routes. One that is boosted already goes on."""
    share = judged_share(project)
    raised = 0
    for volume in rates.volumes(project):
        if routes and volume.stratum not in routes:
            continue
        try:
            rates.boost(
                project, volume.stratum, AUDIT_FACTOR, HOURS, by=BY, reason=reason[:200], judged=share
            )
        except rates.Refused:
            continue
        raised += 1
    return raised


def judged_share(project: Project) -> float:
    """The share of traces that is at most 1,000 an hour in the busiest hour of the last day."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM ingest_trace WHERE project_id = %s "
            "AND started_at > now() - interval '1 day' AND started_at <= now() "
            "GROUP BY date_trunc('hour', started_at)) hours",
            [project.pk],
        )
        (busiest,) = cursor.fetchone()
    return min(1.0, JUDGED_AN_HOUR / busiest) if busiest else 1.0


def _judge_anchors(project: Project) -> int:
    """By every live version that was not asked about them within the hour."""
    asked = 0
    for version in asking.live_versions().filter(judge__project=project).select_related("judge"):
        recent = JudgeRun.objects.filter(
            version=version, kind=RunKind.ANCHORS, asked_at__gt=timezone.now() - ANCHORS_REST
        )
        if recent.exists() or not asking.has_anchors(version):
            continue
        asked += asking.ask_anchors(version, asking.start(version, RunKind.ANCHORS, BY))
    return asked


def running(project: Project) -> SamplingRate | None:
    """The newest row of a boost that a change began and that is still in force."""
    now = timezone.now()
    boosts = SamplingRate.objects.filter(
        project=project, cause=Cause.BOOST, set_by=BY, effective_from__gt=now - timedelta(hours=HOURS)
    )
    return boosts.order_by("-effective_from").first()
