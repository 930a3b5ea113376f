"""How does a case read as a promptfoo test? Its texts stay texts, and no assertion is left out in silence.

promptfoo renders every text as a template and loads what starts with file://, so both are written apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from evaluation.golden.content.assertions import (
    DEFAULT_BLEU,
    DEFAULT_ROUGE,
    is_number,
    kind_of,
    number_of,
    threshold_of,
)
from evaluation.golden.content.lines import expected_text, input_text, messages_of
from ingest.json_objects import Json

_TEMPLATE = re.compile(r"\{+[{%#]|\{*[}%#]\}")
# JavaScript for the last number of an output.
_LAST = (
    r"(String(output).replace(/,/g, '')"
    r".match(/[-+]?(\d+(\.\d+)?|\.\d+)([eE][-+]?\d+)?/g) || ['NaN']).pop()"
)
_LOADED = re.compile(r"^(file|package|exec|python|https?|env)(:)", re.IGNORECASE)


def test_of(value: Json) -> Json:
    reference = expected_text(value["expected"])
    return {
        "description": value["id"],
        "vars": {
            "case_id": literal(value["id"]),
            "input": literal(input_text(value["input"])),
            "messages": literal(msgspec.json.encode(messages_of(value["input"])).decode()),
            "expected": literal(reference),
        },
        "assert": [_assertion(each, reference) for each in value["assertions"]] or [_by_expected(reference)],
        "metadata": {
            "case_id": value["id"],
            "case_revision": value["metadata"]["case_revision"],
            "critical": value["critical"],
            "split": value["split"],
            "tags": value["tags"],
        },
    }


def literal(text: str) -> str:
    """A template that renders to exactly this text."""
    apart = _TEMPLATE.sub(lambda found: "{{ '" + found.group() + "' }}", text)
    return _LOADED.sub(r"\1{{ '\2' }}", apart)


def _by_expected(reference: str) -> Json:
    if reference:
        return {"type": "equals", "value": literal(reference)}
    return _cannot("the case has neither an assertion nor an expected answer")


def _cannot(why: str) -> Json:
    """Fails, since a test without assertions would pass."""
    return {"type": "javascript", "value": "false", "metric": why}


def _assertion(each: Json, reference: str) -> Json:
    kind = kind_of(each.get("type"))
    return _WRITERS.get(kind, _run_elsewhere)(each, reference)


def _run_elsewhere(each: Json, _: str) -> Json:
    return _cannot(f"{each.get('type')}: run it with touchstone.py")


def _same(name: str) -> Callable[[Json, str], Json]:
    return lambda each, _: {"type": name, "value": _literals(each.get("value"))}


def _literals(value: Any) -> Any:
    if isinstance(value, list):
        return [_literals(part) for part in value]
    return literal(value) if isinstance(value, str) else value


def _contains(one: str, many: str) -> Callable[[Json, str], Json]:
    def write(each: Json, _: str) -> Json:
        value = each.get("value")
        return {"type": many if isinstance(value, list) else one, "value": _literals(value)}

    return write


def _not_contains(each: Json, _: str) -> Json:
    value = each.get("value")
    return {
        "type": "not-contains-any" if isinstance(value, list) else "not-contains",
        "value": _literals(value),
    }


def _numeric(each: Json, _: str) -> Json:
    number, tolerance = number_of(each)
    return {"type": "javascript", "value": f"Math.abs(Number({_LAST}) - ({number!r})) <= {tolerance!r}"}


def _overlap(name: str, otherwise: float) -> Callable[[Json, str], Json]:
    def write(each: Json, reference: str) -> Json:
        value = each.get("value")
        given = value if isinstance(value, dict) else {"reference": "" if is_number(value) else value}
        wanted = given.get("reference") or reference
        return {"type": name, "value": literal(str(wanted)), "threshold": threshold_of(each, otherwise)}

    return write


def _rubric(each: Json, _: str) -> Json:
    value = each.get("value")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {"type": "llm-rubric", "value": literal(text)}


_WRITERS: dict[str, Callable[[Json, str], Json]] = {
    "exact": _same("equals"),
    "contains": _contains("contains", "contains-all"),
    "contains_any": _contains("contains", "contains-any"),
    "icontains": _contains("icontains", "icontains-all"),
    "not_contains": _not_contains,
    "regex": _same("regex"),
    "not_regex": _same("not-regex"),
    "json_schema": lambda each, _: {"type": "is-json", "value": each.get("value")},
    "numeric": _numeric,
    "rouge_l": _overlap("rouge-n", DEFAULT_ROUGE),
    "bleu": _overlap("bleu", DEFAULT_BLEU),
    "rubric": _rubric,
}
