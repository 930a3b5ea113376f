"""How do datasets, versions, differences and reports read as JSON?"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Q

from evaluation.golden.draft import drafts
from evaluation.golden.draft.cases import Outcome, Report
from evaluation.golden.draft.drafts import Difference
from evaluation.golden.models import CaseState, GoldenDataset, GoldenVersion
from evaluation.golden.published.versions import digest_text
from ingest.json_objects import Json
from ingest.models import Project


def datasets(project: Project) -> list[Json]:
    found = (
        GoldenDataset.objects.filter(project=project)
        .annotate(active=Count("cases", filter=Q(cases__state=CaseState.ACTIVE)))
        .order_by("name")
    )
    newest = {
        version.dataset_id: version
        for version in GoldenVersion.objects.filter(dataset__project=project, withdrawn_at=None)
        .order_by("dataset_id", "-number")
        .distinct("dataset_id")
    }
    return [_summary(each, newest.get(each.pk), each.active) for each in found]


def _summary(dataset: GoldenDataset, latest: GoldenVersion | None, active: int) -> Json:
    return {
        "name": dataset.name,
        "description": dataset.description,
        "cases": active,
        "latest": latest.number if latest else None,
        "digest": digest_text(latest) if latest else None,
        "items": latest.items if latest else 0,
        "created_at": dataset.created_at,
    }


def dataset(found: GoldenDataset) -> Json:
    latest = found.versions.filter(withdrawn_at=None).order_by("-number").first()
    active = found.cases.filter(state=CaseState.ACTIVE).count()
    return {
        **_summary(found, latest, active),
        "threshold": found.threshold,
        "versions": versions(found),
        "draft": draft(found),
    }


def draft(found: GoldenDataset) -> Json | None:
    """What the next version would change; null when nothing."""
    difference = drafts.draft(found)
    if not difference:
        return None
    latest = drafts.latest_version(found)
    return {
        "version": latest.number + 1 if latest else 1,
        "added": len(difference.added),
        "changed": len(difference.changed),
        "removed": len(difference.removed),
    }


def versions(found: GoldenDataset) -> list[Json]:
    return [version(each) for each in found.versions.order_by("-number")]


def version(each: GoldenVersion) -> Json:
    return {
        "version": each.number,
        "state": "withdrawn" if each.withdrawn_at else "published",
        "digest": digest_text(each),
        "items": each.items,
        "parent": each.parent,
        "changelog": each.changelog,
        "created_at": each.created_at,
        "created_by": each.created_by,
        "withdrawn_at": each.withdrawn_at,
        "withdrawn_reason": each.withdrawn_reason or None,
    }


def difference(found: GoldenDataset, before: GoldenVersion, after: GoldenVersion, both: Difference) -> Json:
    return {
        "name": found.name,
        "from": before.number,
        "to": after.number,
        "added": [change.case_id for change in both.added],
        "removed": [change.case_id for change in both.removed],
        "changed": [change.case_id for change in both.changed],
        "revisions": {
            change.case_id: {"from": change.before_number, "to": change.after_number}
            for change in both.changed
        },
    }


def rejections(outcomes: Sequence[Outcome]) -> list[Json]:
    return [
        {"index": each.index, "line": each.line, "field": each.field, "error": each.error}
        for each in outcomes
    ]


def report(found: GoldenDataset, made: Report) -> Json:
    return {
        "name": found.name,
        "accepted": made.accepted,
        "created": made.count("created"),
        "revised": made.count("revised"),
        "unchanged": made.count("unchanged"),
        "rejected": rejections([each for each in made.outcomes if each.status == "rejected"]),
        "cases": [{"line": each.line, "id": each.case_id, "status": each.status} for each in made.outcomes],
        "draft": draft(found),
    }
