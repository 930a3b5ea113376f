"""Is there an answer at all, and all of it?"""

from __future__ import annotations

from ingest.trace_checks.subject import Subject
from ingest.trace_checks.vocabulary import Compiled, Verdict, failed, passed


def empty(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Applies where a model was called or an answer posted, unless the trace failed anyway."""
    reading = subject.reading
    if reading.status == "error" or not (subject.generations or "body" in reading.io_source):
        return None
    if subject.calls_tools_only or subject.words:
        return passed(f"The answer has {len(subject.words):,} words." if subject.words else "Calls tools.")
    return failed("The answer is empty." if not reading.output else "The answer holds no word.")
