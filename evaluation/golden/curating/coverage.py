"""Do the cases cover what production is asked? Its routes, and how many cases each of them has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from evaluation.golden.draft import drafts
from evaluation.golden.models import GoldenDataset
from ingest.models import Trace

MOST_ROUTES = 8
DAYS = 30


@dataclass(frozen=True, slots=True)
class Route:
    """A route: how many cases, and its share of production. Widths in per cent of the longer bar."""

    name: str
    cases: int
    share: float
    case_width: float
    share_at: float


def routes(dataset: GoldenDataset) -> list[Route]:
    """The routes of the last month beside the cases of them: a case's tags or its trace name its route."""
    since = timezone.now() - timedelta(days=DAYS)
    traffic = list(
        Trace.objects.filter(project=dataset.project_id, started_at__gte=since)
        .exclude(route="")
        .values_list("route")
        .annotate(n=Count("pk"))
        .order_by("-n")[:MOST_ROUTES]
    )
    total = sum(number for _, number in traffic)
    counted = {route: _cases_of(dataset, route) for route, _ in traffic}
    all_cases = max(sum(counted.values()), 1)
    widest = max(
        [number / total for _, number in traffic] + [n / all_cases for n in counted.values()], default=1
    )
    return [
        Route(
            name=route,
            cases=counted[route],
            share=number / total,
            case_width=counted[route] / all_cases / widest * 100,
            share_at=number / total / widest * 100,
        )
        for route, number in traffic
    ]


def _cases_of(dataset: GoldenDataset, route: str) -> int:
    in_draft = drafts.revisions(dataset)
    return in_draft.filter(Q(tags__contains=[route]) | Q(case__trace__route=route)).count()
