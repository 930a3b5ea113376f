"""What does a dataset's page show? Its versions, a page of its draft, its candidates, its composition."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, Sum
from django.utils import timezone

from evaluation.golden.draft import candidates, drafts
from evaluation.golden.draft.drafts import Change
from evaluation.golden.models import CandidateState, CaseState, Download, GoldenDataset
from evaluation.golden.published.versions import digest_text
from evaluation.runs.models import CiRun, Decision
from ingest.json_objects import Json
from reviewapp.models import Membership

CHANGES_A_PAGE, MOST_CANDIDATES = 60, 8


def paged(changes: tuple[Change, ...], number: str | None) -> Page[Change]:
    return Paginator(changes, CHANGES_A_PAGE).get_page(number)


def versions_of(dataset: GoldenDataset) -> list[Any]:
    """Newest first, each with its short digest and the runs it blocked."""
    versions: list[Any] = list(
        dataset.versions.annotate(
            blocked=Count("runs", filter=Q(runs__decision=Decision.FAIL)),
        ).order_by("-number")
    )
    for version in versions:
        digest = digest_text(version)
        version.short = f"{digest[:11]}…{digest[-4:]}"
    return versions


def composition(dataset: GoldenDataset) -> Json:
    """Active cases by source, critical ones, the quarantined, downloads of a week, the last gate."""
    active = drafts.revisions(dataset)
    sources = dict(active.values_list("source").annotate(n=Count("pk")).order_by("-n"))
    week = timezone.now().date() - timedelta(days=7)
    downloads = Download.objects.filter(dataset=dataset, day__gte=week).aggregate(
        sent=Sum("sent"), unchanged=Sum("unchanged")
    )
    return {
        "sources": list(sources.items()),
        "active": sum(sources.values()),
        "critical": active.filter(critical=True).count(),
        "quarantined": dataset.cases.filter(state=CaseState.QUARANTINED).count(),
        "downloads": (downloads["sent"] or 0) + (downloads["unchanged"] or 0),
        "unchanged": downloads["unchanged"] or 0,
        "last_run": CiRun.objects.filter(version__dataset=dataset).order_by("-created_at").first(),
    }


def candidates_of(membership: Membership) -> Any:
    return candidates.told_to(membership).filter(state=CandidateState.OPEN).order_by("-proposed_at", "pk")
