"""Which cases has a dataset, and how do they change? One function writes them, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from evaluation.golden.content import lines
from evaluation.golden.content.lines import BadCase, Case
from evaluation.golden.models import CaseRevision, CaseState, GoldenCase, GoldenDataset
from ingest.models import Project, Trace

BATCH = 1000
# The title of a case whose text had to go.
ERASED = "(erased)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sent case: created, revised, renamed, unchanged or rejected."""

    index: int
    case_id: str
    status: str
    error: str = ""
    field: str = ""
    line: int = 0


@dataclass(slots=True)
class Report:
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def rejected(self) -> bool:
        return self.count("rejected") > 0

    @property
    def refused(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "rejected"]

    def count(self, status: str) -> int:
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def accepted(self) -> int:
        return len(self.outcomes) - self.count("rejected")


class Meanwhile(Exception):
    """The case has another revision than the one that was to be replaced."""


@dataclass(frozen=True, slots=True)
class Entering:
    """A case on its way in, with what a line does not hold."""

    case: Case
    # Without it a revision keeps that of the one before.
    provenance: dict[str, Any] = field(default_factory=dict)
    # Empty: the question. None: what somebody wrote stays, and what was the question follows it.
    title: str | None = None
    trace: Trace | None = None
    # The revision it replaces, 0 for a case that must be new; None replaces whichever there is.
    over: int | None = None


@dataclass(slots=True)
class _Known:
    pk: int
    revision: int
    state: str
    sha256: bytes
    title: str
    last: int


def find_dataset(project: Project, name: str) -> GoldenDataset | None:
    return GoldenDataset.objects.filter(project=project, name=name).first()


def open_dataset(project: Project, name: str, by: str) -> GoldenDataset:
    """The dataset of this name, made if need be; two at once make one."""
    GoldenDataset.objects.bulk_create(
        [GoldenDataset(project=project, name=name, created_by=by)], ignore_conflicts=True
    )
    return GoldenDataset.objects.get(project=project, name=name)


@dataclass(frozen=True, slots=True)
class Checked:
    """Posted values, read: those that can be taken with their index, and what is wrong with the others."""

    good: list[tuple[int, Entering]]
    bad: list[Outcome]
    # The line on which each value stands, where there are lines.
    lines: Sequence[int] = ()

    def line(self, index: int) -> int:
        return self.lines[index] if index < len(self.lines) else index + 1


def check_values(values: Sequence[object], lines_of: Sequence[int] = ()) -> Checked:
    """Each for itself: what is wrong with one keeps no other out."""
    checked = Checked([], [], lines_of)
    for index, value in enumerate(values):
        try:
            if isinstance(value, Exception):
                raise BadCase("", str(value))
            checked.good.append((index, Entering(lines.read(value))))
        except BadCase as refusal:
            case_id = str(value.get("id") or "") if isinstance(value, dict) else ""
            refused = Outcome(index, case_id, "rejected", refusal.reason, refusal.field, checked.line(index))
            checked.bad.append(refused)
    return checked


def put_checked(dataset: GoldenDataset, checked: Checked, by: str) -> Report:
    outcomes = sorted(put(dataset, checked.good, by) + checked.bad, key=lambda outcome: outcome.index)
    return Report([replace(outcome, line=checked.line(outcome.index)) for outcome in outcomes])


def put(dataset: GoldenDataset, entering: Iterable[tuple[int, Entering]], by: str) -> list[Outcome]:
    """Write cases in one transaction. The dataset's row is locked, so that publishing sees all or nothing.

    Raises Meanwhile, and writes nothing, where a case is not at the revision that `over` names.
    """
    with transaction.atomic():
        return _put(lock(dataset), list(entering), by)


def lock(dataset: GoldenDataset) -> GoldenDataset:
    """Until the transaction ends nobody else writes a case of it, or publishes."""
    return GoldenDataset.objects.select_for_update().get(pk=dataset.pk)


def _put(dataset: GoldenDataset, entering: list[tuple[int, Entering]], by: str) -> list[Outcome]:
    known = _known(dataset, [each.case.case_id for _, each in entering if each.case.case_id])
    outcomes: list[Outcome] = []
    fresh: list[tuple[GoldenCase, Entering]] = []
    revised: list[tuple[_Known, Entering]] = []
    seen: set[str] = set()
    for index, each in entering:
        case_id = each.case.case_id
        if case_id in seen:
            outcomes.append(Outcome(index, case_id, "rejected", "this id was sent twice", "id"))
            continue
        before = known.get(case_id) if case_id else None
        if before is None:
            each = each if case_id else _named(dataset, each, seen)
            case_id = each.case.case_id
            fresh.append((_fresh(dataset, each, by), each))
            outcomes.append(Outcome(index, case_id, "created"))
        elif before.sha256 == each.case.content_sha256() and before.state != CaseState.RETIRED:
            outcomes.append(Outcome(index, case_id, "renamed" if _rename(before, each) else "unchanged"))
        elif each.over not in (None, before.revision):
            raise Meanwhile(case_id)
        else:
            revised.append((before, each))
            outcomes.append(Outcome(index, case_id, "revised"))
        seen.add(case_id)
    _insert(fresh, by)
    _revise(revised, by)
    dataset.save(update_fields=["next_case"])
    return outcomes


def _rename(before: _Known, each: Entering) -> bool:
    """A title is no part of what is published: another one alone makes no revision."""
    title = before.title if each.title is None else each.title or lines.title_of(each.case)
    if title == before.title:
        return False
    GoldenCase.objects.filter(pk=before.pk).update(title=title)
    return True


def _named(dataset: GoldenDataset, each: Entering, seen: set[str]) -> Entering:
    """With the next free id of the dataset."""
    while True:
        case_id = f"case-{dataset.next_case:04d}"
        dataset.next_case += 1
        taken = case_id in seen or GoldenCase.objects.filter(dataset=dataset, case_id=case_id).exists()
        if not taken:
            return replace(each, case=replace(each.case, case_id=case_id))


def _known(dataset: GoldenDataset, case_ids: list[str]) -> dict[str, _Known]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.case_id, c.id, c.revision, c.state, r.content_sha256, c.title,"
            " (SELECT max(l.number) FROM evaluation_caserevision l WHERE l.case_id = c.id)"
            " FROM evaluation_goldencase c"
            " JOIN evaluation_caserevision r ON r.case_id = c.id AND r.number = c.revision"
            " WHERE c.dataset_id = %s AND c.case_id = ANY(%s)",
            [dataset.pk, case_ids],
        )
        return {
            case_id: _Known(pk, revision, state, bytes(sha256), title, last)
            for case_id, pk, revision, state, sha256, title, last in cursor.fetchall()
        }


def _fresh(dataset: GoldenDataset, each: Entering, by: str) -> GoldenCase:
    return GoldenCase(
        dataset=dataset,
        case_id=each.case.case_id,
        title=each.title or lines.title_of(each.case),
        trace=each.trace,
        created_by=by,
    )


def _insert(fresh: list[tuple[GoldenCase, Entering]], by: str) -> None:
    GoldenCase.objects.bulk_create([case for case, _ in fresh], batch_size=BATCH)
    CaseRevision.objects.bulk_create(
        [_revision(case.pk, 1, each, by) for case, each in fresh], batch_size=BATCH
    )


def _revise(revised: list[tuple[_Known, Entering]], by: str) -> None:
    revised = _kept(revised)
    CaseRevision.objects.bulk_create(
        [_revision(before.pk, before.last + 1, each, by) for before, each in revised], batch_size=BATCH
    )
    changed = [
        GoldenCase(
            pk=before.pk,
            revision=before.last + 1,
            state=CaseState.ACTIVE if before.state == CaseState.RETIRED else before.state,
            title=each.title or lines.title_of(each.case),
        )
        for before, each in revised
    ]
    GoldenCase.objects.bulk_update(changed, ["revision", "state", "title"], batch_size=BATCH)


def _kept(revised: list[tuple[_Known, Entering]]) -> list[tuple[_Known, Entering]]:
    """With the title and provenance of the revision before, where the new one says nothing of them."""
    rows = CaseRevision.objects.filter(
        case__in=[before.pk for before, _ in revised], number=F("case__revision")
    ).values_list("case_id", "line", "provenance")
    old = {pk: (_written(line), provenance) for pk, line, provenance in rows.iterator(chunk_size=BATCH)}
    kept = []
    for before, each in revised:
        made, provenance = old[before.pk]
        title = "" if before.title == made else before.title
        kept.append((before, replace(
            each,
            title=title if each.title is None else each.title,
            provenance=each.provenance or provenance,
        )))  # fmt: skip
    return kept


def _written(line: str | None) -> str:
    """The title that a case gets by itself; that of an erased one stays with nothing."""
    return lines.title_of(lines.from_line(line)) if line else ERASED


def _revision(case_pk: int, number: int, each: Entering, by: str) -> CaseRevision:
    case = each.case
    return CaseRevision(
        case_id=case_pk,
        number=number,
        line=case.line(number),
        content_sha256=case.content_sha256(),
        tags=case.tags,
        split=case.split,
        critical=case.critical,
        source=str(case.metadata["source"]),
        kinds=list(case.kinds),
        provenance=each.provenance,
        created_by=by,
    )


def set_state(dataset: GoldenDataset, case_ids: Sequence[str], state: CaseState, reason: str) -> int:
    """Retire, quarantine or bring back cases; the next version follows."""
    with transaction.atomic():
        lock(dataset)
        return (
            GoldenCase.objects.filter(dataset=dataset, case_id__in=case_ids)
            .exclude(state=state)
            .update(state=state, state_reason=reason[:1000], state_changed_at=Now())
        )
