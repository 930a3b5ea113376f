"""Brings in traces with labels and verdicts made elsewhere: a bad line is told and spoils no other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from django.db import connection, transaction
from django.utils import timezone

from evaluation.judges.elsewhere import lines
from evaluation.judges.elsewhere.lines import Imported, Verdict
from evaluation.judges.making import versions
from evaluation.judges.models import ImportedPair, JudgeVersion, Judgment, Origin, Progress
from evaluation.judges.trust import kept_figures
from ingest import documents, intake, native
from ingest.documents import Documents, Malformed
from ingest.models import Project, Trace
from ingest.redaction.policies import redactor_of
from ingest.routing.models import Unsettled
from ingest.shapes import Invalid
from reviewapp import bulk
from reviewapp.review import imported
from reviewapp.review.imported import ImportedLabel

CHUNK = 1000


@dataclass(slots=True)
class Report:
    """`errors` by line number, from 1."""

    lines: int = 0
    traces: int = 0
    labels: int = 0
    verdicts: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)


def import_lines(
    project: Project, raw: Iterable[bytes], progress: Callable[[Report], None] = lambda report: None
) -> Report:
    """Store the lines, a chunk in a transaction; the same file again changes nothing."""
    report = Report()
    numbered = enumerate(raw, 1)
    while chunk := list(islice(numbered, CHUNK)):
        read = [line for number, text in chunk if (line := _read(number, text, report))]
        report.lines = chunk[-1][0]
        _store(project, read, report)
        progress(report)
    return report


def _read(number: int, text: bytes, report: Report) -> Imported | None:
    if not text.strip():
        return None
    try:
        return lines.read(documents.parse(text.removeprefix(b"\xef\xbb\xbf")))
    except (Invalid, Malformed) as error:
        report.errors.append((number, str(error) or "is not JSON"))
        return None


def _store(project: Project, read: Sequence[Imported], report: Report) -> None:
    if not read:
        return
    names = {line.trace_id for line in read}
    with transaction.atomic():
        known = set(_traces(project, names))
        taken = native.take_traces(
            Documents([line.body for line in read], bulk=True), time.time_ns(), redactor_of(project)
        )
        intake.store(project, taken.batch())
        traces = _traces(project, names)
        new = [pk for name, pk in traces.items() if name not in known]
        # They were never live traffic: neither draw nor route nor queue waits for them.
        Unsettled.objects.filter(pk__in=new).delete()
        _store_pairs(read, traces)
        report.traces += len(new)
        report.labels += imported.store(
            project,
            [
                ImportedLabel(
                    traces[line.trace_id],
                    label.annotator,
                    label.verdict,
                    label.answers or {},
                    label.note or "",
                )
                for line in read
                for label in line.labels
            ],
        )
        report.verdicts += _store_verdicts(project, read, traces)
        kept_figures.forget(JudgeVersion.objects.filter(judge__project=project))


def _traces(project: Project, names: Iterable[str]) -> dict[str, int]:
    found = Trace.objects.filter(project=project, trace_id__in=list(names))
    return dict(found.values_list("trace_id", "pk"))


def _store_pairs(read: Sequence[Imported], traces: dict[str, int]) -> None:
    """A line without a time keeps the time of its first import."""
    now = timezone.now()
    latest = dict(sorted({traces[line.trace_id]: line for line in read}.items()))
    before = dict(ImportedPair.objects.filter(pk__in=latest).values_list("pk", "occurred_at"))
    told = list(latest.values())
    columns: dict[str, bulk.Column] = {
        "trace_id": ("bigint", list(latest)),
        "pi": ("float8", [line.pi for line in told]),
        "slices": ("jsonb", [json.dumps(line.slices) for line in told]),
        "occurred_at": ("timestamptz", [line.at or before.get(pk, now) for pk, line in latest.items()]),
        "sha256": ("bytea", [line.sha256 for line in told]),
    }
    renewed = ", ".join(f"{name} = excluded.{name}" for name in columns if name != "trace_id")
    with connection.cursor() as cursor:
        bulk.insert(cursor, ImportedPair, columns, conflict=f"ON CONFLICT (trace_id) DO UPDATE SET {renewed}")


def _store_verdicts(project: Project, read: Sequence[Imported], traces: dict[str, int]) -> int:
    """Write verdicts that are new or say something else now; how many."""
    said: dict[tuple[int, int], tuple[Verdict, datetime]] = {}
    made: dict[tuple[str, str, str], JudgeVersion] = {}
    now = timezone.now()
    for line in read:
        for verdict in line.verdicts:
            identity = verdict.judge, verdict.version, verdict.model
            if identity not in made:
                made[identity] = versions.imported(project, *identity)
            said[made[identity].pk, traces[line.trace_id]] = verdict, line.at or now
    known = {
        (version, trace): rest
        for version, trace, *rest in Judgment.objects.filter(
            version__in=[version.pk for version in made.values()], trace__in=set(traces.values()), trial=1
        ).values_list("version_id", "trace_id", "verdict", "score", "confidence", "rationale")
    }
    changed = {
        pair: (verdict, at)
        for pair, (verdict, at) in said.items()
        if known.get(pair) != [verdict.verdict, verdict.score, verdict.confidence, verdict.rationale]
    }
    _write_verdicts(dict(sorted(changed.items(), key=lambda pair: pair[0])))
    return len(changed)


def _write_verdicts(changed: dict[tuple[int, int], tuple[Verdict, datetime]]) -> None:
    said = [verdict for verdict, _ in changed.values()]
    invalid = [verdict.verdict == "invalid" for verdict in said]
    columns: dict[str, bulk.Column] = {
        "version_id": ("bigint", [version for version, _ in changed]),
        "trace_id": ("bigint", [trace for _, trace in changed]),
        "progress": ("text", [Progress.INVALID if each else Progress.DONE for each in invalid]),
        "reason": ("text", ["imported as invalid" if each else "" for each in invalid]),
        "verdict": ("text", [verdict.verdict for verdict in said]),
        "score": ("float8", [verdict.score for verdict in said]),
        "confidence": ("float8", [verdict.confidence for verdict in said]),
        "rationale": ("text", [verdict.rationale for verdict in said]),
        "finished_at": ("timestamptz", [at for _, at in changed.values()]),
    }
    names = ("progress", "reason", "verdict", "score", "confidence", "rationale", "finished_at")
    renewed = ", ".join(f"{name} = excluded.{name}" for name in names)
    with connection.cursor() as cursor:
        bulk.insert(
            cursor,
            Judgment,
            columns,
            constants=bulk.defaults(Judgment(origin=Origin.IMPORT), *columns),
            conflict="ON CONFLICT (version_id, trace_id, criterion, trial) WHERE item_id IS NULL "
            f"DO UPDATE SET {renewed}",
        )
