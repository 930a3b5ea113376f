"""What does the API withhold from a caller? What others said of a trace that the caller is judging blind.

Which traces those are is the review floor's to know; the settings name its function, so no import goes up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from ingest.json_objects import Json
from ingest.models import Trace
from ingest.otlp.evaluations import EVALUATION_EVENT
from ingest.tokens import Caller

# Filters whose answer tells what was said of a trace.
SIGNALS = frozenset({"score", "feedback", "drawn"})
NOTHING: Json = {
    "scores": [],
    "feedback": [],
    "reasons": [],
    "priority": None,
    "audit": {"drawn": None, "pi": None},
}


def withheld(caller: Caller, traces: Iterable[Trace]) -> frozenset[int]:
    """The ids of those traces of which this caller is told nothing but the trace itself."""
    hidden_from: Any = import_string(settings.TRACES_HIDDEN_FROM)
    found: frozenset[int] = hidden_from(caller, traces)
    return found


def blank(told: Json) -> Json:
    """The trace without what was said of it, also by its own spans."""
    bare = told | {name: value for name, value in NOTHING.items() if name in told}
    if "spans" in told:
        bare["spans"] = [
            span | {"events": [event for event in span["events"] if event.get("name") != EVALUATION_EVENT]}
            for span in told["spans"]
        ]
    return bare


def asks_for_signals(names: Iterable[str]) -> bool:
    return any(name.partition(".")[0] in SIGNALS for name in names)
