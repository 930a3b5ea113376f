"""Makes text and values from outside fit for a database and a page, and flags what was changed.

What is changed is marked in the text itself and as a flag of the trace: `cut` (longer or deeper than the
limits), `sanitised` (characters no database keeps, numbers no JSON knows, times out of range).
"""

from __future__ import annotations

import math
from typing import Any

from ingest import limits
from ingest.records import canonical_json

CUT = "cut"
SANITISED = "sanitised"
CUT_MARK = " …[cut]"
NUL_MARK = "\ufffd"
TOO_DEEP = "[nested too deep]"
# A JavaScript number and a jsonb reader agree on integers up to this size; larger ones are kept as text.
LARGEST_INTEGER = 2**63


def text(value: str, flags: set[str], limit: int = limits.TEXT_CHARACTERS) -> str:
    """The text without NUL and lone surrogates, at most `limit` characters long."""
    if "\x00" in value:
        value = value.replace("\x00", NUL_MARK)
        flags.add(SANITISED)
    if not value.isascii() and _has_surrogate(value):
        value = value.encode("utf-8", "replace").decode()
        flags.add(SANITISED)
    if len(value) > limit:
        value = value[: limit - len(CUT_MARK)] + CUT_MARK
        flags.add(CUT)
    return value


def _has_surrogate(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def number(value: float, flags: set[str]) -> float | str:
    """The number, or its name where JSON has none for it (NaN, Infinity)."""
    if math.isfinite(value):
        return value
    flags.add(SANITISED)
    return str(value)


def integer(value: int, flags: set[str]) -> int | str:
    if -LARGEST_INTEGER <= value < LARGEST_INTEGER:
        return value
    flags.add(SANITISED)
    return str(value)


def json_value(value: Any, flags: set[str], depth: int = 0) -> Any:
    """A decoded JSON value with every text, number and level of it within limits."""
    match value:
        case str():
            return text(value, flags)
        case bool() | None:
            return value
        case int():
            return integer(value, flags)
        case float():
            return number(value, flags)
    if depth >= limits.NESTING:
        flags.add(CUT)
        return TOO_DEEP
    if isinstance(value, dict):
        return {
            text(str(key), flags, limits.NAME_CHARACTERS): json_value(item, flags, depth + 1)
            for key, item in value.items()
        }
    return [json_value(item, flags, depth + 1) for item in value]


def nanoseconds(value: int, flags: set[str]) -> int | None:
    """A time in ns since 1970, or None where it is absent (0) or no time that traces are made in."""
    if limits.EARLIEST_NS <= value < limits.LATEST_NS:
        return value
    if value:
        flags.add(SANITISED)
    return None


def bounded(value: Any, flags: set[str]) -> Any:
    """The value; a list or map whose JSON is longer than a text may be becomes that JSON, cut, as text."""
    if isinstance(value, (list, dict)):
        spelled = canonical_json(value)
        if len(spelled) > limits.TEXT_CHARACTERS:
            return text(spelled.decode(), flags)
    return value


def attributes(given: dict[str, Any], flags: set[str]) -> dict[str, Any]:
    """Sanitised values under names fit to be stored, none larger and no more of them than the limits."""
    if len(given) > limits.ATTRIBUTES:
        flags.add(CUT)
        given = dict(list(given.items())[: limits.ATTRIBUTES])
    for name, value in given.items():
        if type(value) in (list, dict):
            given[name] = bounded(value, flags)
    joined = "".join(given)
    if joined.isascii() and "\x00" not in joined and len(joined) <= limits.NAME_CHARACTERS:
        return given
    return {text(name, flags, limits.NAME_CHARACTERS): value for name, value in given.items()}
