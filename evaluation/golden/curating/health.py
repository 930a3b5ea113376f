"""Does the dataset keep up with production? Growth, composition, coverage, saturation, and who owns what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Min
from django.db.models.functions import TruncMonth
from django.utils import timezone

from evaluation.golden.curating import coverage, overview, staleness
from evaluation.golden.curating.staleness import Stale
from evaluation.golden.models import CaseState, GoldenCase, GoldenDataset
from evaluation.runs import steadiness
from evaluation.runs.models import CaseResult, CiRun
from evaluation.runs.steadiness import Flaky, Flips

# Cases added in a month: at least, and at most.
GOAL = (10, 20)
MONTHS = 6
# A suite with a higher pass rate says little; a case that never failed in this many runs says nothing.
SATURATED = 0.98
ENOUGH_RUNS = 10
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Month:
    start: date
    added: int
    width: float

    @property
    def words(self) -> str:
        least, most = GOAL
        if self.added < least:
            return "below the goal"
        return "above the goal" if self.added > most else "in the goal"


@dataclass(frozen=True, slots=True)
class Health:
    months: list[Month]
    sources: list[tuple[str, int]]
    slices: list[Any]
    uncovered: list[str]
    runs: int
    pass_rate: float | None
    saturated: bool
    never_failed: list[GoldenCase]
    never_failed_count: int
    ownerless: int
    stale: list[Stale]
    stale_count: int
    flips: list[Flips]
    flaky: list[Flaky]
    quarantined: list[GoldenCase]


def of(dataset: GoldenDataset) -> Health:
    slices = coverage.routes(dataset)
    runs = list(
        CiRun.objects.filter(version__dataset=dataset, complete=True)
        .order_by("-created_at")
        .values_list("pk", "passed", "cases")[:ENOUGH_RUNS]
    )
    rates = [passed / cases for _, passed, cases in runs if cases]
    pass_rate = sum(rates) / len(rates) if rates else None
    idle, stale = _never_failed(dataset), staleness.of(dataset)
    return Health(
        months=growth(dataset),
        sources=overview.composition(dataset)["sources"],
        slices=slices,
        uncovered=[each.name for each in slices if each.cases == 0],
        runs=len(runs),
        pass_rate=pass_rate,
        saturated=len(runs) >= ENOUGH_RUNS and pass_rate is not None and pass_rate >= SATURATED,
        never_failed=list(idle[:SHOWN]),
        never_failed_count=idle.count(),
        ownerless=dataset.cases.filter(state=CaseState.ACTIVE, owner=None).count(),
        stale=stale[:SHOWN],
        stale_count=len(stale),
        flips=steadiness.by_month(dataset),
        flaky=steadiness.flaky(dataset, SHOWN),
        quarantined=list(dataset.cases.filter(state=CaseState.QUARANTINED).order_by("case_id")[:20]),
    )


def growth(dataset: GoldenDataset) -> list[Month]:
    """Cases added in each of the last months."""
    this = timezone.now().date().replace(day=1)
    starts = [this]
    for _ in range(MONTHS - 1):
        starts.append((starts[-1] - timedelta(days=1)).replace(day=1))
    counted = {
        month.date(): number
        for month, number in dataset.cases.filter(created_at__date__gte=starts[-1])
        .values_list(TruncMonth("created_at"))
        .annotate(n=Count("pk"))
    }
    widest = max([*counted.values(), GOAL[1]])
    return [Month(start, counted.get(start, 0), counted.get(start, 0) / widest * 100) for start in starts]


def _never_failed(dataset: GoldenDataset) -> Any:
    """Active cases with many results and no failing one."""
    failing = CaseResult.objects.filter(case__dataset=dataset, status="fail").values("case_id")
    return (
        dataset.cases.filter(state=CaseState.ACTIVE)
        .annotate(runs=Count("results__run", distinct=True), since=Min("results__run__created_at"))
        .filter(runs__gte=ENOUGH_RUNS)
        .exclude(pk__in=failing)
        .order_by("-runs", "case_id")
    )
