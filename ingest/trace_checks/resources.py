"""Did the trace take too long, cost too much, or fail?"""

from __future__ import annotations

from ingest.trace_checks.subject import Subject
from ingest.trace_checks.vocabulary import Compiled, Verdict, failed, passed

LONGEST_MESSAGE = 200


def slow(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Of a trace that never ended, what is known of it can only say that it took too long already."""
    took, most = subject.reading.latency_ms, parameters["most_ms"]
    if took is None:
        known = subject.known_ms
        if known <= most:
            return None
        return failed(f"Took {known / 1000:,.2f} s and had not ended; the limit is {most / 1000:,.2f} s.")
    said = f"Took {took / 1000:,.2f} s; the limit is {most / 1000:,.2f} s."
    return failed(said) if took > most else passed(said)


def costly(subject: Subject, parameters: Compiled) -> Verdict | None:
    cost, most = subject.reading.cost_usd, parameters["most_usd"]
    if cost is None:
        return None
    said = f"Cost ${cost:,.5f}; the limit is ${most:,.5f}."
    return failed(said) if cost > most else passed(said)


def error(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Applies once it is known how the trace ended."""
    reading = subject.reading
    if reading.status == "error":
        return failed(f"The trace failed: {reading.error[:LONGEST_MESSAGE] or 'no message was sent'}")
    return passed("The trace ended without an error.") if reading.root_ended else None
