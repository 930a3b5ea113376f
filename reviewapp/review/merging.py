"""Where does a form differ from the draft that someone else has saved meanwhile, and what is taken of theirs?

A difference has a path: the name of a field of the whole, or `criterion/<key>/<field>`. A row of a list has
the path of the list and its key: `criterion/<key>`, `criterion/<key>/options/<value>`, `mode/<key>`. The path
of a list alone is that of its order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from reviewapp.review import editor, mode_rows
from reviewapp.review.editor import FLAGS, NUMBERS, TEXTS, Entry, Form
from reviewapp.review.mode_rows import Mode
from reviewapp.review.models import CriterionType, Shown

WHOLE = {"guidelines": "Guidelines", "changelog": "What changed"}
FIELDS = {
    "title": "Question",
    "help": "Help",
    "type": "Answer",
    "shown": "Asked",
    "weight": "Weight",
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
ORDER, OPTIONS, MODES = "criterion", "options", "mode"
ABSENT = "is not there"
MINE, THEIRS = "mine", "theirs"
Kind = TypeVar("Kind")
# The rows of a list with their keys; one that was only begun has none, and stands against nothing.
Keyed = list[tuple[str, Kind]]


@dataclass(frozen=True, slots=True)
class Difference:
    """`side` is the one that was chosen, or empty."""

    path: str
    place: str
    field: str
    mine: str
    theirs: str
    side: str = ""


def differences(mine: Form, theirs: Form) -> list[Difference]:
    """Field by field."""
    return list(_found(mine, theirs))


def asked(mine: Form, theirs: Form, paths: Collection[str], sides: Mapping[str, str]) -> list[Difference]:
    """Those of the paths in which they still differ, with what was chosen of each."""
    found = (each for each in _found(mine, theirs) if each.path in paths)
    return [replace(each, side=sides.get(each.path, "")) for each in found]


def take(mine: Form, theirs: Form, taken: Collection[str]) -> None:
    """Put theirs into the form wherever it was chosen; what else was typed stays."""
    for name in WHOLE:
        if name in taken:
            setattr(mine, name, getattr(theirs, name))
    mine.modes = mode_rows.with_taxonomy(_taken(MODES, _modes(mine), _modes(theirs), taken))
    others = dict(_criteria(theirs))
    for key, entry in _criteria(mine):
        if key in others:
            _take_fields(_path(key), entry, others[key], taken)
    mine.entries = _taken(ORDER, _criteria(mine), _criteria(theirs), taken)


def _take_fields(path: str, mine: Entry, theirs: Entry, taken: Collection[str]) -> None:
    if f"{path}/{NEW_MEANING}" in taken:
        mine.new_meaning = theirs.new_meaning
    for name in FIELDS:
        if f"{path}/{name}" in taken:
            side = "flags" if name in FLAGS else "values"
            getattr(mine, side)[name] = getattr(theirs, side)[name]
    mine.options = _taken(f"{path}/{OPTIONS}", _options(mine), _options(theirs), taken)


def _taken(path: str, mine: Keyed[Kind], theirs: Keyed[Kind], taken: Collection[str]) -> list[Kind]:
    """Mine, but each row of which theirs was chosen as they have it, or gone where they have none."""
    ours, others = dict(mine), dict(theirs)
    chosen = {key for key in {**ours, **others} if key and f"{path}/{key}" in taken}
    left = [(key, row) for key, row in mine if key not in chosen or key in others]
    rows = [(key, others[key] if key in chosen else row) for key, row in left]
    for place, (key, row) in enumerate(theirs):
        if key in chosen and key not in ours:
            rows.insert(place, (key, row))
    if path in taken:
        order = {key: place for place, key in enumerate(others)}
        rows.sort(key=lambda each: order.get(each[0], len(order)))
    return [row for _, row in rows]


def _found(mine: Form, theirs: Form) -> Iterator[Difference]:
    ours, others = _with_key(_criteria(mine)), _with_key(_criteria(theirs))
    for key in {**others, **ours}:
        if key not in ours:
            yield Difference(_path(key), _title(others[key]), "", ABSENT, _whole(others[key]))
        elif key not in others:
            yield Difference(_path(key), _title(ours[key]), "", _whole(ours[key]), ABSENT)
        else:
            yield from _of_criterion(key, ours[key], others[key])
    titles = {key: _title(entry) for key, entry in (others | ours).items()}
    yield from _of_order(ORDER, ("Order of the criteria", ""), titles, list(ours), list(others))
    yield from _of_rows(MODES, ("Failure modes", ""), _told_modes(mine), _told_modes(theirs))
    for name, label in WHOLE.items():
        texts = getattr(mine, name), getattr(theirs, name)
        if texts[0] != texts[1]:
            yield Difference(name, label, "", *texts)


def _of_criterion(key: str, mine: Entry, theirs: Entry) -> Iterator[Difference]:
    title = _title(mine)
    for name, label in FIELDS.items():
        texts = _text(mine, name), _text(theirs, name)
        if not _is_same(name, texts):
            yield Difference(_path(key, name), title, label, *texts)
    if mine.new_meaning != theirs.new_meaning:
        texts = _yes(mine.new_meaning), _yes(theirs.new_meaning)
        yield Difference(_path(key, NEW_MEANING), title, SAYS_NEW_MEANING, *texts)
    yield from _of_rows(_path(key, OPTIONS), (title, "Option "), _told_options(mine), _told_options(theirs))


def _of_rows(
    path: str, place: tuple[str, str], mine: Mapping[str, str], theirs: Mapping[str, str]
) -> Iterator[Difference]:
    """Rows in words, by their keys; the first line is a name. `place` is where, and what one is called."""
    names = {key: words.partition("\n")[0] for key, words in {**theirs, **mine}.items()}
    for key, name in names.items():
        texts = mine.get(key, ABSENT), theirs.get(key, ABSENT)
        if texts[0] != texts[1]:
            yield Difference(f"{path}/{key}", place[0], f"{place[1]}{name}", *texts)
    yield from _of_order(path, (place[0], "Order"), names, list(mine), list(theirs))


def _of_order(
    path: str, place: tuple[str, str], names: Mapping[str, str], mine: list[str], theirs: list[str]
) -> Iterator[Difference]:
    """Of the rows that both have."""
    both = [key for key in mine if key in theirs], [key for key in theirs if key in mine]
    if both[0] != both[1]:
        one, other = ("\n".join(names[key] for key in keys) for keys in both)
        yield Difference(path, *place, one, other)


def _is_same(name: str, texts: tuple[str, str]) -> bool:
    """Whether they are kept as the same: numbers by value."""
    one, other = texts
    try:
        return one == other or (name in NUMBERS and float(one) == float(other))
    except ValueError:
        return False


def _criteria(form: Form) -> Keyed[Entry]:
    return [(entry.values["key"], entry) for entry in form.entries]


def _options(entry: Entry) -> Keyed[dict[str, str]]:
    """With their places: rows that hold nothing stay, without a key."""
    told = {place: values["value"] for place, values in editor.options(entry)}
    return [(told.get(place, ""), row) for place, row in enumerate(entry.options)]


def _modes(form: Form) -> Keyed[Mode]:
    return [(mode.key, mode) for mode in form.modes if mode.is_chosen]


def _with_key(rows: Keyed[Kind]) -> dict[str, Kind]:
    return {key: row for key, row in rows if key}


def _told_modes(form: Form) -> dict[str, str]:
    return {
        key: _lines(mode.label or key, mode.help, mode.group) for key, mode in _with_key(_modes(form)).items()
    }


def _told_options(entry: Entry) -> dict[str, str]:
    """A value that is no more than its label is not told twice."""
    told = {}
    for _, values in editor.options(entry):
        value, label = values["value"], values["label"]
        told[value] = _lines(label if label == value else f"{label} ({value})", values["help"])
    return told


def _lines(*texts: str) -> str:
    return "\n".join(text for text in texts if text)


def _path(key: str, name: str = "") -> str:
    return f"{ORDER}/{key}/{name}" if name else f"{ORDER}/{key}"


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
    shown = [name for name in TEXTS if name in FIELDS and entry.values[name]]
    options = [words.replace("\n", ": ") for words in _told_options(entry).values()]
    return "\n".join([*(f"{FIELDS[name]}: {_text(entry, name)}" for name in shown), *options])
