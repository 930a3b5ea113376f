"""What is in the panel of the drift test? One of four verdicts in words, its figures, its traces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from evaluation.judges.models import JudgeVersion
from evaluation.judges.stability import drift
from evaluation.judges.stability.drift import Drift
from evaluation.judges.stability.rounds import Compared, Round
from evaluation.statistics.change import Mover
from ingest.json_objects import Json
from ingest.models import Trace

VERDICTS = {
    Mover.JUDGE: "The judge moved, the system did not.",
    Mover.SYSTEM: "The system moved, the judge did not.",
    Mover.BOTH: "Both moved, the judge and the system.",
    Mover.NEITHER: "Neither moved, not the judge and not the system.",
}
DID = {True: "moved", False: "did not move"}
BRIEF, MOST_TURNED, MOST_ROUNDS = 100, 40, 8


@dataclass(frozen=True, slots=True)
class Turned:
    """An anchor that the judge answers otherwise now."""

    trace_id: str
    text: str
    is_lost: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """`before` and `since` are queries that lead to the traces behind the system's figures; `turned` are the
    first of so many anchors."""

    drift: Drift
    verdict: str
    is_doubt: bool
    turned: tuple[Turned, ...]
    turned_count: int
    rounds: tuple[tuple[int, Round], ...]  # the newest ones, numbered from the first of all
    before: str = ""
    since: str = ""


def tell(version: JudgeVersion, kept: Json | None, sampling: str) -> Panel:
    found = drift.tell(version, kept)
    numbered = list(enumerate(found.judge.rounds, 1))
    span = found.judge.span
    return Panel(
        found,
        words(found),
        found.mover in (Mover.JUDGE, Mover.SYSTEM, Mover.BOTH) or bool(span and found.judge.has_moved),
        _turned(found.judge),
        len(found.judge.lost) + len(found.judge.won),
        tuple(numbered[-MOST_ROUNDS:]),
        _query(*span.before, sampling) if span else "",
        _query(*span.since, sampling) if span else "",
    )


def words(found: Drift) -> str:
    """The verdict; where one side cannot be told, what is known of the other, never that neither moved."""
    if found.judge.span is None:
        return ""
    if found.mover is not Mover.TOO_FEW:
        return VERDICTS[found.mover]
    judge, system = found.judge.has_moved, found.system.has_moved if found.system else None
    if judge is not None:
        why = "too few labels to say whether the system did" if found.system else "labels are being counted"
        return f"The judge {DID[judge]}; {why}."
    if system is not None:
        return f"The system {DID[system]}; too few anchors to say whether the judge did."
    return "Too few anchors and labels to say what moved."


def _turned(judge: Compared) -> tuple[Turned, ...]:
    lost = set(judge.lost)
    chosen = [*judge.lost, *judge.won][:MOST_TURNED]
    traces = Trace.objects.only("trace_id", "input").in_bulk(chosen)
    return tuple(_told(traces[pk], is_lost=pk in lost) for pk in chosen)


def _told(trace: Trace, *, is_lost: bool) -> Turned:
    return Turned(trace.trace_id, " ".join(trace.input.split())[:BRIEF] or trace.trace_id, is_lost)


def _query(start: datetime, end: datetime, sampling: str) -> str:
    drawn = {"drawn": "true"} if sampling == "audit" else {}
    return urlencode({"from": _moment(start), "to": _moment(end), **drawn})


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
