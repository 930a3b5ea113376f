"""Which columns of the trace list does a person see? Chosen once, kept with the account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reviewapp.models import User

COLUMNS = {
    "time": "Time",
    "question": "Question",
    "answer": "Answer",
    "route": "Route",
    "prompt": "Prompt",
    "model": "Model",
    "environment": "Environment",
    "signals": "Signals",
    "judge": "Judge",
    "people": "People",
    "scores": "All scores",
    "tokens": "Tokens",
    "latency": "Latency",
    "cost": "Cost",
    "status": "Status",
    "spans": "Spans",
    "session": "Session",
    "user": "User",
    "trace_id": "Trace id",
}
DEFAULT = ("time", "question", "answer", "route", "prompt", "signals", "judge", "latency", "cost")
# It holds the link to the trace.
ALWAYS = "question"
NUMBERS = ("tokens", "latency", "cost", "spans")
PREFERENCE = "trace_columns"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    label: str
    shown: bool


def choose(user: User, names: Iterable[str]) -> None:
    """Keep the chosen columns; none chosen means the default again."""
    chosen = [name for name in COLUMNS if name in set(names)]
    user.preferences[PREFERENCE] = chosen
    user.save(update_fields=["preferences"])


def shown(user: User) -> list[str]:
    chosen = user.preferences.get(PREFERENCE) or DEFAULT
    return [name for name in COLUMNS if name in chosen or name == ALWAYS]


def offered(user: User) -> list[Column]:
    now = shown(user)
    return [Column(name, label, name in now) for name, label in COLUMNS.items()]
