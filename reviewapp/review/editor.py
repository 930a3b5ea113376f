"""A draft as a form: fields by place, lists as lines, and back; what it says is checked elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from reviewapp import numerals
from reviewapp.review import rubrics
from reviewapp.review.models import VERDICT, CriterionRevision, CriterionType, RubricVersion, Shown
from reviewapp.review.rubric_forms import key_from
from reviewapp.review.rubrics import Content

MOST_ROWS = 40
TEXTS = ("key", "title", "help", "type", "shown", "pass_example", "fail_example")
FLAGS = ("critical", "required")
NUMBERS = ("minimum", "maximum", "weight")
BAR = re.compile(r"(?<!\\)\|")
# The place of an option in an error, counted from nought there and from one for a person.
OPTION = re.compile(r"options\[(\d+)\](\.?)")


@dataclass(slots=True)
class Entry:
    """One criterion as the form has it; `options` are lines `value | label | help`."""

    values: dict[str, str]
    flags: dict[str, bool] = field(default_factory=dict)
    new_meaning: bool = False

    @property
    def is_verdict(self) -> bool:
        return self.values.get("key") == VERDICT


@dataclass(slots=True)
class Form:
    entries: list[Entry]
    guidelines: str
    modes: str
    changelog: str
    edit: int


def of_version(version: RubricVersion) -> Form:
    criteria, declared = version.criteria.order_by("position", "pk"), rubrics.declared(version)
    return Form(
        entries=[_entry(criterion, criterion.key in declared) for criterion in criteria],
        guidelines=version.guidelines,
        modes=lines(
            (mode["key"], mode["label"], mode["help"], mode["group"]) for mode in version.failure_modes
        ),
        changelog=version.changelog,
        edit=version.edit,
    )


def _entry(criterion: CriterionRevision, new_meaning: bool) -> Entry:
    values = {name: str(getattr(criterion, name)) for name in TEXTS}
    for name in NUMBERS:
        value = getattr(criterion, name)
        values[name] = "" if value is None else f"{value:.15g}"
    values["options"] = lines(
        (str(option["value"]), option["label"], option.get("help", "")) for option in criterion.options
    )
    return Entry(values, {name: getattr(criterion, name) for name in FLAGS}, new_meaning)


def lines(rows: Iterable[tuple[str, ...]]) -> str:
    """Each row as a line with bars between, without empty ends; a bar in a text is written \\|."""
    return "\n".join(_line([" ".join(text.splitlines()) for text in row]) for row in rows)


def _line(texts: Sequence[str]) -> str:
    filled = len(texts)
    while filled > 1 and not texts[filled - 1]:
        filled -= 1
    return " | ".join(text.replace("|", "\\|") for text in texts[:filled])


def of_post(posted: QueryDict) -> Form:
    places = sorted({int(name[1:].partition("-")[0]) for name in posted if _is_place(name)})[:MOST_ROWS]
    return Form(
        entries=[_posted(posted, place) for place in places],
        guidelines=_text(posted, "guidelines"),
        modes=_text(posted, "modes"),
        changelog=_text(posted, "changelog"),
        edit=numerals.whole(posted.get("edit", "")) or 0,
    )


def _is_place(name: str) -> bool:
    place, dash, _ = name[1:].partition("-")
    return name.startswith("c") and bool(dash) and numerals.whole(place, 3) is not None


def _posted(posted: QueryDict, place: int) -> Entry:
    names = (*TEXTS, *NUMBERS, "options")
    values = {name: _text(posted, f"c{place}-{name}") for name in names}
    values["key"] = values["key"] or key_from(values["title"])
    flags = {name: f"c{place}-{name}" in posted for name in FLAGS}
    return Entry(values, flags, f"c{place}-new_meaning" in posted)


def _text(posted: QueryDict, name: str) -> str:
    return posted.get(name, "").replace("\r\n", "\n").replace("\0", "").strip()


def blank() -> Entry:
    values = dict.fromkeys((*TEXTS, *NUMBERS, "options"), "")
    return Entry(values | {"type": CriterionType.PASS_FAIL.value, "shown": Shown.ALWAYS.value, "weight": "1"})


def move(form: Form, place: int, steps: int) -> int:
    """Where the criterion stands then. The verdict stays first."""
    target = place + steps
    if not (1 <= place < len(form.entries) and 1 <= target < len(form.entries)):
        return place
    form.entries.insert(target, form.entries.pop(place))
    return target


def content(form: Form, base: RubricVersion | None = None) -> Content:
    """`base` is the version before: options that it had keep their values, which a form sends as text."""
    had = _values_of(base)
    return Content(
        guidelines=form.guidelines,
        failure_modes=[_mode(line) for line in form.modes.splitlines() if line.strip()],
        criteria=[_criterion(entry, had.get(entry.values["key"], {})) for entry in form.entries],
        changelog=form.changelog,
        new_meaning=frozenset(entry.values["key"] for entry in form.entries if entry.new_meaning),
    )


def _values_of(base: RubricVersion | None) -> dict[str, dict[str, Any]]:
    criteria = base.criteria.all() if base is not None else ()
    return {each.key: {str(option["value"]): option["value"] for option in each.options} for each in criteria}


def _mode(line: str) -> dict[str, str]:
    key, label, words, group = _parts(line, 4)
    if not label:
        key, label = key_from(key), key
    return {"key": key, "label": label, "help": words, "group": group}


def _parts(line: str, number: int) -> list[str]:
    parts = [part.replace("\\|", "|").strip() for part in BAR.split(line, number - 1)]
    return parts + [""] * (number - len(parts))


def _criterion(entry: Entry, had: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {name: entry.values[name] for name in TEXTS}
    values |= {name: _number(entry.values[name]) for name in NUMBERS}
    values["weight"] = 1.0 if values["weight"] is None else values["weight"]
    values["options"] = [
        _option(line, entry.values["type"], had)
        for line in entry.values["options"].splitlines()
        if line.strip()
    ]
    return values | entry.flags


def _option(line: str, kind: str, had: Mapping[str, Any]) -> dict[str, Any]:
    value, label, words = _parts(line, 3)
    whole = kind == CriterionType.SCALE and re.fullmatch("-?[0-9]{1,9}", value)
    return {
        "value": had.get(value, int(value) if whole else value),
        "label": label or value,
        "help": words,
    }


def _option_name(found: re.Match[str]) -> str:
    return f"option {int(found[1]) + 1}{':' if found[2] else ''} "


def _number(text: str) -> Any:
    """A number, or the text as it is, which the check refuses in words."""
    try:
        return float(text) if text else None
    except ValueError:
        return text


def errors_by_place(errors: Iterable[Mapping[str, Any]]) -> tuple[dict[int, list[str]], list[str]]:
    """Errors of each criterion by its place, and those of nothing in particular."""
    found: dict[int, list[str]] = {}
    other = []
    for error in errors:
        name, words = str(error["field"]), str(error["error"])
        if name.startswith("criteria[") and (place := name[9:].partition("]")[0]).isdigit():
            label = OPTION.sub(_option_name, name.partition("].")[2]).replace("_", " ")
            found.setdefault(int(place), []).append(f"{label} {words}".strip())
        else:
            other.append(f"{name.replace('_', ' ')} {words}".strip())
    return found, other
