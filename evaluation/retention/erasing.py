"""What happens when a person asks for erasure of their data: what is deleted, and what is kept?

Traces that nobody worked on go whole. Of the others the texts go: verdicts, scores and times stay, so that
no figure changes. A golden version that holds a case of theirs is withdrawn, never altered; the case is
retired, so that the next version goes without it.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from evaluation.judges.models import Anchor, Disagreement, Judgment, TryOut
from evaluation.retention import golden_cases as golden
from evaluation.retention import ledger, pruning
from evaluation.retention.models import Erasure, Subject
from ingest import blanking, readings
from ingest.models import Feedback, Project, Trace
from reviewapp.review import holding, items
from reviewapp.review.models import ItemState, ReviewItem

COLUMNS = {Subject.USER: "user_id", Subject.SESSION: "session_id", Subject.TRACE: "trace_id"}


class NobodyFound(Exception):
    """Nothing is kept under this id."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows of what."""

    deleted: int = 0
    blanked: int = 0
    feedback: int = 0
    snapshots: int = 0
    drafts: int = 0
    notes: int = 0
    cases: int = 0
    withdrawn: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        told = (
            f"{self.deleted} traces deleted, {self.blanked} kept without their texts; blanked: "
            f"{self.snapshots} snapshots, {self.drafts} drafts, {self.notes} notes and corrections, "
            f"{self.feedback} feedback entries, {self.cases} golden cases"
        )
        return f"{told}. Withdrawn: {', '.join(self.withdrawn) or 'no golden version'}."


def digest(project: Project, value: str) -> bytes:
    return hmac.new(bytes(project.secret), value.encode(), hashlib.sha256).digest()


def read_all(project: Project) -> None:
    """Whose a trace is stands in its spans until it has been read."""
    stale = Trace.objects.filter(project=project, stale_since__isnull=False).order_by("pk")
    while traces := list(stale[: readings.CHUNK]):
        readings.refresh_rows(traces)


def found(project: Project, kind: Subject, value: str, until: datetime | None = None) -> QuerySet[Trace]:
    mine = Trace.objects.filter(**{COLUMNS[kind]: value}, project=project)
    return mine.filter(first_seen__lte=until) if until else mine


def feedback_of(project: Project, kind: Subject, value: str, until: datetime | None) -> QuerySet[Feedback]:
    """What they said of anyone's traces."""
    said = {Subject.USER: Q(user=value), Subject.SESSION: Q(session=value)}
    if kind not in said:
        return Feedback.objects.none()
    mine = Feedback.objects.filter(said[kind], project=project)
    return mine.filter(received_at__lte=until) if until else mine


def preview(project: Project, kind: Subject, value: str) -> Erased:
    """What would happen now; changes nothing."""
    read_all(project)
    traces = list(found(project, kind, value).values_list("pk", flat=True))
    kept = pruning.held(traces)
    cases = golden.cases_of(project, traces)
    return Erased(
        deleted=len(traces) - len(kept),
        blanked=len(kept),
        feedback=feedback_of(project, kind, value, None).count(),
        snapshots=len(pruning.snapshots_of(traces)),
        drafts=holding.drafts_of(traces).count(),
        cases=len(cases),
        withdrawn=golden.names(golden.standing_versions(cases)),
    )


def erase(project: Project, kind: Subject, value: str, *, by: str, reason: str = "") -> Erasure:
    """In one transaction, with its record. Raises NobodyFound."""
    read_all(project)
    if not value or not (
        found(project, kind, value).exists() or feedback_of(project, kind, value, None).exists()
    ):
        raise NobodyFound(f"Nothing is kept of the {kind} {value} in {project.slug}.")
    record = Erasure(
        project=project,
        public_id=uuid.uuid4(),
        kind=kind,
        digest=digest(project, value),
        reason=reason.replace("\0", "\ufffd")[:1000],
        requested_by=by,
        erased_at=timezone.now(),
    )
    # Written down before it happens: at worst something is erased twice.
    ledger.append(record)
    return carry_out(record, [value])


@transaction.atomic
def carry_out(record: Erasure, values: Sequence[str]) -> Erasure:
    """Also of a record that was made elsewhere, on what came before it."""
    total = [_erase(record, value) for value in values]
    merged = {
        name: [text for each in total for text in getattr(each, name)]
        if name == "withdrawn"
        else sum(getattr(each, name) for each in total)
        for name in asdict(Erased())
    }
    record.counts = merged
    record.save(force_insert=True)
    return record


def _erase(record: Erasure, value: str) -> Erased:
    project, kind = record.project, Subject(record.kind)
    traces = list(
        found(project, kind, value, record.erased_at).select_for_update().values_list("pk", flat=True)
    )
    kept = sorted(pruning.held(traces))
    shown = pruning.snapshots_of(traces)
    drafts = holding.drafts_of(traces).delete()[0]
    said = blanking.feedback(feedback_of(project, kind, value, record.erased_at))
    gone = golden.erase(project, kept, f"personal data was erased ({record})", record.requested_by)
    notes = holding.blank_words(kept)
    _close(kept, record.requested_by)
    # There is nothing left to judge; what was judged before stays.
    Judgment.objects.filter(trace__in=kept).open().delete()
    Judgment.objects.filter(trace__in=kept).update(rationale="", votes=[])
    TryOut.objects.filter(trace__in=kept).delete()
    Disagreement.objects.filter(trace__in=kept).update(note="")
    Anchor.objects.filter(trace__in=kept).delete()
    blanking.traces(kept)
    pruning.delete(sorted(set(traces) - set(kept)))
    holding.blank(shown)
    return Erased(
        deleted=len(traces) - len(kept),
        blanked=len(kept),
        feedback=said,
        snapshots=len(shown),
        drafts=drafts,
        notes=notes,
        cases=gone.cases,
        withdrawn=gone.versions,
    )


def _close(traces: list[int], by: str) -> None:
    """What is still asked of people about these traces is asked no more: there is nothing left to see."""
    open_states = (ItemState.OPEN, ItemState.ADJUDICATION)
    for item in ReviewItem.objects.filter(pk__in=holding.items_of(traces), state__in=open_states):
        items.remove(item, by[:150])
