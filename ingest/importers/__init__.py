"""What do the exports and SDK bodies of other systems say? One module a format, each to native bodies.

The bodies then go the way of every native body, so that checks, masking and identity are the same, and an
import repeated changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any

from ingest import native
from ingest.documents import Malformed
from ingest.importers import braintrust, helicone, langfuse, langsmith, phoenix
from ingest.importers.entries import Entry, Piece, pieces
from ingest.json_objects import Json
from ingest.native import Take, Taken
from ingest.records import Stored
from ingest.redaction.masking import Redactor
from ingest.shapes import Invalid

FORMATS: dict[str, ModuleType] = {
    "langfuse": langfuse,
    "langsmith": langsmith,
    "phoenix": phoenix,
    "braintrust": braintrust,
    "helicone": helicone,
}


@dataclass(slots=True)
class Imported:
    """What the items have become; `statements` knows which items each score and each feedback came from."""

    taken: Taken = field(default_factory=Taken)
    accepted: set[int] = field(default_factory=set)
    refused: dict[int, Invalid] = field(default_factory=dict)
    scores_of: list[tuple[int, ...]] = field(default_factory=list)
    feedback_of: list[tuple[int, ...]] = field(default_factory=list)

    def pending(self, stored: Stored) -> int:
        """How many items wait: those of which a statement does."""
        waiting = [self.scores_of[position] for position in stored.pending_scores]
        waiting += [self.feedback_of[position] for position in stored.pending_feedback]
        return len({item for items in waiting for item in items})


def items_of(documents: Iterable[Any], name: str) -> list[Any]:
    """The items within a format's envelopes: lists under known keys of objects that are no items."""
    return [item for document in documents for item in _opened(document, FORMATS[name].ENVELOPES)]


def _opened(document: Any, envelopes: Sequence[str]) -> Iterator[Any]:
    if isinstance(document, list):
        yield from document
    elif isinstance(document, dict) and not document.keys() & {"id", "span_id", "request_id", "run_id"}:
        listed = [document[key] for key in envelopes if isinstance(document.get(key), list)]
        if listed:
            for items in listed:
                yield from items
            return
        yield document
    else:
        yield document


def take(name: str, items: Sequence[Any], received_ns: int, redactor: Redactor) -> Imported:
    """An item is taken with all that it says, or refused with a reason; no item spoils another."""
    imported = Imported()
    taker = partial(native.take_trace, received_ns=received_ns)
    for entry in _entries(name, items):
        _take_entry(imported, entry, taker, redactor)
    return imported


def _entries(name: str, items: Sequence[Any]) -> Iterator[Entry]:
    whole: list[Piece] = []
    for found in pieces(enumerate(items)):
        if isinstance(found, Piece):
            whole.append(found)
        else:
            malformed = items[found.positions[0]]
            if isinstance(malformed, Malformed):
                found.refusal = Invalid("", f"the line is not JSON: {malformed}")
            yield found
    yield from FORMATS[name].read(whole)


def _take_entry(imported: Imported, entry: Entry, take_trace: Take, redactor: Redactor) -> None:
    part = Taken()
    try:
        if entry.refusal is not None:
            raise entry.refusal
        for bodies, taker in _takers(entry, take_trace):
            for body in bodies:
                native.take_one(part, body, taker, redactor)
    except Invalid as invalid:
        imported.refused |= dict.fromkeys(entry.positions, invalid)
        return
    imported.accepted.update(entry.positions)
    imported.scores_of += [entry.positions] * len(part.scores)
    imported.feedback_of += [entry.positions] * len(part.feedback)
    imported.taken.add(part)


def _takers(entry: Entry, take_trace: Take) -> tuple[tuple[list[Json], Take], ...]:
    return (
        (entry.traces, take_trace),
        (entry.scores, native.take_score),
        (entry.feedback, native.take_statement),
    )
