"""What of a form stands where on the editor's page: rows with their ids and errors, the picker of modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reviewapp.review import mode_rows
from reviewapp.review.editor import OPTION, Entry, Form
from reviewapp.review.mode_rows import Mode
from reviewapp.review.rubric_forms import MOST_CRITERIA, MOST_MODES, MOST_OPTIONS

# So many are there to be filled: a criterion that takes options cannot do with fewer.
FEWEST_OPTIONS = 2


@dataclass(frozen=True, slots=True)
class Row:
    """`name` is what its buttons call it; `values` are what its fields hold."""

    id: str
    name: str
    values: Any
    errors: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """A list with its errors. It may have `most` rows, of which there is `room` for more.

    `next` is the number of a row that is added; `blank` is one to be copied, with NEW for a number.
    """

    id: str
    rows: list[Row]
    errors: Sequence[str]
    most: int
    room: int
    next: int
    blank: Row


@dataclass(frozen=True, slots=True)
class CriterionRow:
    row: Row
    options: Rows
    is_near: bool

    @property
    def to_fix(self) -> int:
        of_options = sum(len(each.errors) for each in self.options.rows)
        return len(self.row.errors) + len(self.options.errors) + of_options


@dataclass(frozen=True, slots=True)
class Group:
    """Of the taxonomy. What was put in other words is no longer in the picker, but told there."""

    name: str
    rows: list[Row]

    @property
    def is_chosen(self) -> bool:
        return all(each.values.is_chosen for each in self.rows)


@dataclass(frozen=True, slots=True)
class Page:
    """`near` is the id of the control that has the focus."""

    form: Form
    errors: Mapping[str, Sequence[str]]
    near: str

    def _row(self, row: str, name: str, values: Any) -> Row:
        return Row(row, name, values, self.errors.get(row, ()))

    @property
    def is_full(self) -> bool:
        return len(self.form.entries) >= MOST_CRITERIA

    @property
    def criteria(self) -> list[CriterionRow]:
        return [self._criterion(f"c{place}", entry) for place, entry in enumerate(self.form.entries)]

    def _criterion(self, row: str, entry: Entry) -> CriterionRow:
        missing = FEWEST_OPTIONS - len(entry.options)
        given = [*entry.options, *(dict.fromkeys(OPTION, "") for _ in range(missing))]
        options = [
            self._row(f"{row}-o{place}", f"option {place + 1}", values) for place, values in enumerate(given)
        ]
        blank = Row(f"{row}-oNEW", "the new option", dict.fromkeys(OPTION, ""))
        number, errors = len(options), self.errors.get(f"{row}-o", ())
        return CriterionRow(
            self._row(row, entry.values["title"] or "the new criterion", entry),
            Rows(f"{row}-o", options, errors, MOST_OPTIONS, MOST_OPTIONS - number, number, blank),
            self.near.startswith(f"{row}-"),
        )

    @property
    def modes(self) -> Rows:
        """The rows of one's own; together with those that were picked they may be so many."""
        own = [
            self._row(f"m{place}", mode.label or "the new mode", mode)
            for place, mode in enumerate(self.form.modes)
            if mode.is_row
        ]
        room = MOST_MODES - sum(mode.is_chosen for mode in self.form.modes)
        blank = Row("mNEW", "the new mode", Mode(""))
        return Rows("m", own, self.errors.get("m", ()), MOST_MODES, room, len(self.form.modes), blank)

    @property
    def picker(self) -> list[Group]:
        # A row may have the key of one that is picked, which is refused on saving: both are shown.
        by_kind = sorted(enumerate(self.form.modes), key=lambda each: not each[1].is_row)
        places = {mode.key: place for place, mode in by_kind}
        found: dict[str, list[Row]] = {group: [] for group in mode_rows.GROUPS}
        for key, values in mode_rows.TAXONOMY.items():
            mode = self.form.modes[places[key]]
            found[values["group"]].append(self._row(f"m{places[key]}", values["label"], mode))
        return [Group(name, rows) for name, rows in found.items()]

    @property
    def groups(self) -> list[str]:
        """That a mode can be of, to choose from while one types."""
        return list(
            dict.fromkeys([*mode_rows.GROUPS, *(mode.group for mode in self.form.modes if mode.group)])
        )
