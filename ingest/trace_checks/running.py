"""Runs a project's checks on a trace. Pure: no query, and no check that breaks holds up another."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.models import Trace
from ingest.reading import Reading
from ingest.records import SpanRecord
from ingest.trace_checks.catalogue import CHECKS
from ingest.trace_checks.rows import CheckSetting
from ingest.trace_checks.subject import Subject
from ingest.trace_checks.vocabulary import Check, Compiled, Finding

logger = logging.getLogger(__name__)

LONGEST_EXPLANATION = 1_000


@dataclass(frozen=True, slots=True)
class Ready:
    """A check with its parameters compiled; `set` holds those that differ from its own."""

    check: Check
    parameters: Compiled
    set: Mapping[str, Any] = field(default_factory=dict)


Checks = tuple[Ready, ...]


def load(project_ids: Iterable[int]) -> Mapping[int, Checks]:
    """The enabled checks of each project, ready to run. One query, however many projects."""
    rows: dict[int, dict[str, CheckSetting]] = {project_id: {} for project_id in project_ids}
    for row in CheckSetting.objects.filter(project__in=rows):
        rows[row.project_id][row.name] = row
    return {project_id: _ready(settings) if settings else DEFAULT for project_id, settings in rows.items()}


def _ready(settings: Mapping[str, CheckSetting]) -> Checks:
    return tuple(
        made(check, settings[name].parameters if name in settings else {})
        for name, check in CHECKS.items()
        if name not in settings or settings[name].enabled
    )


def made(check: Check, parameters: Mapping[str, Any]) -> Ready:
    """The check with these parameters; stored ones that can no longer be read leave it with its own."""
    try:
        return Ready(check, check.compiled(parameters), dict(parameters))
    except ValueError:
        logger.warning("The check %s runs with its own parameters.", check.name, exc_info=True)
        return Ready(check, check.compiled({}))


DEFAULT: Checks = tuple(made(check, {}) for check in CHECKS.values())


def run(checks: Checks, trace: Trace, reading: Reading, spans: Sequence[SpanRecord] = ()) -> list[Finding]:
    """What each check says of the trace; nothing from one that does not apply. Never raises.

    `spans` are the trace's stored spans (`readings.load_many`); without them the checks of asked-for
    schemas and of tool results see less.
    """
    subject = Subject(reading, spans)
    findings = []
    for ready in checks:
        found = _run_one(ready, subject, trace)
        if found is not None:
            findings.append(found)
    return findings


def _run_one(ready: Ready, subject: Subject, trace: Trace) -> Finding | None:
    try:
        verdict = ready.check.judge(subject, ready.parameters)
    except Exception as error:
        logger.exception("The check %s broke on trace %s.", ready.check.name, trace.trace_id)
        return Finding(ready.check.name, None, "The check itself broke.", type(error).__name__)
    if verdict is None:
        return None
    explanation = verdict.explanation[:LONGEST_EXPLANATION]
    return Finding(ready.check.name, verdict.passed, explanation, "", ready.set or None)
