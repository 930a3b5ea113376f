"""Which erasures does a restored database not know of? They are repeated, on data from before them."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterable

from django.db import ProgrammingError

from evaluation.retention import erasing, ledger
from evaluation.retention.ledger import Line
from evaluation.retention.models import Erasure, Subject
from ingest.models import Feedback, Project, Trace


def known() -> list[Line]:
    """The records of the database as it is; none where it is empty or older than they are."""
    try:
        return [ledger.of(each) for each in Erasure.objects.select_related("project")]
    except ProgrammingError:
        return []


def replay(lines: Iterable[Line]) -> list[Erasure]:
    """Those that the database has no record of, the oldest first; a project that is gone has nothing left."""
    told = {line.id: line for line in lines}
    there = {str(pk) for pk in Erasure.objects.values_list("public_id", flat=True)}
    missing = sorted((line for line in told.values() if line.id not in there), key=lambda line: line.moment)
    projects = {each.slug: each for each in Project.objects.all()}
    return [_again(projects[line.project], line) for line in missing if line.project in projects]


def _again(project: Project, line: Line) -> Erasure:
    record = Erasure(
        project=project,
        public_id=uuid.UUID(line.id),
        kind=line.kind,
        digest=bytes.fromhex(line.digest),
        reason=line.reason,
        requested_by=line.by,
        erased_at=line.moment,
    )
    return erasing.carry_out(record, _values(record))


def _values(record: Erasure) -> list[str]:
    """Whoever of the database has the digest."""
    kind = Subject(record.kind)
    erasing.read_all(record.project)
    rows = Trace.objects.filter(project=record.project)
    found = set(rows.values_list(erasing.COLUMNS[kind], flat=True).distinct())
    if kind is not Subject.TRACE:
        said = Feedback.objects.filter(project=record.project)
        found |= set(said.values_list(kind.value, flat=True).distinct())
    wanted = bytes(record.digest)
    return [
        each for each in found if each and hmac.compare_digest(erasing.digest(record.project, each), wanted)
    ]
