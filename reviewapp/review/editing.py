"""One step of editing a form: a row more, one fewer, one moved, modes picked.

The button's name says what is done; its value is the id of the row, or of the list without a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from reviewapp.review import editor, mode_rows
from reviewapp.review import posted as fields
from reviewapp.review.editor import OPTION, Form
from reviewapp.review.mode_rows import Mode

ID = re.compile(r"(?P<list>c|m|c(?P<criterion>[0-9]{1,3})-o)(?P<place>[0-9]{0,3})")
# The field of a new row that one types into first.
FIRST = {"c": "title", "o": "value", "m": "label"}


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of rows; `places` are those that can be moved and removed."""

    id: str
    rows: list[Any]

    @property
    def places(self) -> list[int]:
        """Not the verdict, which stays first, nor what stands in the picker."""
        if self.id == "m":
            return [place for place, mode in enumerate(self.rows) if mode.is_row]
        return list(range(self.id == "c", len(self.rows)))


def step(form: Form, posted: QueryDict) -> str:
    """Do what the button says; the id of the control that has the focus then, or nothing."""
    if "add" in posted:
        return _add(form, posted)
    for name, steps in (("up", -1), ("down", 1)):
        if found := _found(form, posted, name):
            return f"{found[0].id}{_move(*found, steps)}-{name}"
    if found := _found(form, posted, "remove"):
        return _remove(*found)
    return _reword(form, posted) or _pick(form, posted)


def _found(form: Form, posted: QueryDict, button: str) -> tuple[Rows, int] | None:
    """The list and the place in it of the row that the button names, if it may be moved."""
    named = ID.fullmatch(posted.get(button, ""))
    rows = named and named["place"] and _list(form, named["list"], named["criterion"])
    if not named or not rows:
        return None
    place = _place(form, posted, named)
    return (rows, place) if place in rows.places else None


def _place(form: Form, posted: QueryDict, named: re.Match[str]) -> int:
    """Where the row stands that was sent with this number; -1 for none."""
    sent = (
        [mode.place for mode in form.modes]
        if named["list"] == "m"
        else list[int | None](fields.places(posted, named["list"]))
    )
    number = int(named["place"])
    return sent.index(number) if number in sent else -1


def _list(form: Form, told: str, criterion: str | None) -> Rows | None:
    if criterion is None:
        return Rows(told, form.entries if told == "c" else form.modes)
    if int(criterion) >= len(form.entries):
        return None
    return Rows(told, form.entries[int(criterion)].options)


def _add(form: Form, posted: QueryDict) -> str:
    named = ID.fullmatch(posted.get("add", ""))
    found = named and not named["place"] and _list(form, named["list"], named["criterion"])
    if not found:
        return ""
    if found.id == "c":
        found.rows.append(editor.blank())
        place = len(found.rows) - 1
    elif found.id == "m":
        new = [mode_rows.own(row) for row in _new(posted, found, mode_rows.TEXTS)]
        place = mode_rows.add(found.rows, new)
    else:
        added = _new(posted, found, OPTION)
        place = len(found.rows)
        found.rows.extend(added)
    return f"{found.id}{place}-{FIRST[found.id[-1]]}"


def _new(posted: QueryDict, found: Rows, names: tuple[str, ...]) -> list[dict[str, str]]:
    """One empty row; or what was pasted, in the place of the rows that are empty."""
    pasted = fields.pasted(posted, found.id, names)
    if not pasted:
        return [dict.fromkeys(names, "")]
    found.rows[:] = [row for row in found.rows if not _is_empty(row)]
    return pasted


def _is_empty(row: Any) -> bool:
    return row.is_empty if isinstance(row, Mode) else not any(row.values())


def _move(found: Rows, place: int, steps: int) -> int:
    """Where the row stands then, past the next one that can be moved."""
    at = found.places.index(place) + steps
    if not 0 <= at < len(found.places):
        return place
    target = found.places[at]
    found.rows[place], found.rows[target] = found.rows[target], found.rows[place]
    return target


def _remove(found: Rows, place: int) -> str:
    at = found.places.index(place)
    if found.id == "m":
        mode_rows.remove(found.rows, place)
    else:
        del found.rows[place]
    # In its list a criterion is closed, and so are its buttons.
    if found.id == "c" or not found.places:
        return f"{found.id}-add"
    return f"{found.id}{found.places[min(at, len(found.places) - 1)]}-remove"


def _reword(form: Form, posted: QueryDict) -> str:
    """Out of the picker, to be said in one's own words."""
    named = ID.fullmatch(posted.get("reword", ""))
    place = _place(form, posted, named) if named and named["list"] == "m" and named["place"] else -1
    if place < 0:
        return ""
    form.modes[place].is_row = True
    return f"m{place}-label"


def _pick(form: Form, posted: QueryDict) -> str:
    for name in ("pick", "drop"):
        if (group := posted.get(name, "")) in mode_rows.GROUPS:
            mode_rows.choose(form.modes, group, is_chosen=name == "pick")
            return f"pick-{group}"
    return ""
