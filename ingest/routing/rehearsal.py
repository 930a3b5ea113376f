"""What would a rule have done? Tries it on the traffic of the last week, without writing anything.

All settled traces of the week are looked at, or, of very many, a fixed part chosen by a hash of their row
id: asked again, the answer is the same, and it never takes long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection

from ingest.models import AuditDraw, Project, Trace
from ingest.routing import deciding, loading
from ingest.routing.deciding import Reason
from ingest.routing.facts import Facts
from ingest.routing.models import Route, RoutingRule

WEEK = timedelta(days=7)
LOOKED_AT = 4_000
EXAMPLES = 8
CHUNK = 1_000

_SETTLED = (
    "FROM ingest_trace t JOIN ingest_auditdraw d ON d.trace_id = t.id "
    "WHERE t.project_id = %(project)s AND t.started_at >= now() - %(week)s"
)


@dataclass(frozen=True, slots=True)
class Example:
    trace: Trace
    reasons: list[Reason]
    routed: bool


@dataclass(frozen=True, slots=True)
class Overlap:
    """A rule of the same queue, how many it takes, and how many of those the tried rule takes as well."""

    rule: RoutingRule
    taken: int
    shared: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`total` traces settled in the week, `seen` of them were tried, `taken` would have been routed, of which
    `routed` are in the queue already."""

    total: int
    seen: int
    taken: int
    routed: int
    examples: list[Example]
    overlaps: list[Overlap]

    @property
    def is_sampled(self) -> bool:
        return self.seen < self.total

    @property
    def estimate(self) -> int:
        """Of all traces of the week."""
        return round(self.taken * self.total / self.seen) if self.seen else 0

    @property
    def a_day(self) -> float:
        return self.estimate / WEEK.days

    @property
    def new(self) -> int:
        return self.taken - self.routed


def rehearse(rule: RoutingRule, looked_at: int = LOOKED_AT) -> Rehearsal:
    """Try a checked rule, saved or not, as if it were enabled."""
    total, ids = _ids(rule.project, looked_at)
    others = [each for each in _others(rule) if each.enabled]
    counts: Counter[str] = Counter()
    taken: Counter[int] = Counter()
    shared: Counter[int] = Counter()
    examples: list[Example] = []
    enabled, rule.enabled = rule.enabled, True
    try:
        for traces, facts in _facts(rule.project, ids):
            matched = {trace.pk: deciding.matched(rule, facts[trace.pk]) for trace in traces}
            hits = [trace for trace in traces if matched[trace.pk]]
            routed = _routed(rule.queue, [trace.pk for trace in hits])
            counts.update(seen=len(traces), taken=len(hits), routed=len(routed))
            for other in others:
                theirs = {trace.pk for trace in traces if deciding.matched(other, facts[trace.pk])}
                taken[other.pk] += len(theirs)
                shared[other.pk] += sum(trace.pk in theirs for trace in hits)
            examples += [
                Example(trace, matched[trace.pk], trace.pk in routed)
                for trace in hits[: EXAMPLES - len(examples)]
            ]
    finally:
        rule.enabled = enabled
    return Rehearsal(
        total=total,
        seen=counts["seen"],
        taken=counts["taken"],
        routed=counts["routed"],
        examples=examples,
        overlaps=[Overlap(other, taken[other.pk], shared[other.pk]) for other in others],
    )


def _others(rule: RoutingRule) -> list[RoutingRule]:
    rules = RoutingRule.objects.filter(project=rule.project, queue=rule.queue).exclude(pk=rule.pk)
    return list(rules.order_by("position", "id"))


def _ids(project: Project, looked_at: int) -> tuple[int, list[int]]:
    """How many traces settled in the week, and the ids of those to look at, the newest first."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"project": project.pk, "week": WEEK}
        cursor.execute(f"SELECT count(*) {_SETTLED}", values)
        (total,) = cursor.fetchone()
        part = "" if total <= looked_at else "AND abs(hashint8(t.id)::bigint) < 2147483648 * %(part)s"
        cursor.execute(
            f"SELECT t.id {_SETTLED} {part} ORDER BY t.started_at DESC, t.id DESC LIMIT %(most)s",
            values | {"part": looked_at / max(total, 1), "most": looked_at},
        )
        return total, [pk for (pk,) in cursor.fetchall()]


def _facts(project: Project, ids: Sequence[int]) -> list[tuple[list[Trace], dict[int, Facts]]]:
    secrets = {project.pk: bytes(project.secret)}
    found = []
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        columns = ("id", "project_id", "started_at", *loading.COLUMNS)
        by_id = Trace.objects.only(*columns).in_bulk(chunk)
        traces = [by_id[pk] for pk in chunk if pk in by_id]
        draws = AuditDraw.objects.in_bulk(list(by_id))
        found.append((traces, loading.facts_of(traces, draws, secrets, with_slices=False)))
    return found


def _routed(queue: str, ids: Sequence[int]) -> set[int]:
    routes = Route.objects.standing().filter(queue=queue, trace__in=ids)
    return set(routes.values_list("trace_id", flat=True))
