"""What does an attribute's value say, whatever JSON type it has: text, a number, JSON in a string?

Every function answers for every input and never raises: senders disagree about types, and cut strings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ingest import sanitising
from ingest.json_objects import Json

MAX_DEPTH = 64
# Above these a number is no count of tokens and no price of a call, and its sum would not fit a column.
MAX_COUNT = 10**12
TOO_DEEP = "(nested too deeply to show)"


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


_decoder = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite)


def parse(value: Any) -> Any:
    """The JSON document in a string; any other value, and a string that is none, as it is.

    An escaped NUL or lone surrogate inside the document becomes U+FFFD, since the database stores neither.
    """
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        parsed = _decoder.decode(value)
    except (ValueError, RecursionError):
        parsed = _complete_items(value.lstrip()) or value
    if value.count("[") + value.count("{") > MAX_DEPTH and not shallow(parsed):
        return value
    return sanitising.json_value(parsed, set()) if "\\u" in value else parsed


def _complete_items(text: str) -> list[Any]:
    """The items before the cut of a list that was cut at a size limit, and the rest as text."""
    items: list[Any] = []
    position = 1
    try:
        while text[0] == "[" and text[position] == "{":
            item, position = _decoder.raw_decode(text, position)
            items.append(item)
            position = _after_comma(text, position)
    except (ValueError, RecursionError, IndexError):
        pass
    return [*items, text[position:]] if items else []


def _after_comma(text: str, position: int) -> int:
    while text[position] in ", \t\r\n":
        position += 1
    return position


def shallow(value: Any) -> bool:
    """Whether a value can be written as JSON without running into a recursion limit."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for each in level if isinstance(each, dict | list) for child in _children(each)]
        if not level:
            return True
    return False


def _children(container: dict[str, Any] | list[Any]) -> Iterator[Any]:
    return iter(container.values() if isinstance(container, dict) else container)


def kept(value: Any) -> Any:
    return value if shallow(value) else TOO_DEEP


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if shallow(value) else TOO_DEEP


def text(value: Any) -> str:
    """A string as it is, a number in digits; containers, booleans and null say nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return dump(value) if abs(value) < 10**18 else ""
    return ""


def first_text(attributes: Mapping[str, Any], *keys: str) -> str:
    for key in keys:
        value = attributes.get(key)
        if value is not None and (found := text(value)):
            return found
    return ""


def number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def first_number(attributes: Mapping[str, Any], *keys: str) -> float | None:
    """The first that can be an amount: finite and not negative."""
    for key in keys:
        found = number(attributes.get(key))
        if found is not None and 0 <= found <= MAX_COUNT:
            return found
    return None


def first_count(attributes: Mapping[str, Any], *keys: str) -> int | None:
    found = first_number(attributes, *keys)
    return None if found is None else int(found)


def texts(value: Any) -> list[str]:
    """The texts of a list, of a JSON list in a string, or of one plain string."""
    found = parse(value)
    return [each for each in map(text, found if isinstance(found, list) else [found]) if each]


def mapping(value: Any) -> Json:
    found = parse(value)
    return found if isinstance(found, dict) else {}


def numbered(attributes: Mapping[str, Any], prefix: str) -> list[Json]:
    """`prefix.N.rest` keys as one dictionary of rests for each N, in order of N, however far apart."""
    groups: dict[int, Json] = {}
    start = len(prefix) + 1
    for key, value in attributes.items():
        if not key.startswith(prefix) or key[start - 1 : start] != ".":
            continue
        index, _, rest = key[start:].partition(".")
        if index.isascii() and index.isdecimal() and len(index) < 19:
            groups.setdefault(int(index), {})[rest] = value
    return [groups[index] for index in sorted(groups)]


def flattened(value: Any) -> Json:
    """A nested value with dotted keys: `{"a": {"b": [1]}}` as `{"a.b.0": 1}`."""
    flat: Json = {}
    level: list[tuple[str, Any]] = [("", value)]
    for _ in range(MAX_DEPTH):
        deeper: list[tuple[str, Any]] = []
        for path, each in level:
            if isinstance(each, dict) and each:
                deeper += [(f"{path}.{key}" if path else key, child) for key, child in each.items()]
            elif isinstance(each, list) and each and any(isinstance(item, dict) for item in each):
                deeper += [(f"{path}.{index}", child) for index, child in enumerate(each)]
            else:
                flat[path] = each
        level = deeper
    return flat


def scalars(value: Any) -> Json:
    """The plain values of an object, its texts and numbers and truths."""
    return {key: each for key, each in mapping(value).items() if isinstance(each, str | int | float)}
