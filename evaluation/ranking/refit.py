"""Learns from labels in the background and ranks waiting items, through the routes' own function.

What a route is ranked by, `terms["by"]`, says whether rules or a model did it. A signal that comes later puts
the rules' rank back; the next turn replaces it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log1p
from time import monotonic
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef
from django.db.models.functions import Left, Length
from django.utils import timezone

from evaluation.ranking import model
from evaluation.ranking.model import Item, Model
from evaluation.ranking.models import RankingModel
from ingest.models import Project, Trace
from ingest.routing import facts, loading, priority, storing
from ingest.routing.facts import ScoreFact
from ingest.routing.models import Route
from ingest.routing.priority import Terms
from reviewapp.review.models import ReviewItem

TURN, TURN_SECONDS = 500, 4.0
TEXT = 4000
SLICED = ("project", "started_at", "route", "model", "prompt_version")


def refit_due(most: int = 3) -> int:
    """Fit again where 20 more labels have arrived; how many projects. A job, safe to run twice."""
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
    known = known_of(list(said))
    told = [pk for pk in said if pk in known]
    fitted = model.fit([known[pk].item for pk in told], [said[pk] for pk in told])
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


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a trace before anyone has looked."""

    item: Item
    scores: Sequence[ScoreFact]


def known_of(traces: Sequence[int]) -> dict[int, Known]:
    scores, checks = loading.scores_of(traces)
    said = loading.said_of(traces)
    rows = Trace.objects.filter(pk__in=traces).only(*SLICED, "status")
    found = list(rows.annotate(beginning=Left("output", TEXT), length=Length("output")))
    ages = loading.slice_ages(found) if found else {}
    return {
        trace.pk: Known(
            Item(
                _judged(scores.get(trace.pk, ())),
                _said(said.get(trace.pk, ()), checks.get(trace.pk, ()))
                | _of_trace(trace, scores.get(trace.pk, ()), ages[trace.pk]),
                trace.beginning,
            ),
            scores.get(trace.pk, ()),
        )
        for trace in found
    }


def _judged(scores: Iterable[ScoreFact]) -> float | None:
    quality = [score.value for score in facts.quality(scores) if score.value is not None]
    return 1 - min(quality) if quality else None


def _of_trace(trace: Any, scores: Sequence[ScoreFact], age: float) -> dict[str, float]:
    return {
        f"route={trace.route}": 1.0,
        f"model={trace.model}": 1.0,
        f"prompt={trace.prompt_version}": 1.0,
        "length": log1p(trace.length),
        "error": float(trace.status == "error"),
        "doubt": priority.doubt(scores) or 0.0,
        "novelty": priority.novelty(age),
    }


def _said(said: Iterable[facts.SaidFact], checks: Iterable[str]) -> dict[str, float]:
    """What anyone can send, and send often, counts once whatever it is."""
    signals: dict[str, float] = {}
    for each in said:
        if not each.signed:
            signals["unsigned"] = 1.0
            continue
        name = each.kind if each.number is None else f"{each.kind}_{'low' if each.number < 0.5 else 'high'}"
        signals[name] = min(3.0, signals.get(name, 0.0) + 1.0)
    return signals | {f"check_{name}": 1.0 for name in checks}


def rank_waiting() -> int:
    """Rank routes of open items that rules or an older fit ranked, where there is a model; how many changed.

    A job: it ends after a while, and goes on at its next turn.
    """
    changed, end = 0, monotonic() + TURN_SECONDS
    for kept in RankingModel.objects.exclude(numbers={}):
        fitted, fitted_at = _model(kept.numbers), kept.fitted_at.isoformat()
        for routes in _due(kept.project_id, fitted_at):
            known = known_of([route.trace_id for route in routes])
            changed += storing.rank(
                _ranked(route, fitted, known[route.trace_id], fitted_at)
                for route in routes
                if route.trace_id in known
            )
            if monotonic() >= end:
                return changed
    return changed


def _due(project: int, fitted_at: str) -> Iterator[list[Route]]:
    """Chunks of routes: those that no fit has ranked yet, then those of older fits. So fits that follow each
    other closely pass over nothing. Each chunk has to be ranked before the next one is asked for."""
    waits = ReviewItem.objects.filter(
        trace=OuterRef("trace"), queue__slug=OuterRef("queue"), open_slots__gt=0
    )
    waiting = Route.objects.filter(Exists(waits), trace__project=project).exclude(reasons=[])
    waiting = waiting.exclude(terms__by=f"{priority.LEARNED} {fitted_at}").order_by("pk")
    by_rules = waiting.exclude(terms__by__startswith=priority.LEARNED)
    # Each turn scans all waiting items, so it runs only once if there is nothing else to do.
    while routes := list(waiting[:TURN]):
        yield routes if len(routes) < TURN else list(by_rules[:TURN]) or routes


def _ranked(route: Route, fitted: Model, known: Known, fitted_at: str) -> tuple[int, float, dict[str, Any]]:
    """The rules' severity and novelty stay; their guess at P(fail), and the doubt about it, give way."""
    p_fail, before = fitted.probability(known.item), route.terms
    terms = Terms(
        p_fail=round(p_fail, 6),
        severity=float(before.get("severity", 1.0)),
        uncertainty=round(priority.uncertainty(known.scores, p_fail), 6),
        novelty=float(before.get("novelty", 1.0)),
        signals=dict(before.get("signals", {})),
        by=f"{priority.LEARNED} {fitted_at}",
    )
    return route.pk, terms.priority, terms.as_json()


def _model(numbers: Mapping[str, Any]) -> Model:
    signals = {name: (each[0], each[1], each[2]) for name, each in numbers["signals"].items()}
    return Model(**{**numbers, "signals": signals})
