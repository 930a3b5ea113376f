"""A draft as a form: rows of fields by their place, and back; what it says is checked elsewhere.

Rows have ids, with which the names of their fields begin: c1 a criterion, c1-o2 its option, m3 a mode.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from reviewapp import numerals
from reviewapp.review import mode_rows, rubrics
from reviewapp.review import posted as fields
from reviewapp.review.mode_rows import Mode
from reviewapp.review.models import VERDICT, CriterionRevision, CriterionType, RubricVersion, Shown
from reviewapp.review.rubric_forms import key_from
from reviewapp.review.rubrics import Content

TEXTS = ("key", "title", "help", "type", "shown", "pass_example", "fail_example")
FLAGS = ("critical", "required")
NUMBERS = ("minimum", "maximum", "weight")
OPTION = ("value", "label", "help")
WHOLE = re.compile("-?[0-9]{1,9}")
# Where an error is, as the check names it.
IN_CRITERION = re.compile(r"criteria\[(\d+)\](?:\.(?!options)(\w+))?")
IN_OPTIONS = re.compile(r"criteria\[(\d+)\]\.options(?:\[(\d+)\](?:\.(\w+))?)?")
IN_MODES = re.compile(r"failure_modes(?:\[(\d+)\](?:\.(\w+))?)?")


@dataclass(slots=True)
class Entry:
    """One criterion as the form has it; its options are rows of value, label and help."""

    values: dict[str, str]
    options: list[dict[str, str]] = field(default_factory=list)
    flags: dict[str, bool] = field(default_factory=dict)
    new_meaning: bool = False

    @property
    def is_verdict(self) -> bool:
        return self.values.get("key") == VERDICT


@dataclass(slots=True)
class Form:
    """`opened` is what it was opened with, as `reconciling` reads it."""

    entries: list[Entry] = field(default_factory=list)
    modes: list[Mode] = field(default_factory=lambda: mode_rows.with_taxonomy([]))
    guidelines: str = ""
    changelog: str = ""
    edit: int = 1
    opened: str = ""


def of_version(version: RubricVersion) -> Form:
    criteria, declared = version.criteria.order_by("position", "pk"), rubrics.declared(version)
    return Form(
        entries=[_entry(criterion, criterion.key in declared) for criterion in criteria],
        modes=mode_rows.of_version(version),
        guidelines=version.guidelines,
        changelog=version.changelog,
        edit=version.edit,
    )


def _entry(criterion: CriterionRevision, new_meaning: bool) -> Entry:
    values = {name: str(getattr(criterion, name)) for name in TEXTS}
    for name in NUMBERS:
        value = getattr(criterion, name)
        values[name] = "" if value is None else f"{value:.15g}"
    options = [
        {"value": _typed(option["value"]), "label": _typed(option["label"]), "help": option.get("help", "")}
        for option in criterion.options
    ]
    flags = {"critical": criterion.is_critical, "required": criterion.required}
    if not criterion.weighs:
        # From a version that could still say otherwise, without effect.
        values["weight"] = "1"
    return Entry(values, options, flags, new_meaning)


def _typed(value: object) -> str:
    """As a field of one line sends it back."""
    return "".join(str(value).splitlines()).strip()


def of_post(posted: QueryDict) -> Form:
    return Form(
        entries=[_posted(posted, f"c{place}") for place in fields.places(posted, "c")],
        modes=mode_rows.of_post(posted),
        guidelines=fields.text(posted, "guidelines"),
        changelog=fields.text(posted, "changelog"),
        edit=numerals.whole(posted.get("edit", "")) or 0,
        opened=posted.get("opened", ""),
    )


def _posted(posted: QueryDict, row: str) -> Entry:
    values = fields.texts(posted, row, (*TEXTS, *NUMBERS))
    values["key"] = values["key"] or key_from(values["title"])
    rows = [f"{row}-o{place}" for place in fields.places(posted, f"{row}-o")]
    return Entry(
        values,
        [fields.texts(posted, each, OPTION) for each in rows],
        {name: f"{row}-{name}" in posted for name in FLAGS},
        f"{row}-new_meaning" in posted,
    )


def blank() -> Entry:
    values = dict.fromkeys((*TEXTS, *NUMBERS), "")
    return Entry(values | {"type": CriterionType.PASS_FAIL.value, "shown": Shown.ALWAYS.value, "weight": "1"})


def content(form: Form, base: RubricVersion | None = None) -> Content:
    """`base` is the version before: options that it had keep their values, which a form sends as text."""
    had = _values_of(base)
    return Content(
        guidelines=form.guidelines,
        failure_modes=[form.modes[place].values for place in mode_rows.chosen(form.modes)],
        criteria=[_criterion(entry, had.get(entry.values["key"], {})) for entry in form.entries],
        changelog=form.changelog,
        new_meaning=frozenset(entry.values["key"] for entry in form.entries if entry.new_meaning),
    )


def _values_of(base: RubricVersion | None) -> dict[str, dict[str, Any]]:
    criteria = base.criteria.all() if base is not None else ()
    return {
        each.key: {_typed(option["value"]): option["value"] for option in each.options} for each in criteria
    }


def _criterion(entry: Entry, had: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {name: entry.values[name] for name in TEXTS}
    values |= {name: _number(entry.values[name]) for name in NUMBERS}
    values["weight"] = 1.0 if values["weight"] is None else values["weight"]
    values["options"] = [_option(told, entry.values["type"], had) for _, told in options(entry)]
    return values | entry.flags


def options(entry: Entry) -> list[tuple[int, dict[str, str]]]:
    """Those that hold something, each with its place: its value is made where there is none."""
    filled = [(place, row) for place, row in enumerate(entry.options) if any(row.values())]
    return [(place, _full(row, number, entry)) for number, (place, row) in enumerate(filled, 1)]


def _full(row: Mapping[str, str], number: int, entry: Entry) -> dict[str, str]:
    label, made = row["label"], key_from(row["label"]) or row["label"]
    if WHOLE.fullmatch(label):
        made = label
    elif label and entry.values["type"] == CriterionType.SCALE:
        made = str(number)
    value = row["value"] or made
    return {"value": value, "label": label or value, "help": row["help"]}


def _option(told: Mapping[str, str], kind: str, had: Mapping[str, Any]) -> dict[str, Any]:
    value = told["value"]
    is_whole = kind == CriterionType.SCALE and WHOLE.fullmatch(value)
    return {**told, "value": had.get(value, int(value) if is_whole else value)}


def _number(text: str) -> Any:
    """A number, or the text as it is, which the check refuses in words."""
    try:
        return float(text) if text else None
    except ValueError:
        return text


def errors_by_row(form: Form, errors: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """In words, by the id of the row or list that each is of; those of nothing in particular by "other"."""
    found: dict[str, list[str]] = {}
    for error in errors:
        row, name = _place(form, str(error["field"]))
        found.setdefault(row, []).append(f"{name.replace('_', ' ')} {error['error']}".strip())
    return found


def _place(form: Form, name: str) -> tuple[str, str]:
    """The row of a field and what it is called there. Rows that hold nothing were not checked."""
    if at := IN_CRITERION.fullmatch(name):
        return f"c{at[1]}", at[2] or ""
    if at := IN_OPTIONS.fullmatch(name):
        if at[2] is None:
            return f"c{at[1]}-o", ""
        place = options(form.entries[int(at[1])])[int(at[2])][0]
        return f"c{at[1]}-o{place}", at[3] or ""
    if at := IN_MODES.fullmatch(name):
        return ("m", "") if at[1] is None else (f"m{mode_rows.chosen(form.modes)[int(at[1])]}", at[2] or "")
    return "other", name
