"""What would the next version change? The draft against the latest version, and any two versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from evaluation.golden.models import CaseRevision, CaseState, GoldenDataset, GoldenVersion

# An active case's current revision on one side, a version's entries on the other.
_DRAFT = (
    "SELECT c.id AS case_pk, r.id AS revision_pk FROM evaluation_goldencase c"
    " JOIN evaluation_caserevision r ON r.case_id = c.id AND r.number = c.revision"
    " WHERE c.dataset_id = %(dataset)s AND c.state = 'active'"
)
_VERSION = (
    "SELECT case_id AS case_pk, revision_id AS revision_pk FROM evaluation_versionentry WHERE version_id = "
)


@dataclass(frozen=True, slots=True)
class Change:
    """One case that differs: `kind` is added, changed or removed; the revisions' rows on both sides."""

    kind: str
    case_id: str
    title: str
    before: int | None
    after: int | None
    before_number: int | None
    after_number: int | None


@dataclass(frozen=True, slots=True)
class Difference:
    changes: tuple[Change, ...]

    def of(self, kind: str) -> list[Change]:
        return [change for change in self.changes if change.kind == kind]

    @property
    def added(self) -> list[Change]:
        return self.of("added")

    @property
    def changed(self) -> list[Change]:
        return self.of("changed")

    @property
    def removed(self) -> list[Change]:
        return self.of("removed")

    def __bool__(self) -> bool:
        return bool(self.changes)


def latest_version(dataset: GoldenDataset) -> GoldenVersion | None:
    """The newest published version, withdrawn or not: what a draft is compared with."""
    return dataset.versions.order_by("-number").first()


def draft(dataset: GoldenDataset) -> Difference:
    """The draft against the newest version; a withdrawn one's cases may be erased, its entries are there."""
    latest = latest_version(dataset)
    before = f"{_VERSION} %(before)s"
    return _compare(before, _DRAFT, {"dataset": dataset.pk, "before": latest.pk if latest else 0})


def revisions(dataset: GoldenDataset) -> QuerySet[CaseRevision]:
    """The current revisions of the active cases: what the next version would hold."""
    return CaseRevision.objects.filter(
        case__dataset=dataset, case__state=CaseState.ACTIVE, number=F("case__revision")
    )


def has_draft(dataset: GoldenDataset) -> bool:
    return bool(draft(dataset))


def between(before: GoldenVersion, after: GoldenVersion) -> Difference:
    parameters = {"before": before.pk, "after": after.pk}
    return _compare(f"{_VERSION} %(before)s", f"{_VERSION} %(after)s", parameters)


def _compare(before: str, after: str, parameters: dict[str, Any]) -> Difference:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN b.case_pk IS NULL THEN 'added' WHEN a.case_pk IS NULL THEN 'removed'"
            " ELSE 'changed' END, c.case_id, c.title, b.revision_pk, a.revision_pk, br.number, ar.number"
            f" FROM ({before}) b FULL JOIN ({after}) a ON a.case_pk = b.case_pk"
            " JOIN evaluation_goldencase c ON c.id = coalesce(a.case_pk, b.case_pk)"
            " LEFT JOIN evaluation_caserevision br ON br.id = b.revision_pk"
            " LEFT JOIN evaluation_caserevision ar ON ar.id = a.revision_pk"
            " WHERE a.revision_pk IS DISTINCT FROM b.revision_pk ORDER BY 1, c.case_id",
            parameters,
        )
        return Difference(tuple(Change(*row) for row in cursor.fetchall()))
