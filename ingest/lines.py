"""Reads a file of native JSON lines (traces, scores, feedback), and remembers how far it has come.

Lines are stored in groups, each committed whole. A position is written after its group, so a run that was
killed repeats at most the group it was in, which changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from ingest import documents, intake, limits, native
from ingest.documents import Malformed
from ingest.models import Project
from ingest.native import Take, Taken
from ingest.redaction.policies import redactor_of
from ingest.shapes import Invalid

GROUP_LINES = 500
MOST_TOLD = 1_000
GROUP_BYTES = 4 * limits.MIB


@dataclass(slots=True)
class Progress:
    """What has been done, in lines; `offset` counts the file's bytes, of which `seen` is the digest.

    What was accepted is counted for one run; what was refused, for the file: nobody may have read it yet.
    """

    offset: int = 0
    line: int = 0
    accepted: int = 0
    pending: int = 0
    refusals: int = 0
    # The first of each, by line.
    refused: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)
    seen: Any = field(default_factory=hashlib.sha256)


@dataclass(slots=True)
class Bookmark:
    """How far a file has been taken into a project."""

    path: Path

    @classmethod
    def of(cls, directory: Path, project: Project, file: Path) -> Bookmark:
        name = hashlib.sha256(f"{project.pk}\0{file.resolve()}".encode()).hexdigest()[:32]
        return cls(directory / "ingest" / f"{name}.json")

    def find(self, stream: IO[bytes]) -> Progress:
        """Where to go on; the beginning for a file in which anything of what was taken has changed since."""
        try:
            kept = json.loads(self.path.read_text())
            begun = Progress(
                offset=int(kept["offset"]),
                line=int(kept["line"]),
                refusals=int(kept["refusals"]),
                refused=[(int(line), str(reason)) for line, reason in kept["refused"]],
            )
            begun.seen = digest_of(stream, begun.offset)
            same = kept["sha256"] == begun.seen.hexdigest()
        except (OSError, ValueError, KeyError, TypeError):
            return Progress()
        return begun if same else Progress()

    def keep(self, progress: Progress) -> None:
        """Replaced whole, so that a kill leaves the old one or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        marked = {
            "offset": progress.offset,
            "line": progress.line,
            "refusals": progress.refusals,
            "refused": progress.refused,
            "sha256": progress.seen.hexdigest(),
        }
        fresh = self.path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(marked))
        fresh.replace(self.path)


def digest_of(stream: IO[bytes], offset: int) -> Any:
    """Of all that was already taken. That the file has grown since does not make it another."""
    digest = hashlib.sha256()
    stream.seek(0)
    while offset > 0 and (part := stream.read(min(offset, limits.MIB))):
        digest.update(part)
        offset -= len(part)
    return digest


def ingest(project: Project, stream: IO[bytes], begun: Progress) -> Iterator[Progress]:
    """Take the rest of the stream in; yields after each committed group what has been done since `begun`."""
    progress = begun
    for lines in _groups(stream):
        taken = _take(project, lines, progress.line)
        stored = intake.store(project, taken.batch())
        progress.offset += sum(map(len, lines))
        progress.seen.update(b"".join(lines))
        progress.line += len(lines)
        progress.accepted += len(taken.ids)
        progress.pending += len(stored.pending_scores) + len(stored.pending_feedback)
        progress.refusals += len(taken.refused)
        progress.refused += [(line, str(invalid)) for line, invalid in taken.refused][
            : _room(progress.refused)
        ]
        progress.warnings += taken.warnings[: _room(progress.warnings)]
        yield progress


def _room(told: list[tuple[int, str]]) -> int:
    return max(MOST_TOLD - len(told), 0)


def _groups(stream: IO[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for line in stream:
        group.append(line)
        size += len(line)
        if len(group) >= GROUP_LINES or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _take(project: Project, lines: list[bytes], before: int) -> Taken:
    taken, redactor = Taken(), redactor_of(project)
    received_ns = time.time_ns()
    for number, line in enumerate(lines, before + 1):
        if not line.strip():
            continue
        taken.at = number
        try:
            item = _document(line)
            native.take_one(taken, item, _taker(item, received_ns), redactor)
        except Invalid as invalid:
            taken.refused.append((number, invalid))
    return taken


def _document(line: bytes) -> Any:
    try:
        return documents.parse(line.removeprefix(b"\xef\xbb\xbf").strip())
    except Malformed as error:
        return error


def _taker(item: Any, received_ns: int) -> Take:
    """What a line is: feedback has a kind, a score a target, and a trace neither."""
    if isinstance(item, dict) and "target" in item:
        return native.take_statement if "kind" in item else native.take_score
    return partial(native.take_trace, received_ns=received_ns)
