"""What did a form of many rows send? The name of a field begins with the place of its row."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import QueryDict

from reviewapp import numerals

# Far more than may be saved, so that what was typed beyond that is shown again and refused in words.
MOST_ROWS = 200


def text(posted: QueryDict, name: str) -> str:
    return posted.get(name, "").replace("\r\n", "\n").replace("\0", "").strip()


def texts(posted: QueryDict, row: str, names: Iterable[str]) -> dict[str, str]:
    return {name: text(posted, f"{row}-{name}") for name in names}


def places(posted: QueryDict, before: str) -> list[int]:
    """The numbers of the rows whose fields are named `<before><number>-<name>`, in their order."""
    ends = (name[len(before) :].partition("-") for name in posted if name.startswith(before))
    found = {numerals.whole(number, 3) for number, dash, _ in ends if dash}
    return sorted(number for number in found if number is not None)[:MOST_ROWS]


def pasted(posted: QueryDict, before: str, names: Iterable[str]) -> list[dict[str, str]]:
    """A list that was pasted whole: a row for each line, its columns parted by tabs, as from a table."""
    columns = tuple(names)
    lines = [line.split("\t") for line in text(posted, f"{before}-pasted").splitlines() if line.strip()]
    return [dict.fromkeys(columns, "") | _by_column(line, columns) for line in lines[:MOST_ROWS]]


def _by_column(cells: list[str], columns: tuple[str, ...]) -> dict[str, str]:
    """One cell alone is a label, whichever column that is."""
    named = ("label",) if len(cells) == 1 else columns
    return {name: cell.strip() for name, cell in zip(named, cells, strict=False)}
