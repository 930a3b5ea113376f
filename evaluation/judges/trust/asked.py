"""For which version, period and slice does an address ask for figures? Page and API read it alike."""

from __future__ import annotations

from typing import Any

from evaluation.judges.against_people import statements
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.making import versions
from evaluation.judges.models import Judge, JudgeVersion
from evaluation.judges.trust import calibration
from ingest.problems import Problem


def scope_of(judge: Judge, asked: Any) -> Scope | None:
    """What `version`, `criterion`, `window` and `slice` choose; None for a judge without versions.

    Raises Problem: 404 for a version or criterion that the judge does not have, 400 for what cannot be read.
    """
    version = version_of(judge, asked.get("version", ""))
    criterion = asked.get("criterion", "")
    if version and criterion and criterion != version.criterion:
        raise Problem(404, f"This version judges the criterion {version.criterion}.")
    try:
        since = calibration.since(asked.get("window", ""))
    except calibration.UnknownWindow as error:
        raise _unreadable("window", error) from None
    try:
        within = statements.parse_slice(asked.get("slice", ""))
    except statements.UnknownSlice as error:
        raise _unreadable("slice", error) from None
    return Scope(version, since, within) if version else None


def version_of(judge: Judge, asked: str) -> JudgeVersion | None:
    version = None if "\0" in asked else versions.choose(judge, asked)
    if version is None and asked:
        raise Problem(404, "This judge has no such version.")
    return version


def _unreadable(field: str, error: ValueError) -> Problem:
    return Problem(400, f"{field}: {error}.", errors=[{"field": field, "error": str(error)}])
