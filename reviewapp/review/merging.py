"""Where does a form differ from the draft that someone else has saved meanwhile, and what is taken of theirs?

A difference has a path: the name of a field of the whole, `criterion/<key>/<field>`, `criterion/<key>` for
one that only one side has, or `order`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from reviewapp.review.editor import FLAGS, NUMBERS, TEXTS, Entry, Form
from reviewapp.review.models import CriterionType, Shown

WHOLE = {"guidelines": "Guidelines", "modes": "Failure modes", "changelog": "What changed"}
FIELDS = {
    "title": "Question",
    "help": "Help",
    "type": "Answer",
    "shown": "Asked",
    "weight": "Weight",
    "options": "Options",
    "minimum": "Least number",
    "maximum": "Greatest number",
    "pass_example": "An example that passes",
    "fail_example": "An example that fails",
    "required": "Required",
    "critical": "Critical",
}
# No field of a criterion, but what is said of it as a whole.
NEW_MEANING, SAYS_NEW_MEANING = "new_meaning", "The wording now asks something else"
CHOICES = {"type": dict(CriterionType.choices), "shown": dict(Shown.choices)}
ORDER = "order"
ABSENT = "is not there"


@dataclass(frozen=True, slots=True)
class Difference:
    path: str
    place: str
    field: str
    mine: str
    theirs: str
    is_taken: bool = False


def differences(mine: Form, theirs: Form, taken: Collection[str] = ()) -> list[Difference]:
    """Field by field; `taken` are the paths of which theirs is chosen already."""
    return [replace(each, is_taken=each.path in taken) for each in _found(mine, theirs)]


def take(mine: Form, theirs: Form, taken: Collection[str]) -> None:
    """Put theirs into the form wherever it was chosen; what else was typed stays."""
    for name in WHOLE:
        if name in taken:
            setattr(mine, name, getattr(theirs, name))
    ours = _by_key(mine)
    for place, entry in enumerate(theirs.entries):
        key = entry.values["key"]
        if key not in ours and _path(key) in taken:
            mine.entries.insert(place, entry)
        elif key in ours:
            _take_fields(ours[key], entry, taken)
    lone = {_path(key) for key in ours.keys() - _by_key(theirs).keys()}
    mine.entries = [each for each in mine.entries if _path(each.values["key"]) not in lone & set(taken)]
    if ORDER in taken:
        order = {key: place for place, key in enumerate(_by_key(theirs))}
        mine.entries.sort(key=lambda each: order.get(each.values["key"], len(order)))


def _take_fields(mine: Entry, theirs: Entry, taken: Collection[str]) -> None:
    key = mine.values["key"]
    if _path(key, NEW_MEANING) in taken:
        mine.new_meaning = theirs.new_meaning
    for name in FIELDS:
        if _path(key, name) in taken:
            side = "flags" if name in FLAGS else "values"
            getattr(mine, side)[name] = getattr(theirs, side)[name]


def _found(mine: Form, theirs: Form) -> Iterator[Difference]:
    ours, others = _by_key(mine), _by_key(theirs)
    for key in {**others, **ours}:
        if key not in ours:
            yield Difference(_path(key), _title(others[key]), "", ABSENT, _whole(others[key]))
        elif key not in others:
            yield Difference(_path(key), _title(ours[key]), "", _whole(ours[key]), ABSENT)
        else:
            yield from _of_criterion(key, ours[key], others[key])
    both = [key for key in ours if key in others], [key for key in others if key in ours]
    if both[0] != both[1]:
        one, other = ("\n".join(_title(ours[key]) for key in keys) for keys in both)
        yield Difference(ORDER, "Order of the criteria", "", one, other)
    for name, label in WHOLE.items():
        if not _is_same(name, texts := (getattr(mine, name), getattr(theirs, name))):
            yield Difference(name, label, "", *texts)


def _of_criterion(key: str, mine: Entry, theirs: Entry) -> Iterator[Difference]:
    for name, label in FIELDS.items():
        texts = (_text(mine, name), _text(theirs, name))
        if not _is_same(name, texts):
            yield Difference(_path(key, name), _title(mine), label, *texts)
    if mine.new_meaning != theirs.new_meaning:
        texts = _yes(mine.new_meaning), _yes(theirs.new_meaning)
        yield Difference(_path(key, NEW_MEANING), _title(mine), SAYS_NEW_MEANING, *texts)


def _is_same(name: str, texts: tuple[str, str]) -> bool:
    """Whether they are kept as the same: numbers by value, lines by their parts."""
    one, other = texts
    if one == other:
        return True
    if name in NUMBERS:
        try:
            return float(one) == float(other)
        except ValueError:
            return False
    return name in ("options", "modes") and _lines(one) == _lines(other)


def _lines(text: str) -> list[list[str]]:
    rows = [[part.strip() for part in line.split("|")] for line in text.splitlines() if line.strip()]
    return [row[: max((n + 1 for n, part in enumerate(row) if part), default=0)] for row in rows]


def _by_key(form: Form) -> dict[str, Entry]:
    """A criterion that was only begun has no key yet, and stands against nothing."""
    return {entry.values["key"]: entry for entry in form.entries if entry.values["key"]}


def _path(key: str, name: str = "") -> str:
    return f"criterion/{key}/{name}" if name else f"criterion/{key}"


def _title(entry: Entry) -> str:
    return entry.values["title"] or entry.values["key"]


def _text(entry: Entry, name: str) -> str:
    if name in FLAGS:
        return _yes(entry.flags.get(name, False))
    value = entry.values[name]
    return str(CHOICES.get(name, {}).get(value, value))


def _yes(told: bool) -> str:
    return "yes" if told else "no"


def _whole(entry: Entry) -> str:
    """What stands in it, one field a line."""
    shown = [name for name in (*TEXTS, "options") if name in FIELDS and entry.values[name]]
    return "\n".join(f"{FIELDS[name]}: {_text(entry, name)}" for name in shown)
