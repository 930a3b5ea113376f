"""How an import enters and is answered: one write for the API, its dry run and Langfuse's addresses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.http import HttpRequest

from ingest import answers, body, documents, importers, intake, limits
from ingest.answers import ImportReport, Rejection
from ingest.importers import multipart
from ingest.importers.langsmith import parts_as_items
from ingest.models import Project
from ingest.problems import Problem
from ingest.records import Stored
from ingest.redaction.policies import redactor_of

MULTIPART = "multipart/form-data"
TRUTHS = {"": False, "0": False, "false": False, "1": True, "true": True}


def format_of(request: HttpRequest) -> str:
    name = request.GET.get("format", "")
    if name not in importers.FORMATS:
        known = ", ".join(importers.FORMATS)
        reason = f"must be one of {known}"
        raise Problem(
            400, f"Say what is sent: ?format= {reason}.", errors=[{"field": "format", "error": reason}]
        )
    return name


def is_dry_run(request: HttpRequest) -> bool:
    said = request.GET.get("dry_run", "").lower()
    if said not in TRUTHS:
        error = {"field": "dry_run", "error": "must be 1 or 0"}
        raise Problem(400, "Some parameters cannot be read.", errors=[error])
    return TRUTHS[said]


def items_of(request: HttpRequest, name: str) -> list[Any]:
    """The items of a request's body. Raises Problem."""
    sent = body.read(request)
    if name == "langsmith" and request.content_type == MULTIPART:
        found = parts_as_items(multipart.parts(sent, request.content_params or {}))
    else:
        read = documents.read(sent, request.content_type, envelope="", most=limits.SPANS)
        found = importers.items_of(read.items, name)
    if not found:
        raise Problem(400, f"The body holds no items of {name}.")
    if len(found) > limits.SPANS:
        raise Problem(413, f"The body holds more than {limits.SPANS} items; send smaller batches.")
    return found


def run(project: Project, name: str, items: Sequence[Any], *, dry_run: bool = False) -> ImportReport:
    """Store what can be taken, or with `dry_run` only find out what would be.

    Raises Problem where nothing can be taken; a dry run tells that, too, as a report.
    """
    imported = importers.take(name, items, time.time_ns(), redactor_of(project))
    if len(imported.taken.spans) > limits.SPANS:
        raise Problem(413, f"The items hold more than {limits.SPANS} spans; send smaller batches.")
    if not imported.accepted and not dry_run:
        refused = sorted(imported.refused.items())
        raise answers.none_taken("None of the items can be imported.", refused)
    stored = _store(project, imported, dry_run)
    named = {trace.trace_id for trace in imported.taken.bodies}
    return ImportReport(
        accepted=len(imported.accepted),
        pending=imported.pending(stored),
        rejected=[Rejection(index, str(invalid)) for index, invalid in sorted(imported.refused.items())],
        dry_run=dry_run,
        traces=len(named | {row.trace_id for row in imported.taken.spans}),
        spans=len(imported.taken.spans),
        scores=len(imported.taken.scores),
        feedback=len(imported.taken.feedback),
    )


def _store(project: Project, imported: importers.Imported, dry_run: bool) -> Stored:
    """A dry run is the real one, rolled back: its report cannot differ."""
    with transaction.atomic():
        stored = intake.store(project, imported.taken.batch())
        if dry_run:
            transaction.set_rollback(True)
    return stored


def status_of(report: ImportReport) -> int:
    if report.rejected:
        return 207
    return 202 if report.pending == report.accepted and not report.traces else 200
