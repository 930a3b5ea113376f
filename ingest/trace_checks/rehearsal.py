"""What would a check say with other parameters? Tried on the newest settled traces; nothing is written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingest import readings
from ingest.models import Project, Trace
from ingest.trace_checks.rows import CheckSetting
from ingest.trace_checks.running import Ready, made, run
from ingest.trace_checks.vocabulary import Check

MOST_TRACES = 500
CHUNK = 100
SECONDS = 5.0
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Turned:
    """A trace of which the two sets of parameters say different things, with the reason of the failure."""

    trace: Trace
    explanation: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Of `read` traces so many fail; `newly` and `no_longer` are failing ones, the newest first."""

    read: int
    before: int
    after: int
    newly: Sequence[Turned]
    no_longer: Sequence[Turned]
    new: int
    gone: int
    in_time: bool


def rehearse(project: Project, check: Check, parameters: Mapping[str, Any]) -> Rehearsal:
    """Compare the parameters in force with these (already checked) on the newest settled traces."""
    setting = CheckSetting.objects.filter(project=project, name=check.name).first()
    now, then = made(check, setting.parameters if setting else {}), made(check, parameters)
    end = time.monotonic() + SECONDS
    read = before = after = 0
    newly: list[Turned] = []
    no_longer: list[Turned] = []
    in_time = True
    for trace, said, would_say in _both(project, now, then):
        read += 1
        before += said is not None
        after += would_say is not None
        if would_say is not None and said is None:
            newly.append(Turned(trace, would_say))
        elif said is not None and would_say is None:
            no_longer.append(Turned(trace, said))
        if time.monotonic() > end:
            in_time = False
            break
    shown = newly[:SHOWN], no_longer[:SHOWN]
    return Rehearsal(read, before, after, *shown, len(newly), len(no_longer), in_time)


def _both(project: Project, now: Ready, then: Ready) -> Iterator[tuple[Trace, str | None, str | None]]:
    """Each trace with the explanation of its failure now and then; None where it does not fail."""
    settled = Trace.objects.filter(project=project, draw__isnull=False).order_by("-started_at", "-id")
    for start in range(0, MOST_TRACES, CHUNK):
        traces = list(settled[start : start + CHUNK])
        rows = readings.load_many(traces)
        for trace in traces:
            reading = readings.read_trace(trace, rows[trace.pk])
            found = [run((ready,), trace, reading, rows[trace.pk].spans) for ready in (now, then)]
            said = [next((each.explanation for each in some if each.passed is False), None) for some in found]
            yield trace, said[0], said[1]
        if len(traces) < CHUNK:
            return
