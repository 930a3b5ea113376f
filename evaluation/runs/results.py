"""What is one result of a run? A trial of a case, as an upload or a tool's own file tells it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ingest import sanitising

MOST_TRIALS = 1000
OUTPUT_CHARACTERS = 64 * 1024
REASON_CHARACTERS = 4_000


@dataclass(slots=True)
class Result:
    """One trial of one case. Without a status it is the server's to score; `trial` None is the next one."""

    case_id: str
    status: str | None = None
    score: float | None = None
    trial: int | None = None
    output: str | None = None
    latency_ms: float | None = None
    cost_usd: float | None = None
    reason: str = ""
    # For files that do not name cases: what may tell which one it is.
    clue: str = ""


def as_text(value: Any) -> str:
    """An output that is no text, as JSON."""
    return json.dumps(value, ensure_ascii=False)


def text(value: str | None, most: int = OUTPUT_CHARACTERS) -> str | None:
    return None if value is None else sanitising.text(value, set(), most)
