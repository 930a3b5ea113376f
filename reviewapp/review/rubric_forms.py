"""Reads what an editor or the API sends as a rubric: every field checked, every error with its place."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from ingest import sanitising
from reviewapp.review.models import VERDICT, CriterionType, Shown
from reviewapp.review.refusals import Invalid

KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
MOST_CRITERIA, MOST_OPTIONS, MOST_MODES = 30, 30, 60
LONGEST = 20_000
WITH_OPTIONS = frozenset({CriterionType.CHOICE, CriterionType.MULTIPLE_CHOICE, CriterionType.SCALE})
NAMES = frozenset(
    {
        "key", "title", "help", "type", "options", "minimum", "maximum", "pass_example", "fail_example",
        "weight", "critical", "required", "shown",
    }
)  # fmt: skip
IGNORED = frozenset({"meaning", "position"})
DEFAULT_VERDICT: dict[str, Any] = {"key": VERDICT, "title": "Verdict", "type": "pass_fail"}


class _Reader:
    """Collects the errors, so that an editor sees all of them at once."""

    def __init__(self) -> None:
        self.errors: list[dict[str, Any]] = []

    def refuse(self, place: str, words: str) -> None:
        self.errors.append({"field": place, "error": words})

    def text(self, place: str, value: Any, longest: int = LONGEST) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            self.refuse(place, "must be text")
            return ""
        if len(value) > longest:
            self.refuse(place, f"has at most {longest} characters")
        return sanitising.text(value.strip(), set())

    def flag(self, place: str, value: Any) -> bool:
        if not isinstance(value, bool):
            self.refuse(place, "must be true or false")
        return bool(value)

    def number(self, place: str, value: Any) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            self.refuse(place, "must be a number")
            return None
        return float(value)

    def key(self, place: str, value: Any) -> str:
        if not isinstance(value, str) or not KEY.fullmatch(value):
            self.refuse(place, "must be 1 to 60 of a-z, 0-9, _ and -, beginning with a letter or digit")
            return ""
        return value

    def done(self, words: str) -> None:
        if self.errors:
            raise Invalid(words, self.errors)


def _is_finite(value: float) -> bool:
    return abs(value) < 1e15 if isinstance(value, int) else math.isfinite(value)


def read_text(value: Any) -> str:
    reader = _Reader()
    text = reader.text("guidelines", value)
    reader.done("The text cannot be saved.")
    return text


def read_criteria(given: Any) -> list[dict[str, Any]]:
    """The criteria with every field present; the verdict is added where it is not named. Raises Invalid."""
    reader = _Reader()
    if not isinstance(given, list) or len(given) > MOST_CRITERIA:
        reader.refuse("criteria", f"must be a list of at most {MOST_CRITERIA}")
        reader.done("The criteria cannot be read.")
    found = [_criterion(reader, f"criteria[{index}]", values) for index, values in enumerate(given)]
    _refuse_twice(reader, "criteria", [values["key"] for values in found])
    if not any(values["key"] == VERDICT for values in found):
        found.insert(0, _criterion(reader, "criteria", DEFAULT_VERDICT))
    reader.done("The criteria cannot be saved: see each field.")
    return found


def _criterion(reader: _Reader, place: str, values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        reader.refuse(place, "must be an object")
        values = {}
    for name in values:
        if name not in NAMES | IGNORED:
            reader.refuse(f"{place}.{name}", "is not a field of a criterion")
    kind = values.get("type", "pass_fail")
    if kind not in CriterionType.values:
        reader.refuse(f"{place}.type", f"must be one of {', '.join(CriterionType.values)}")
        kind = "pass_fail"
    read = {
        "key": reader.key(f"{place}.key", values.get("key")),
        "title": reader.text(f"{place}.title", values.get("title") or values.get("key"), 200),
        "type": CriterionType(kind),
        "options": _options(reader, f"{place}.options", kind, values.get("options")),
        "minimum": reader.number(f"{place}.minimum", values.get("minimum")),
        "maximum": reader.number(f"{place}.maximum", values.get("maximum")),
        "weight": _weight(reader, f"{place}.weight", values.get("weight", 1.0)),
        "critical": reader.flag(f"{place}.critical", values.get("critical", False)),
        "required": reader.flag(f"{place}.required", values.get("required", False)),
        "shown": _shown(reader, f"{place}.shown", values.get("shown", Shown.ALWAYS)),
    }
    for name in ("help", "pass_example", "fail_example"):
        read[name] = reader.text(f"{place}.{name}", values.get(name), 2000)
    _check_range(reader, place, read)
    _check_effect(reader, place, read)
    return _as_verdict(reader, place, read) if read["key"] == VERDICT else read


def _as_verdict(reader: _Reader, place: str, read: dict[str, Any]) -> dict[str, Any]:
    if read["type"] != CriterionType.PASS_FAIL or read["shown"] != Shown.ALWAYS:
        reader.refuse(place, "the verdict is always pass / fail / can't tell, and always asked")
    return read | {"required": True, "type": CriterionType.PASS_FAIL, "shown": Shown.ALWAYS}


def _check_range(reader: _Reader, place: str, read: dict[str, Any]) -> None:
    low, high = read["minimum"], read["maximum"]
    if read["type"] != CriterionType.NUMBER:
        read["minimum"] = read["maximum"] = None
    elif low is not None and high is not None and low >= high:
        reader.refuse(f"{place}.maximum", "must be greater than the minimum")


def _check_effect(reader: _Reader, place: str, read: dict[str, Any]) -> None:
    """Refuse what would do nothing: the verdict is the whole itself, other answers fail nothing, and what
    is asked after a fail comes too late for it."""
    if read["type"] == CriterionType.PASS_FAIL and read["key"] != VERDICT:
        if read["critical"] and read["shown"] == Shown.AFTER_FAIL:
            words = "has no effect on what is asked only after fail: take the mark off, or ask always"
            reader.refuse(f"{place}.critical", words)
        return
    words = "is for pass / fail criteria beside the verdict"
    if read["critical"]:
        reader.refuse(f"{place}.critical", f"{words}: take the mark off, or ask for pass / fail")
    if read["weight"] != 1:
        reader.refuse(f"{place}.weight", f"{words}: leave it at 1, or ask for pass / fail")


def _weight(reader: _Reader, place: str, value: Any) -> float:
    weight = reader.number(place, value)
    if weight is None or not 0 <= weight <= 100:
        reader.refuse(place, "must lie between 0 and 100")
        return 1.0
    return weight


def _shown(reader: _Reader, place: str, value: Any) -> Shown:
    if value not in Shown.values:
        reader.refuse(place, f"must be one of {', '.join(Shown.values)}")
        return Shown.ALWAYS
    return Shown(value)


def _options(reader: _Reader, place: str, kind: str, given: Any) -> list[dict[str, Any]]:
    if kind not in WITH_OPTIONS:
        return []
    if not isinstance(given, list):
        reader.refuse(place, f"must be a list of 2 to {MOST_OPTIONS} options")
        return []
    if not 2 <= len(given) <= MOST_OPTIONS:
        reader.refuse(place, f"takes 2 to {MOST_OPTIONS} options, not {len(given)}")
        return []
    options = [_option(reader, f"{place}[{index}]", option) for index, option in enumerate(given)]
    _refuse_twice(reader, place, [str(option["value"]) for option in options])
    return options


def _option(reader: _Reader, place: str, given: Any) -> dict[str, Any]:
    values = given if isinstance(given, dict) else {"value": given}
    value = values.get("value")
    if isinstance(value, str):
        value = reader.text(f"{place}.value", value, 100)
    if value in ("", None) or isinstance(value, bool) or not isinstance(value, str | int):
        reader.refuse(f"{place}.value", "must be a text or a whole number")
        value = ""
    return {
        "value": value,
        "label": reader.text(f"{place}.label", values.get("label") or str(value), 200),
        "help": reader.text(f"{place}.help", values.get("help"), 1000),
    }


def read_modes(given: Any) -> list[dict[str, str]]:
    """The failure modes; a plain text is a label. Raises Invalid."""
    reader = _Reader()
    if not isinstance(given, list):
        reader.refuse("failure_modes", f"must be a list of at most {MOST_MODES}")
    elif len(given) > MOST_MODES:
        reader.refuse("failure_modes", f"takes at most {MOST_MODES}, not {len(given)}")
    if reader.errors:
        reader.done("The failure modes cannot be read.")
    modes = [_mode(reader, f"failure_modes[{index}]", values) for index, values in enumerate(given)]
    _refuse_twice(reader, "failure_modes", [mode["key"] for mode in modes])
    reader.done("The failure modes cannot be saved: see each field.")
    return modes


def _mode(reader: _Reader, place: str, given: Any) -> dict[str, str]:
    values = given if isinstance(given, dict) else {"label": given}
    label = reader.text(f"{place}.label", values.get("label"), 200)
    key = values.get("key") or key_from(label)
    if key or label:
        key = reader.key(f"{place}.key", key)
    else:
        reader.refuse(f"{place}.label", "is needed")
    return {
        "key": key,
        "label": label or str(key),
        "help": reader.text(f"{place}.help", values.get("help"), 1000),
        "group": reader.text(f"{place}.group", values.get("group"), 60),
    }


def key_from(label: str) -> str:
    """A key in the form of all keys, from words."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:60]


def _refuse_twice(reader: _Reader, place: str, keys: Sequence[str]) -> None:
    for index, key in enumerate(keys):
        if key and key in keys[:index]:
            reader.refuse(f"{place}[{index}]", f"{key!r} is there already")
