"""Which golden cases came from these traces, and what happens to them when their texts have to go?"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection
from django.db.models.functions import Now

from evaluation.golden.draft.cases import ERASED
from evaluation.golden.models import Candidate, CaseRevision, CaseState, GoldenCase, GoldenVersion
from evaluation.golden.published import versions
from evaluation.runs.models import CaseResult
from ingest.models import Project, Trace


@dataclass(frozen=True, slots=True)
class Gone:
    cases: int
    versions: tuple[str, ...]


def cases_of(project: Project, traces: Collection[int]) -> set[int]:
    """Those promoted from the traces, and those whose line names one of them, in any revision."""
    linked = GoldenCase.objects.filter(dataset__project=project, trace__in=traces)
    named = [
        json.dumps(trace_id, ensure_ascii=False)[1:-1]
        for trace_id in Trace.objects.filter(pk__in=traces).values_list("trace_id", flat=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, [project.pk, named])
        return {pk for (pk,) in cursor.fetchall()} | set(linked.values_list("pk", flat=True))


_NAMED = r"""
    SELECT DISTINCT r.case_id FROM evaluation_caserevision r
    JOIN evaluation_goldencase c ON c.id = r.case_id JOIN evaluation_goldendataset d ON d.id = c.dataset_id
    CROSS JOIN LATERAL regexp_matches(r.line, '"trace_id":"((?:[^"\\]|\\.)*)"', 'g') m
    WHERE d.project_id = %s AND m[1] = ANY(%s)
"""


def standing_versions(cases: Collection[int]) -> list[GoldenVersion]:
    """The published versions that hold one of the cases."""
    holding = GoldenVersion.objects.filter(entries__case__in=cases, withdrawn_at=None).distinct()
    return list(holding.select_related("dataset").order_by("dataset__name", "number"))


def names(found: list[GoldenVersion]) -> tuple[str, ...]:
    return tuple(f"{each.dataset.name} v{each.number}" for each in found)


def erase(project: Project, traces: Collection[int], reason: str, by: str) -> Gone:
    """Withdraw the versions, retire the cases and take their texts, with what runs said of them."""
    cases = cases_of(project, traces)
    withdrawn = standing_versions(cases)
    for version in withdrawn:
        versions.withdraw(version, reason, by)
    GoldenCase.objects.filter(pk__in=cases).update(
        title=ERASED, state=CaseState.RETIRED, state_reason=reason, state_changed_at=Now()
    )
    CaseRevision.objects.filter(case__in=cases, line__isnull=False).update(line=None, provenance={})
    CaseResult.objects.filter(case__in=cases).update(output="", reason="")
    Candidate.objects.filter(trace__in=traces).update(content={}, title=ERASED, provenance={})
    return Gone(len(cases), names(withdrawn))
