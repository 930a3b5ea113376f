"""What do items of another system's export become here? Bodies of the native API, and their origin."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ingest.json_objects import Json
from ingest.otlp.messages import is_chat
from ingest.otlp.payloads import opened, readable
from ingest.otlp.values import mapping, number, text
from ingest.shapes import Invalid

# What a name says when people in the product gave the verdict, not an evaluator or a colleague.
_OF_USERS = re.compile(
    r"thumb|user[ _.-]?(feedback|rating|score|thumbs)|^feedback$|^(dis)?likes?$", re.IGNORECASE
)
_UP = frozenset(
    {
        "up",
        "thumbs_up",
        "thumbsup",
        "thumbs-up",
        "thumbs up",
        "like",
        "liked",
        "positive",
        "good",
        "👍",
        "true",
    }
)
_DOWN = frozenset(
    {
        "down",
        "thumbs_down",
        "thumbsdown",
        "thumbs-down",
        "thumbs down",
        "dislike",
        "disliked",
        "negative",
        "bad",
        "👎",
        "false",
    }
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Items that speak of one thing, by their positions in the request, as one object."""

    positions: tuple[int, ...]
    item: Json


@dataclass(slots=True)
class Entry:
    """What a piece has become. `refusal` says why it became nothing."""

    positions: tuple[int, ...]
    traces: list[Json] = field(default_factory=list)
    scores: list[Json] = field(default_factory=list)
    feedback: list[Json] = field(default_factory=list)
    refusal: Invalid | None = None


def pieces(items: Iterable[tuple[int, Any]]) -> Iterator[Piece | Entry]:
    for position, item in items:
        if isinstance(item, dict):
            yield Piece((position,), item)
        else:
            yield Entry((position,), refusal=Invalid("", "must be an object"))


def each(found: Iterable[Piece], read: Callable[[Json, Entry], None]) -> Iterator[Entry]:
    """An entry for each piece; what `read` raises as Invalid refuses that piece alone."""
    for piece in found:
        entry = Entry(piece.positions)
        try:
            read(piece.item, entry)
        except Invalid as invalid:
            entry = Entry(piece.positions, refusal=invalid)
        yield entry


def joined(found: Iterable[Piece], key: Callable[[Json], Hashable]) -> list[Piece]:
    """Pieces of one key as one: later values fill and replace earlier ones, objects field by field."""
    groups: dict[Hashable, Piece] = {}
    for piece in found:
        named = key(piece.item)
        known = groups.get(named) if named is not None else None
        if known is None:
            groups[named if named is not None else piece.positions] = piece
        else:
            groups[named] = Piece(known.positions + piece.positions, _over(known.item, piece.item))
    return list(groups.values())


def _over(below: Json, above: Json) -> Json:
    merged = dict(below)
    for name, value in above.items():
        inner = merged.get(name)
        if isinstance(inner, dict) and isinstance(value, dict):
            merged[name] = inner | value
        elif value not in (None, "", [], {}) or name not in merged:
            merged[name] = value
    return merged


def required(item: Json, *names: str) -> str:
    """The first of these fields that has a text. Raises Invalid."""
    said = stated(item, *names)
    if not said:
        raise Invalid(names[0], "is required")
    return said


def stated(item: Json, *names: str) -> str:
    return next((said for name in names if (said := text(item.get(name)))), "")


def present(item: Json, *names: str) -> Any:
    return next((item[name] for name in names if item.get(name) not in (None, "", [], {})), None)


def known(body: Json) -> Json:
    """Without the fields that say nothing."""
    return {name: value for name, value in body.items() if value not in (None, "", [], {})}


def listed(value: Any) -> list[Any]:
    """A list, also one within a string; of anything else nothing."""
    found = opened(value)
    return found if isinstance(found, list) else []


def plain(metadata: Any) -> Json:
    """The texts, numbers and truths of an object, as tags."""
    return {
        key: value
        for key, value in mapping(metadata).items()
        if isinstance(value, str | int | float) and value != ""
    }


def content(value: Any, role: str) -> Any:
    """A trace's input or output: messages as they are, of any other object what is for a reader."""
    found = opened(value)
    is_message = isinstance(found, dict) and found.keys() & {"role", "messages"}
    return found if is_chat(found) or is_message else readable(found, role)


def tagged(labels: Any) -> Json:
    """A list of labels as tags that are true."""
    return (
        dict.fromkeys((label for label in labels if isinstance(label, str) and label), True)
        if isinstance(labels, list)
        else {}
    )


def add_statement(entry: Entry, score: Json, *, user: str = "", force: bool = False) -> None:
    """A score; where people in the product said it, also the feedback that it is."""
    body = known(score)
    if body.get("value") is None and not body.get("label"):
        raise Invalid("value", "has neither a value nor a label")
    is_of_users = force or bool(_OF_USERS.search(text(score.get("name"))))
    if is_of_users:
        body["source"] = "user"
    entry.scores.append(body)
    if is_of_users and (feedback := _feedback(score, user)):
        entry.feedback.append(feedback)


def _feedback(score: Json, user: str) -> Json | None:
    word = text(score.get("label")).strip().lower()
    stated_value = score.get("value")
    value = float(stated_value) if isinstance(stated_value, bool) else number(stated_value)
    verdict = (
        "up"
        if word in _UP
        else "down"
        if word in _DOWN
        else {1.0: "up", 0.0: "down", -1.0: "down"}.get(value if value is not None else 2.0)
    )
    if verdict is None:
        return None
    return known(
        {
            "id": f"{score['id']}:thumbs"[:200] if score.get("id") else None,
            "target": score["target"],
            "kind": "thumbs",
            "value": verdict,
            "comment": score.get("explanation"),
            "user": user[:200],
            "occurred_at": score.get("timestamp"),
        }
    )


def edit(identity: str, target: Json, correction: Any, *, user: str, time: Any) -> Json | None:
    """A correction that somebody made of an answer, as feedback."""
    edited = readable(correction, "assistant")
    if not edited:
        return None
    return known(
        {
            "id": f"{identity}:correction"[:200] if identity else None,
            "target": target,
            "kind": "edit",
            "user": user[:200],
            "occurred_at": time,
            "payload": {"edited_output": edited},
        }
    )


def trace_target(trace_id: str, span_id: str = "") -> Json:
    """A trace, a span in it, or a span whose trace is not told."""
    return known({"trace_id": trace_id, "span_id": span_id})
