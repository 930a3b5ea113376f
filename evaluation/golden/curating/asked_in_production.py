"""Which groups of questions does production ask, how often, and how many cases has each?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from evaluation.golden.content import lines
from evaluation.golden.curating import clusters
from evaluation.golden.draft import drafts
from evaluation.golden.models import GoldenDataset
from ingest.models import Trace

DAYS = 30
MOST_TRACES, MOST_CASES = 600, 2_000


@dataclass(frozen=True, slots=True)
class Group:
    """One group, with the trace that asks it most typically. Widths are per cent of the longer bar."""

    name: str
    trace_id: str
    asked: str
    share: float
    cases: int
    case_width: float
    share_at: float


@dataclass(frozen=True, slots=True)
class Coverage:
    groups: list[Group]
    traces: int
    elsewhere: list[str]

    @property
    def thin(self) -> list[Group]:
        return [group for group in self.groups if not group.cases]


def coverage(dataset: GoldenDataset) -> Coverage:
    """Over the newest traces of the last days; no groups when there are too few."""
    since = timezone.now() - timedelta(days=DAYS)
    newest = Trace.objects.filter(project=dataset.project_id, started_at__gte=since).exclude(input="")
    traces = list(newest.order_by("-started_at", "-pk").values_list("trace_id", "input")[:MOST_TRACES])
    cases = _questions(dataset)
    found = clusters.clusters([text for _, text in traces], [text for _, text in cases])
    if found is None:
        return Coverage([], len(traces), [])
    total = max(sum(len(each.cases) for each in found.clusters), 1)
    widest = max(max(each.share, len(each.cases) / total) for each in found.clusters)
    groups = [
        Group(
            name=" · ".join(each.words) or "other",
            trace_id=traces[each.example][0],
            asked=traces[each.example][1][:200],
            share=each.share,
            cases=len(each.cases),
            case_width=len(each.cases) / total / widest * 100,
            share_at=each.share / widest * 100,
        )
        for each in found.clusters
    ]
    return Coverage(groups, len(traces), [cases[index][0] for index in found.elsewhere])


def _questions(dataset: GoldenDataset) -> list[tuple[str, str]]:
    rows = drafts.revisions(dataset).filter(line__isnull=False).order_by("-pk")
    found = rows.values_list("case__case_id", "line")[:MOST_CASES]
    return [(case_id, lines.input_text(lines.parse(line)["input"])) for case_id, line in found if line]
