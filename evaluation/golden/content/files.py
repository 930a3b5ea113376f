"""Which cases does a file hold? JSON Lines, JSON, CSV with our flat columns, or YAML."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from evaluation.golden.content.flat import COLUMNS
from ingest import documents, limits

MOST_CASES = 20_000
YAML_BYTES = 4 * 1024 * 1024
_JSON_COLUMNS = ("messages", "assertions", "tags", "failure_modes")
_METADATA = ("source", "trace_id", "failure_modes")
_LINE_END = re.compile("\r\n|\r|\n")
_OTHER_NAMES = {
    "question": "input",
    "prompt": "input",
    "answer": "expected",
    "target": "expected",
    "output": "expected",
}


class Unreadable(ValueError):
    """A file of which nothing can be read."""


@dataclass(frozen=True, slots=True)
class File:
    """The values, with a Malformed in the place of one that cannot be read, and on which lines they stand."""

    values: list[Any]
    lines: list[int]


def lines_of(content: bytes, count: int) -> list[int]:
    """The numbers of the lines that are not empty, where each of so many values has one of them."""
    numbers = [number for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    return numbers if len(numbers) == count else []


def read(content: bytes, name: str) -> File:
    """Raises Unreadable."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        raise Unreadable("The file is empty.")
    kind = name.rpartition(".")[2].lower()
    reader = {"csv": _csv, "yaml": _yaml, "yml": _yaml, "json": _json}.get(kind, _lines)
    try:
        found = reader(content)
    except UnicodeDecodeError:
        raise Unreadable("The file is not UTF-8.") from None
    if len(found.values) > MOST_CASES:
        raise Unreadable(f"The file holds more than {MOST_CASES} cases; split it.")
    return found


def _lines(content: bytes) -> File:
    values = [_line(line) for line in content.split(b"\n") if line.strip()]
    return File(values, lines_of(content, len(values)))


def _line(line: bytes) -> Any:
    try:
        return documents.parse(line)
    except documents.Malformed as error:
        return error


def _json(content: bytes) -> File:
    try:
        value = documents.parse(content)
    except documents.Malformed as error:
        raise Unreadable(f"The file is not JSON: {error}") from None
    return File(value if isinstance(value, list) else [value], [])


def _yaml(content: bytes) -> File:
    import yaml

    if len(content) > YAML_BYTES:
        raise Unreadable("A YAML file may have 4 MiB; use JSON Lines for more.")
    try:
        value, items = _loaded(content)
        plain = msgspec.json.decode(msgspec.json.encode(value))
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise Unreadable(f"The file is not YAML that JSON could hold: {str(error)[:300]}") from None
    if isinstance(plain, dict) and isinstance(plain.get("cases"), list):
        plain = plain["cases"]
    values = plain if isinstance(plain, list) else [plain]
    return File(values, items if len(items) == len(values) else [])


def _loaded(content: bytes) -> tuple[Any, list[int]]:
    """The document, and the lines on which the items of its list begin. In C where that is there: ten times
    as fast, and without a check of how deep it goes."""
    import yaml

    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    depth = 0
    for event in yaml.parse(content, loader):
        # An alias can stand for a thousand others; cases need none.
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable("Aliases (*name) are not taken; write the values out.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > limits.NESTING:
            raise ValueError(f"it is nested deeper than {limits.NESTING} levels")
    parser = loader(content)
    try:
        node = parser.get_single_node()
        return (parser.construct_document(node), _begin(node)) if node else (None, [])
    finally:
        parser.dispose()


def _begin(node: Any) -> list[int]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        node = next((each for key, each in node.value if key.value == "cases"), node)
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    return [item.start_mark.line + 1 for item in items]


def _csv(content: bytes) -> File:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        names = [_OTHER_NAMES.get(name.strip().lower(), name.strip()) for name in reader.fieldnames or ()]
        if "input" not in names and "messages" not in names:
            raise Unreadable(
                f"The first line must name the columns, one of them input; known are {', '.join(COLUMNS)}."
            )
        reader.fieldnames = names
        return _rows(reader)
    except csv.Error as error:
        raise Unreadable(f"The file is not CSV: {error}") from None


def _rows(reader: csv.DictReader[Any]) -> File:
    """A cell may hold line ends: a row stands where it begins."""
    found = File([], [])
    for row in reader:
        found.values.append(_row(row))
        cells = "".join(each for each in row.values() if isinstance(each, str))
        found.lines.append(reader.line_num - len(_LINE_END.findall(cells)))
    return found


def _row(row: dict[str | Any, Any]) -> Any:
    if None in row:
        return documents.Malformed("it has more cells than there are columns")
    value: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    for name, cell in row.items():
        if not cell or name == "case_revision":
            continue
        text = _unquoted(cell)
        try:
            found = (
                msgspec.json.decode(text)
                if name in _JSON_COLUMNS and text[:1] in "[{"
                else _split(name, text)
            )
        except msgspec.DecodeError:
            return documents.Malformed(f"{name} is not JSON")
        (metadata if name in _METADATA else value)[name] = found
    if "critical" in value:
        value["critical"] = str(value["critical"]).lower() in ("true", "1", "yes")
    if messages := value.pop("messages", None):
        value["input"] = {"messages": messages}
    return {**value, **({"metadata": metadata} if metadata else {})}


def _split(name: str, text: str) -> Any:
    if name in ("tags", "failure_modes"):
        return [each.strip() for each in text.split(",") if each.strip()]
    return text


def _unquoted(cell: str) -> str:
    """What our own CSV puts before a cell that a spreadsheet would run."""
    return cell[1:] if cell.startswith("'") and cell[1:2] in "=+-@\t\r\n" else cell
