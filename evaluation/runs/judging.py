"""May a judge's verdict on a case be believed? Only with a valid certificate; without one, the gate waits.

Asked through one function, so that nothing here knows how judges work.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pydoc import locate

from ingest.models import Project

# `certified(project) -> frozenset of judge names with a valid certificate`, where judges are built.
SOURCE = "evaluation.judges.certificates.trusted_names"


@cache
def _source() -> Callable[[Project], frozenset[str]] | None:
    try:
        found = locate(SOURCE)
    except Exception:
        return None
    return found if callable(found) else None


def certified(project: Project) -> bool:
    """Whether the project has a judge whose certificate is valid now. Without an answer: no."""
    source = _source()
    return bool(source and source(project))
