"""What do the bodies posted to the native API about one trace say together?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest import times
from ingest.json_objects import Json
from ingest.otlp.facts import Document, read_documents
from ingest.otlp.messages import Message, last_word, read_messages
from ingest.otlp.values import dump, first_count, first_number, first_text, kept
from ingest.records import TraceBody

# These are filled key by key; all other fields are taken whole.
_MERGED = ("tokens", "tags")
_STATUSES = frozenset({"ok", "error"})


@dataclass(frozen=True, slots=True)
class Merged:
    """`fields` are the contract's fields, each from the body with the greatest (occurred_at, sha256)."""

    fields: Json
    conflicting: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None

    def text(self, name: str) -> str:
        return first_text(self.fields, name)

    def amount(self, name: str) -> float | None:
        return first_number(self.fields, name)

    def tokens(self, side: str) -> int | None:
        return first_count(self.fields.get("tokens", {}), side)

    @property
    def tags(self) -> Json:
        return {str(key): kept(value) for key, value in self.fields.get("tags", {}).items()}

    @property
    def status(self) -> str:
        stated = self.text("status")
        return stated if stated in _STATUSES else "error" if self.text("error") else ""

    @property
    def documents(self) -> tuple[Document, ...]:
        return read_documents(self.fields.get("context"))

    @property
    def input(self) -> tuple[Message, ...]:
        return read_messages(self.fields.get("input"), "user")

    @property
    def output(self) -> tuple[Message, ...]:
        return read_messages(self.fields.get("output"), "assistant")

    @property
    def input_text(self) -> str:
        return _word(self.input, self.fields.get("input"), "user")

    @property
    def output_text(self) -> str:
        return _word(self.output, self.fields.get("output"), "assistant")

    @property
    def has_ended(self) -> bool:
        return self.ended_at is not None or "output" in self.fields


def merge(bodies: Sequence[TraceBody]) -> Merged:
    """Absent fields are filled; where two bodies differ, the later decides, and its hash between equals."""
    latest_first = sorted(bodies, key=lambda each: (each.occurred_at, each.sha256), reverse=True)
    fields: Json = {}
    conflicting = False
    for body in latest_first:
        for name, value in _said(body.body):
            if name in _MERGED:
                fields[name] = _filled(value) | fields.get(name, {})
            elif fields.setdefault(name, value) != value:
                conflicting = True
    return Merged(fields, conflicting, _time(fields.get("started_at")), _time(fields.get("ended_at")))


def _said(body: Json) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in body.items() if value is not None and value not in ("", [], {}))


def _filled(value: Any) -> Json:
    return {key: each for key, each in value.items() if each is not None} if isinstance(value, dict) else {}


def _time(value: Any) -> datetime | None:
    """A time as the body states it; a record's own time may be that of its arrival."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return times.moment(times.nanoseconds(value))
    except (ValueError, OverflowError):
        return None


def _word(messages: Sequence[Message], value: Any, role: str) -> str:
    """One text for a list and a search: the last word of a role, or the whole value as JSON."""
    if isinstance(value, str):
        return value
    return last_word(messages, role) or ("" if value is None else dump(value))
