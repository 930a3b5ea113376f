"""Which traces is a judge to judge? Each becomes a judgment that waits, once, however often it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, F, Max, OuterRef, QuerySet, Sum
from django.utils import timezone

from evaluation.judges.calls.protocol import FIRST_ANCHOR_TRIAL
from evaluation.judges.models import (
    PREFERENCE,
    AnchorSet,
    JudgeRun,
    JudgeVersion,
    Judgment,
    Origin,
    Progress,
    RunKind,
)
from ingest import sampling
from ingest.models import Trace
from reviewapp.review.models import ItemKind, Lane, Purpose, Queue

CHUNK = 2000
# How often a trace that fails every time is retried automatically; by hand there is no limit.
TIRED = 12
BY_HAND = "the run was stopped"


class Again(StrEnum):
    """What of the judgments without an answer is asked for once more; MISSED is what nobody meant to stop."""

    NO = "no"
    MISSED = "missed"
    ALL = "all"


_INSERT = (
    "INSERT INTO evaluation_judgment AS j (version_id, trace_id, run_id, criterion, trial, origin, progress, "
    "attempts, verdict, rationale, reason, input_tokens, output_tokens, cost_usd) "
    "SELECT %(version)s, c.trace_id, %(run)s, %(criterion)s, 1, c.origin, 'waiting', 0, '', '', '', 0, 0, 0 "
)
# A trace that chance chose stays a random one, also when something else had asked for it before.
_CHANCE = "(j.origin IN ('queue', 'given') AND excluded.origin IN ('audit', 'sample'))"
# What came to no answer, for a key, a budget or an endpoint that may be there now, waits once more.
_UNANSWERED = (
    "(j.trial = 1 AND (j.progress = 'failed' OR j.progress = 'stopped') AND (%(again)s = 'all' OR "
    "%(again)s = 'missed' AND j.attempts < %(tired)s AND j.reason <> %(by_hand)s))"
)
_ONCE = (
    " ON CONFLICT (version_id, trace_id, criterion, trial) WHERE item_id IS NULL DO UPDATE SET "
    f"origin = CASE WHEN {_CHANCE} THEN excluded.origin ELSE j.origin END, "
    f"run_id = CASE WHEN {_UNANSWERED} THEN excluded.run_id ELSE j.run_id END, "
    f"due_at = CASE WHEN {_UNANSWERED} THEN statement_timestamp() ELSE j.due_at END, "
    f"finished_at = CASE WHEN {_UNANSWERED} THEN NULL ELSE j.finished_at END, "
    f"progress = CASE WHEN {_UNANSWERED} THEN 'waiting' ELSE j.progress END "
    f"WHERE {_CHANCE} OR {_UNANSWERED}"
)
_DRAWN = (
    "FROM (SELECT d.trace_id, CASE WHEN d.u < d.audit THEN 'audit' ELSE 'sample' END AS origin "
    "FROM ingest_auditdraw d JOIN ingest_trace t ON t.id = d.trace_id "
    "LEFT JOIN evaluation_judgment j "
    "ON j.trace_id = d.trace_id AND j.version_id = %(version)s AND j.trial = 1 "
    "WHERE t.project_id = %(project)s AND d.u < d.audit + d.judge "
    "AND NOT t.flags @> ARRAY['erased']::varchar[] "
    "AND (j.id IS NULL OR j.origin IN ('queue', 'given') OR {unanswered}) {since} "
    "ORDER BY d.trace_id LIMIT %(limit)s) c"
)


def start(version: JudgeVersion, kind: RunKind, by: str = "", **of: Any) -> JudgeRun:
    return JudgeRun.objects.create(version=version, kind=kind, asked_by=by, **of)


def ask_drawn(
    version: JudgeVersion, run: JudgeRun | None = None, *, since_live: bool = False, again: Again = Again.NO
) -> int:
    """The audit sample and the judge sample of settled traces, a chunk of what is new; how many."""
    since = "AND t.first_seen >= %(live_at)s" if since_live and version.live_at else ""
    drawn = _DRAWN.format(since=since, unanswered=_UNANSWERED)
    return _insert(version, run, drawn, again, limit=CHUNK, live_at=version.live_at)


def ask_sample(version: JudgeVersion, run: JudgeRun, most: int | None = None) -> int:
    """All that was imported, and all that was drawn or somewhat more than `most`; how many."""
    count = ask_imported(version, run)
    while (most is None or count < most) and (chunk := ask_drawn(version, run, again=Again.ALL)):
        count += chunk
    return count


def ask_share(version: JudgeVersion, share: float, run: JudgeRun) -> int:
    """The share of all traces with the smallest u, so that a larger share holds every smaller one."""
    project = version.judge.project
    secret = bytes(project.secret)
    chosen: list[tuple[int, str]] = []
    drawn = Trace.objects.filter(project=project).values_list(
        "pk", "trace_id", "draw__u", "draw__audit", "draw__judge"
    )
    for pk, trace_id, u, audit, judge in drawn.iterator():
        u = sampling.draw(secret, trace_id) if u is None else u
        if u < share:
            origin = Origin.GIVEN if audit is None or u >= audit + judge else Origin.SAMPLE
            chosen.append((pk, Origin.AUDIT if audit is not None and u < audit else origin))
    return ask_traces(version, chosen, run)


def ask_imported(version: JudgeVersion, run: JudgeRun) -> int:
    """All traces that were imported with labels: an evaluation set for a judge that runs here."""
    listed = Trace.objects.filter(project=version.judge.project, imported_pair__isnull=False)
    return ask_traces(version, [(pk, Origin.GIVEN) for pk in listed.values_list("pk", flat=True)], run)


def ask_queue(version: JudgeVersion, queue: Queue, run: JudgeRun, again: Again = Again.NO) -> int:
    """What waits in a queue's risk lane: a triage before people look. These verdicts enter no rate.

    What chance drew is judged as the audit sample, or not at all: its order is nobody's to change.
    """
    waiting = queue.items.filter(
        open_slots__gt=0, kind=ItemKind.TRACE, lane=Lane.RISK, purpose=Purpose.REVIEW
    )
    asked = Judgment.objects.filter(version=version, trace=OuterRef("trace"), trial=1, item=None)
    if again == Again.ALL:
        asked = asked.exclude(progress__in=(Progress.FAILED, Progress.STOPPED))
    unasked = waiting.filter(~Exists(asked)).values_list("trace_id", flat=True)
    return ask_traces(version, [(pk, Origin.QUEUE) for pk in unasked], run, again)


def ask_traces(
    version: JudgeVersion, chosen: list[tuple[int, str]], run: JudgeRun, again: Again = Again.ALL
) -> int:
    total = 0
    for start_at in range(0, len(chosen), CHUNK):
        chunk = chosen[start_at : start_at + CHUNK]
        total += _insert(
            version,
            run,
            "FROM unnest(%(traces)s::bigint[], %(origins)s::text[]) AS c (trace_id, origin)",
            again,
            traces=[pk for pk, _ in chunk],
            origins=[str(origin) for _, origin in chunk],
        )
    return total


def has_anchors(version: JudgeVersion) -> bool:
    return AnchorSet.objects.filter(judge=version.judge_id, frozen_at__isnull=False).exists()


def ask_anchors(version: JudgeVersion, run: JudgeRun) -> int:
    """Every anchor once more, on the very bytes that were frozen."""
    newest = AnchorSet.objects.newest_of(version.judge)
    if newest is None:
        return 0
    last = Judgment.objects.filter(version=version, trial__gte=FIRST_ANCHOR_TRIAL).aggregate(
        last=Max("trial")
    )
    trial = max(FIRST_ANCHOR_TRIAL, (last["last"] or 0) + 1)
    made = Judgment.objects.bulk_create(
        [
            Judgment(
                version=version,
                trace_id=anchor.trace_id,
                snapshot_id=anchor.snapshot_id,
                run=run,
                criterion=version.criterion,
                trial=trial,
                origin=Origin.ANCHOR,
            )
            for anchor in newest.anchors.order_by("pk")
        ]
    )
    return len(made)


def plan() -> int:
    """Ask the live versions about what has settled since they went live. A job; it may run twice."""
    live = live_versions()
    return sum(ask_drawn(version, since_live=True) for version in live.select_related("judge"))


def live_versions() -> QuerySet[JudgeVersion]:
    """Those that judge traces by themselves; pairs are judged where a queue of them is asked about."""
    return JudgeVersion.objects.live_here().exclude(criterion=PREFERENCE)


def stop(run: JudgeRun) -> int:
    """Nothing more of it is asked; what runs may end."""
    JudgeRun.objects.filter(pk=run.pk, stopped_at=None).update(stopped_at=timezone.now())
    waiting = run.judgments.filter(progress=Progress.WAITING)
    return waiting.update(progress=Progress.STOPPED, reason=BY_HAND)


def progress(run: JudgeRun) -> dict[str, int]:
    counts = dict(run.judgments.values_list("progress").annotate(n=Count("pk")))
    waiting = counts.get(Progress.WAITING, 0) + counts.get(Progress.RUNNING, 0)
    return {"total": sum(counts.values()), "open": waiting, **{str(name): n for name, n in counts.items()}}


def failing(runs: Sequence[JudgeRun]) -> dict[int, int]:
    """By run how many of those it judged the version fails."""
    failed = Judgment.objects.filter(run__in=runs, progress=Progress.DONE, verdict="fail")
    return dict(failed.values_list("run").annotate(n=Count("pk")))


def spent(runs: Sequence[JudgeRun]) -> dict[int, dict[str, float]]:
    """By run the dollars and the tokens of its judgments."""
    of = Judgment.objects.filter(run__in=runs).values("run")
    summed = of.annotate(usd=Sum("cost_usd"), tokens=Sum(F("input_tokens") + F("output_tokens")))
    return {row["run"]: {"usd": row["usd"], "tokens": row["tokens"]} for row in summed.order_by()}


def why_unanswered(runs: Sequence[JudgeRun]) -> dict[int, str]:
    """By run the most frequent reason for which judgments of it have no answer."""
    failed = Judgment.objects.filter(run__in=runs, progress__in=(Progress.FAILED, Progress.STOPPED))
    counted = failed.values_list("run", "reason").annotate(n=Count("pk")).order_by("n", "reason")
    return {run: reason for run, reason, _ in counted}


def _insert(version: JudgeVersion, run: JudgeRun | None, source: str, again: Again, **more: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT + source + _ONCE,
            {
                "version": version.pk,
                "project": version.judge.project_id,
                "criterion": version.criterion,
                "run": run.pk if run else None,
                "again": again.value,
                "tired": TIRED,
                "by_hand": BY_HAND,
                **more,
            },
        )
        return int(cursor.rowcount)
