"""Erasures recorded outside the database, so that they outlive it: lines of DATA_DIR/erasures.jsonl.

A backup from before an erasure holds what was erased since. Restore reads this file and what the database
held until then, and carries out again whatever the backup does not know of.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from evaluation.retention.models import Erasure

NAME = "erasures.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    id: str
    project: str
    kind: str
    digest: str
    reason: str
    by: str
    at: str

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)


def of(record: Erasure) -> Line:
    return Line(
        id=str(record.public_id),
        project=record.project.slug,
        kind=record.kind,
        digest=bytes(record.digest).hex(),
        reason=record.reason,
        by=record.requested_by,
        at=record.erased_at.isoformat(),
    )


def place() -> Path:
    return Path(settings.DATA_DIR) / NAME


def append(record: Erasure) -> None:
    """On the disk before it returns."""
    place().parent.mkdir(parents=True, exist_ok=True)
    with place().open("a", encoding="utf-8") as opened:
        opened.write(json.dumps(asdict(of(record)), ensure_ascii=False) + "\n")
        opened.flush()
        os.fsync(opened.fileno())


def read(file: Path | None = None) -> list[Line]:
    """Lines that broke off are passed over: what they stood for had not begun."""
    file = file or place()
    if not file.is_file():
        return []
    return list(_parsed(file.read_text(encoding="utf-8", errors="replace").splitlines()))


def _parsed(lines: Iterable[str]) -> Iterable[Line]:
    for line in lines:
        try:
            found = Line(**json.loads(line))
            bytes.fromhex(found.digest)
            found.moment.utcoffset()
        except (ValueError, TypeError, AttributeError):
            continue
        yield found
