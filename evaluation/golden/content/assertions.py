"""Does an output satisfy an assertion of a case? The kinds, what each accepts, and the scoring done here.

Nothing of a case is ever executed: patterns run in a linear-time engine, schemas fetch nothing, and Python
tests belong to the client's own runner.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.json_objects import Json

LONGEST_PATTERN = 2_000
_NUMBER = re.compile(r"[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?")
DEFAULT_ROUGE, DEFAULT_BLEU = 0.5, 0.3

# Other tools' names of the same kinds.
NAMES = {
    "exact": ("equals", "equal", "exact_match", "match"),
    "contains": ("contains_all", "includes"),
    "contains_any": (),
    "icontains": ("icontains_all",),
    "not_contains": ("excludes",),
    "regex": ("regexp", "matches", "pattern"),
    "not_regex": (),
    "json_schema": ("jsonschema", "schema", "is_json"),
    "numeric": ("numeric_tolerance", "number", "close"),
    "rouge_l": ("rougel", "rouge"),
    "bleu": ("sacrebleu",),
    "rubric": ("rubric_judge", "judge", "llm_rubric", "llm_judge", "model_graded"),
    "python": ("python_test", "unit_test", "pytest"),
}
_KINDS = {name: kind for kind, others in NAMES.items() for name in (kind, *others)}


class Unsuitable(ValueError):
    """An assertion that cannot be checked as it stands; says why."""


class Unscorable(Exception):
    """Not for the server to say: a judge or the client's own runner has to."""


@dataclass(frozen=True, slots=True)
class Check:
    """One assertion's outcome; `score` is between 0 and 1."""

    kind: str
    passed: bool
    score: float
    words: str


def kind_of(name: object) -> str:
    """The kind behind a type's name, whatever its spelling; empty when there is none."""
    return _KINDS.get(str(name).lower().replace("-", "_").replace(" ", "_"), "")


def check_form(assertion: object) -> str:
    """The kind of a well-formed assertion. Raises Unsuitable."""
    if not isinstance(assertion, dict):
        raise Unsuitable("must be an object with type and value")
    kind = kind_of(assertion.get("type"))
    if not kind:
        raise Unsuitable(f"type must be one of {', '.join(NAMES)}")
    if form := _FORMS.get(kind):
        form(assertion)
    return kind


def score(assertion: Json, output: str, reference: str = "") -> Check:
    """Raises Unscorable for kinds that are not the server's, Unsuitable for a broken assertion."""
    kind = kind_of(assertion.get("type"))
    scorer = _SCORERS.get(kind)
    if scorer is None:
        raise Unscorable(kind)
    return scorer(assertion, output, reference)


def _texts(assertion: Json) -> list[str]:
    value = assertion.get("value")
    texts: list[Any] = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise Unsuitable("value must be a text, or a list of texts")
    return texts


def _pattern(assertion: Json) -> Any:
    import re2

    value = assertion.get("value")
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATTERN:
        raise Unsuitable(f"value must be a pattern of at most {LONGEST_PATTERN} characters")
    try:
        options = re2.Options()
        options.log_errors = False
        return re2.compile(value, options)
    except re2.error as error:
        words = error.args[0] if error.args else ""
        words = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        raise Unsuitable(f"value is not a pattern that a linear-time engine takes: {words}") from None


def number_of(assertion: Json) -> tuple[float, float]:
    """The number and how far off an output may be."""
    given: Any = assertion.get("value")
    if not isinstance(given, dict):
        given = {"value": given}
    tolerance = given.get("tolerance", assertion.get("tolerance"))
    number = finite(given.get("value"))
    allowed = 0.0 if tolerance is None else finite(tolerance)
    if number is None or allowed is None or allowed < 0:
        raise Unsuitable("value must be a number, and tolerance a number of at least 0")
    return number, max(allowed, abs(number) * 1e-9)


def finite(value: object) -> float | None:
    """A number, or a text that is one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _schema(assertion: Json, checked: bool = False) -> Any:
    from evaluation.golden.content import schemas

    try:
        return schemas.validator(assertion.get("value"), checked)
    except schemas.BadSchema as error:
        raise Unsuitable(str(error)) from None


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _overlap(assertion: Json, otherwise: float) -> float:
    """The threshold of an assertion whose value is a reference text, or the threshold itself."""
    value = assertion.get("value")
    if value is not None and not is_number(value) and not isinstance(value, str | dict):
        raise Unsuitable("value must be the reference text, or the least overlap with the expected text")
    return threshold_of(assertion, otherwise)


def threshold_of(assertion: Json, otherwise: float) -> float:
    value, given = assertion.get("value"), assertion.get("threshold", otherwise)
    if isinstance(value, dict):
        given = value.get("threshold", given)
    elif is_number(value) and "threshold" not in assertion:
        given = value
    number = finite(given)
    if number is None or not 0 <= number <= 1:
        raise Unsuitable("threshold must be between 0 and 1")
    return number


def _reference(assertion: Json, otherwise: str) -> str:
    value = assertion.get("value")
    if isinstance(value, dict):
        value = value.get("reference", value.get("value"))
    found = otherwise if value in (None, "") or is_number(value) else value
    if not isinstance(found, str) or not found:
        raise Unsuitable("value must be the reference text")
    return found


def _prose(assertion: Json) -> None:
    value = assertion.get("value")
    if not isinstance(value, str | dict | list) or not value:
        raise Unsuitable("value must say what is asked")


def _literal(assertion: Json) -> None:
    if assertion.get("value") is None:
        raise Unsuitable("value is missing")


def as_text(value: Any) -> str:
    """A value as the text an output is compared with; JSON for anything but text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _exact(assertion: Json, output: str, reference: str) -> Check:
    wanted = as_text(assertion["value"])
    return _said("exact", output == wanted, f"expected exactly {_short(wanted)}")


def _all_in(fold: bool, words: str, kind: str) -> Callable[[Json, str, str], Check]:
    def scorer(assertion: Json, output: str, reference: str) -> Check:
        text = output.casefold() if fold else output
        missing = [each for each in _texts(assertion) if (each.casefold() if fold else each) not in text]
        return _said(kind, not missing, f"{words} {_short(missing[0])}" if missing else "")

    return scorer


def _any_in(assertion: Json, output: str, reference: str) -> Check:
    texts = _texts(assertion)
    return _said("contains_any", any(text in output for text in texts), f"holds none of {_short(texts[0])}…")


def _none_in(assertion: Json, output: str, reference: str) -> Check:
    found = [text for text in _texts(assertion) if text in output]
    return _said("not_contains", not found, f"must not hold {_short(found[0])}" if found else "")


def _regex(assertion: Json, output: str, reference: str) -> Check:
    return _said("regex", bool(_pattern(assertion).search(output)), f"does not match {assertion['value']}")


def _not_regex(assertion: Json, output: str, reference: str) -> Check:
    return _said("not_regex", not _pattern(assertion).search(output), f"must not match {assertion['value']}")


def _numeric(assertion: Json, output: str, reference: str) -> Check:
    wanted, tolerance = number_of(assertion)
    found = number_in(output)
    # What only forgives how a float is written is no tolerance that anybody named.
    within = f" ± {tolerance:.12g}" if tolerance > abs(wanted) * 1e-9 else ""
    words = "holds no number" if found is None else f"{found:.12g} is not {wanted:.12g}{within}"
    return _said("numeric", found is not None and abs(found - wanted) <= tolerance, words)


def number_in(output: str) -> float | None:
    """The output as a number, else the last number in it."""
    whole = finite(output.strip())
    if whole is not None:
        return whole
    found = _NUMBER.findall(output)
    return finite(found[-1].replace(",", "")) if found else None


def _json_schema(assertion: Json, output: str, reference: str) -> Check:
    from evaluation.golden.content import schemas

    words = schemas.violation(_schema(assertion, checked=True), output)
    return _said("json_schema", not words, words)


def _rouge_l(assertion: Json, output: str, reference: str) -> Check:
    from rouge_score.rouge_scorer import RougeScorer

    wanted, least = _reference(assertion, reference), threshold_of(assertion, DEFAULT_ROUGE)
    value = RougeScorer(["rougeL"]).score(wanted, output)["rougeL"].fmeasure
    return Check("rouge_l", value >= least, value, f"ROUGE-L {value:.2f}, asked {least:.2f}")


def _bleu(assertion: Json, output: str, reference: str) -> Check:
    from sacrebleu import sentence_bleu

    wanted, least = _reference(assertion, reference), threshold_of(assertion, DEFAULT_BLEU)
    value = min(1.0, sentence_bleu(output, [wanted]).score / 100)
    return Check("bleu", value >= least, value, f"BLEU {value:.2f}, asked {least:.2f}")


def _said(kind: str, passed: bool, words: str) -> Check:
    return Check(kind, passed, 1.0 if passed else 0.0, "" if passed else words)


def _short(text: str, most: int = 80) -> str:
    return f"“{text if len(text) <= most else text[: most - 1] + '…'}”"


_FORMS: Mapping[str, Callable[[Json], Any]] = {
    "exact": _literal,
    **dict.fromkeys(("contains", "contains_any", "icontains", "not_contains"), _texts),
    **dict.fromkeys(("regex", "not_regex"), _pattern),
    "json_schema": _schema,
    "numeric": number_of,
    "rouge_l": lambda each: _overlap(each, DEFAULT_ROUGE),
    "bleu": lambda each: _overlap(each, DEFAULT_BLEU),
    **dict.fromkeys(("rubric", "python"), _prose),
}
_SCORERS: Mapping[str, Callable[[Json, str, str], Check]] = {
    "exact": _exact,
    "contains": _all_in(False, "does not hold", "contains"),
    "icontains": _all_in(True, "does not hold", "icontains"),
    "contains_any": _any_in,
    "not_contains": _none_in,
    "regex": _regex,
    "not_regex": _not_regex,
    "json_schema": _json_schema,
    "numeric": _numeric,
    "rouge_l": _rouge_l,
    "bleu": _bleu,
}
