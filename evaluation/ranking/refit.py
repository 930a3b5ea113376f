"""Learns from labels in the background and ranks what waits: ranks go down through the routes' own function.

What a route is ranked by, `terms["by"]`, says whether rules or a model did it. A signal that comes later puts
the rules' rank back; the next turn replaces it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from math import log1p
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from evaluation.ranking import model
from evaluation.ranking.model import Item, Model
from evaluation.ranking.models import RankingModel
from ingest.models import Project, Trace
from ingest.routing import facts, loading, storing
from ingest.routing.models import Route
from ingest.routing.priority import Terms
from reviewapp.review.models import ReviewItem

TURN = 500
BY = "model"
TEXT = 4000


def refit_due(most: int = 3) -> int:
    """Fit anew where 20 more labels have come; how many projects. A job, safe to run twice."""
    due = [
        (pk, labels) for pk, labels, known in _counts() if labels >= known + model.REFIT_EVERY or not known
    ]
    fitted = 0
    for pk, labels in due[:most]:
        fitted += refit(Project.objects.get(pk=pk), labels)
    return fitted


def _counts() -> list[tuple[int, int, int]]:
    """Projects with labels enough, their labels, and the number at the last fit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT q.project_id, count(*), coalesce(max(m.labels), 0) FROM reviewapp_assignment a "
            "JOIN reviewapp_label l ON l.id = a.counted_id JOIN reviewapp_reviewitem i ON i.id = a.item_id "
            "JOIN reviewapp_queue q ON q.id = i.queue_id "
            "LEFT JOIN evaluation_rankingmodel m ON m.project_id = q.project_id "
            "WHERE l.via <> 'import' AND l.verdict IN ('pass', 'fail') AND i.kind = 'trace' "
            "GROUP BY 1 HAVING count(*) >= %s ORDER BY 1",
            [model.LEAST_LABELS],
        )
        return list(cursor.fetchall())


def refit(project: Project, labels: int) -> bool:
    """Whether there was enough to learn from; else rules go on deciding."""
    said = _labelled(project)
    items = items_of(list(said))
    fitted = model.fit([items[pk] for pk in said if pk in items], [said[pk] for pk in said if pk in items])
    RankingModel.objects.update_or_create(
        project=project,
        defaults={
            "numbers": asdict(fitted) if fitted else {},
            "labels": labels,
            "failures": sum(said.values()),
            "fitted_at": timezone.now(),
        },
    )
    return fitted is not None


def _labelled(project: Project) -> dict[int, bool]:
    """Traces with what most people said of them, the oldest label first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.trace_id, count(*) FILTER (WHERE l.verdict = 'fail') * 2 > count(*) "
            "FROM reviewapp_assignment a JOIN reviewapp_label l ON l.id = a.counted_id "
            "JOIN reviewapp_reviewitem i ON i.id = a.item_id JOIN reviewapp_queue q ON q.id = i.queue_id "
            "WHERE q.project_id = %s AND l.via <> 'import' AND l.verdict IN ('pass', 'fail') "
            "AND i.kind = 'trace' GROUP BY 1 ORDER BY max(l.id) DESC LIMIT %s",
            [project.pk, model.MOST_ROWS],
        )
        return dict(reversed(cursor.fetchall()))


def items_of(traces: Sequence[int]) -> dict[int, Item]:
    """What is known of traces before anyone has looked."""
    scores, checks = loading.scores_of(traces)
    said = loading.said_of(traces)
    found = {}
    for pk, output, route, version, status in Trace.objects.filter(pk__in=traces).values_list(
        "pk", "output", "route", "prompt_version", "status"
    ):
        quality = [s.value for s in facts.quality(scores.get(pk, [])) if s.value is not None]
        signals = _signals(said.get(pk, ()), checks.get(pk, ()))
        signals |= {f"route={route}": 1.0, f"prompt={version}": 1.0, "length": log1p(len(output))}
        signals["error"] = float(status == "error")
        found[pk] = Item(1 - min(quality) if quality else None, signals, output[:TEXT])
    return found


def _signals(said: Iterable[facts.SaidFact], checks: Iterable[str]) -> dict[str, float]:
    signals: dict[str, float] = {}
    for each in said:
        name = each.kind if each.number is None else f"{each.kind}_{'low' if each.number < 0.5 else 'high'}"
        signals[name] = min(3.0, signals.get(name, 0.0) + 1.0)
    return signals | {f"check_{name}": 1.0 for name in checks}


def rank_waiting() -> int:
    """Rank routes of open items that rules ranked, in projects with a model; how many changed. A job."""
    changed = 0
    for kept in RankingModel.objects.exclude(numbers={}):
        routes = list(_ranked_by_rules(kept.project_id, kept.fitted_at.isoformat())[:TURN])
        if not routes:
            continue
        fitted = _model(kept.numbers)
        items = items_of([route.trace_id for route in routes])
        changed += storing.rank(
            _ranked(route, fitted.probability(items[route.trace_id]), kept.fitted_at.isoformat())
            for route in routes
            if route.trace_id in items
        )
    return changed


def _ranked_by_rules(project: int, fitted_at: str) -> QuerySet[Route]:
    """Of open items, ranked by rules or by an older fit."""
    waits = ReviewItem.objects.filter(
        trace=OuterRef("trace"), queue__slug=OuterRef("queue"), open_slots__gt=0
    )
    return (
        Route.objects.filter(Exists(waits), trace__project=project)
        .exclude(reasons=[])
        .exclude(terms__by=f"{BY} {fitted_at}")
        .order_by("pk")
    )


def _ranked(route: Route, p_fail: float, fitted_at: str) -> tuple[int, float, Mapping[str, Any]]:
    """The rules' severity, uncertainty and novelty stay; the guess at P(fail) gives way."""
    before = route.terms
    terms = Terms(
        p_fail=round(p_fail, 6),
        severity=float(before.get("severity", 1.0)),
        uncertainty=float(before.get("uncertainty", 0.0)),
        novelty=float(before.get("novelty", 1.0)),
        signals=dict(before.get("signals", {})),
        by=f"{BY} {fitted_at}",
    )
    return route.pk, terms.priority, terms.as_json()


def _model(numbers: Mapping[str, Any]) -> Model:
    signals = {name: (each[0], each[1], each[2]) for name, each in numbers["signals"].items()}
    return Model(**{**numbers, "signals": signals})
