"""The closed set of conditions a rule can be made of: what each asks of a trace, and how it says yes.

A condition is stored as {"condition": code, ...its parameters}. What is not known never satisfies one: a
missing score is neither low nor high.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ingest.routing.facts import FAILING_LABELS, IMPLICIT_KINDS, Facts, ScoreFact, quality

Values = Mapping[str, Any]
# How the condition is met, in words; None: it is not.
Test = Callable[[Facts, Values], str | None]
LONGEST_TEXT = 200


class Refused(ValueError):
    """A condition or rule that cannot be accepted, with a message for its author."""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    label: str
    kind: Literal["text", "number", "share", "count", "choice"]
    default: Any
    required: bool = True
    choices: tuple[str, ...] = ()

    def read(self, value: Any) -> Any:
        """The value as it is stored, from a form's text or from JSON. Raises Refused."""
        if value is None or (isinstance(value, str) and not value.strip()):
            if self.required:
                raise Refused(f"{self.label} is missing.")
            return self.default
        if self.kind in ("text", "choice"):
            return self._text(value)
        return self._number(value)

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Refused(f"{self.label} must be a text.")
        text = value.strip()
        if self.kind == "choice" and text not in self.choices:
            raise Refused(f"{self.label} must be one of {', '.join(self.choices)}.")
        if len(text) > LONGEST_TEXT or "\0" in text:
            raise Refused(f"{self.label} has at most {LONGEST_TEXT} characters.")
        return text

    def _number(self, value: Any) -> float | int:
        try:
            number = float(value) if not isinstance(value, bool) else float("nan")
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if not -1e12 < number < 1e12:
            raise Refused(f"{self.label} must be a number.")
        if self.kind == "share" and not 0 <= number <= 1:
            raise Refused(f"{self.label} must lie between 0 and 1.")
        if self.kind == "count":
            if number != int(number) or not 1 <= number <= 1000:
                raise Refused(f"{self.label} must be a whole number from 1 to 1000.")
            return int(number)
        return number


@dataclass(frozen=True, slots=True)
class Condition:
    code: str
    title: str
    test: Test
    parameters: tuple[Parameter, ...] = ()

    def read(self, values: Values) -> dict[str, Any]:
        """The condition with its parameters as it is stored. Raises Refused."""
        known = {parameter.name for parameter in self.parameters} | {"condition"}
        if unknown := sorted(set(values) - known):
            raise Refused(f"“{self.title}” knows no {', '.join(unknown)[:LONGEST_TEXT]}.")
        try:
            return {"condition": self.code} | {
                parameter.name: parameter.read(values.get(parameter.name)) for parameter in self.parameters
            }
        except Refused as refused:
            raise Refused(f"{self.title}: {refused}") from None


def read_all(conditions: Any) -> list[dict[str, Any]]:
    """A rule's conditions, checked and in their stored form. Raises Refused."""
    if not isinstance(conditions, list) or not conditions:
        raise Refused("A rule needs at least one condition.")
    if len(conditions) > 20:
        raise Refused("A rule has at most 20 conditions.")
    read = []
    for values in conditions:
        code = values.get("condition") if isinstance(values, dict) else None
        if not isinstance(code, str) or code not in CONDITIONS:
            raise Refused("There is no such condition.")
        read.append(CONDITIONS[code].read(values))
    if len(read) > 1 and any(values["condition"] == "audit" for values in read):
        raise Refused(
            "“Drawn for audit” must be the only condition of its rule: with another one, the audit lane "
            "would no longer be a random sample."
        )
    return read


def met(values: Values, facts: Facts) -> str | None:
    """How the trace meets this stored condition; None when it does not, or the condition is not known."""
    condition = CONDITIONS.get(values.get("condition", ""))
    return condition.test(facts, values) if condition else None


def words_of(values: Values) -> str:
    """A stored condition in words."""
    condition = CONDITIONS.get(values.get("condition", ""))
    if condition is None:
        return "a condition that is no longer known"
    given = [
        f"{parameter.label.lower()} {figure(values.get(parameter.name))}"
        for parameter in condition.parameters
        if values.get(parameter.name) not in (None, "")
    ]
    return f"{condition.title}: {', '.join(given)}" if given else condition.title


def figure(value: Any) -> str:
    """.25 for 0.25: as figures are written everywhere here."""
    if not isinstance(value, float | int):
        return str(value)
    text = f"{value:.4g}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


# The tests.


def _named(facts: Facts, name: str) -> Sequence[ScoreFact]:
    return [score for score in facts.scores if score.name == name]


def _score_below(facts: Facts, values: Values) -> str | None:
    name, threshold = values["name"], values["threshold"]
    scores = _named(facts, name) if name else quality(facts.scores)
    low = [score for score in scores if score.value is not None and score.value < threshold]
    if low:
        worst = min(low, key=lambda score: (score.value, score.name))
        return f"{worst.name} {figure(worst.value)} below {figure(threshold)}"
    if name and any(score.value is None and score.label.lower() in FAILING_LABELS for score in scores):
        return f"{name}: fail"
    return None


def _score_above(facts: Facts, values: Values) -> str | None:
    found = [score.value for score in _named(facts, values["name"]) if score.value is not None]
    if found and max(found) > values["threshold"]:
        return f"{values['name']} {figure(max(found))} above {figure(values['threshold'])}"
    return None


def _score_label(facts: Facts, values: Values) -> str | None:
    wanted = values["label"].lower()
    if any(score.label.lower() == wanted for score in _named(facts, values["name"])):
        return f"{values['name']}: {values['label']}"
    return None


def _confidence_below(facts: Facts, values: Values) -> str | None:
    name, threshold = values["name"], values["threshold"]
    scores = _named(facts, name) if name else facts.scores
    low = [(score.confidence, score.name) for score in scores if score.confidence is not None]
    if low and min(low)[0] < threshold:
        return f"confidence of {min(low)[1]} {figure(min(low)[0])} below {figure(threshold)}"
    return None


def _thumbs_down(facts: Facts, values: Values) -> str | None:
    return "thumbs down by user" if any(_is_down(said.kind, said.number) for said in facts.said) else None


def _is_down(kind: str, number: float | None) -> bool:
    return kind == "thumbs" and number == 0


def _rating_below(facts: Facts, values: Values) -> str | None:
    found = [said.number for said in facts.said if said.kind == "rating" and said.number is not None]
    if found and min(found) < values["threshold"]:
        return f"rating {figure(min(found))} below {figure(values['threshold'])}"
    return None


def _implicit(facts: Facts, values: Values) -> str | None:
    counts = Counter(said.kind for said in facts.said)
    number = counts[values["kind"]]
    if number >= values["least"]:
        times = "" if number == 1 else f", {number} times"
        return f"{values['kind'].replace('_', ' ')} by user{times}"
    return None


def _check_failed(facts: Facts, values: Values) -> str | None:
    name = values["name"].removeprefix("check.")
    failed = [check for check in facts.failed_checks if not name or check == name]
    if not failed:
        return None
    words = "check failed: " if len(failed) == 1 else "checks failed: "
    return words + ", ".join(check.replace("_", " ") for check in sorted(failed))


def _error(facts: Facts, values: Values) -> str | None:
    if facts.status != "error":
        return None
    return f"error: {facts.error[:LONGEST_TEXT]}" if facts.error else "error"


def _tag_equals(facts: Facts, values: Values) -> str | None:
    if values["key"] not in facts.tags:
        return None
    if tag_text(facts.tags[values["key"]]) != values["value"]:
        return None
    return f"tag {values['key']} is {values['value']}"


def tag_text(value: Any) -> str:
    """A tag as a person would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _column_equals(facts: Facts, values: Values) -> str | None:
    column = values["column"]
    if getattr(facts, column) != values["value"]:
        return None
    return f"{column.replace('_', ' ')} is {values['value']}"


def _audit(facts: Facts, values: Values) -> str | None:
    return "audit" if facts.drawn else None


def _sample(facts: Facts, values: Values) -> str | None:
    return f"sample of {figure(values['share'])}" if facts.sample < values["share"] else None


COLUMNS = ("route", "model", "prompt_name", "prompt_version", "environment")
_NAME = Parameter("name", "Score", "text", "")
_ANY_NAME = Parameter("name", "Score", "text", "", required=False)
_THRESHOLD = Parameter("threshold", "Threshold", "number", 0.5)
_SHARE = Parameter("threshold", "Threshold", "share", 0.5)

CONDITIONS: dict[str, Condition] = {
    condition.code: condition
    for condition in (
        Condition("score_below", "Score below", _score_below, (_ANY_NAME, _THRESHOLD)),
        Condition("score_above", "Score above", _score_above, (_NAME, _THRESHOLD)),
        Condition(
            "score_label", "Score says", _score_label, (_NAME, Parameter("label", "Label", "text", ""))
        ),
        Condition("confidence_below", "Confidence below", _confidence_below, (_ANY_NAME, _SHARE)),
        Condition("thumbs_down", "Thumbs down", _thumbs_down),
        Condition("rating_below", "Rating below", _rating_below, (_SHARE,)),
        Condition(
            "implicit",
            "User signal",
            _implicit,
            (
                Parameter("kind", "Signal", "choice", "regenerate", choices=IMPLICIT_KINDS),
                Parameter("least", "At least", "count", 1, required=False),
            ),
        ),
        Condition(
            "check_failed",
            "Check failed",
            _check_failed,
            (Parameter("name", "Check", "text", "", required=False),),
        ),
        Condition("error", "Error", _error),
        Condition(
            "tag_equals",
            "Tag equals",
            _tag_equals,
            (Parameter("key", "Tag", "text", ""), Parameter("value", "Value", "text", "")),
        ),
        Condition(
            "column_equals",
            "Route, model or version equals",
            _column_equals,
            (
                Parameter("column", "What", "choice", "route", choices=COLUMNS),
                Parameter("value", "Value", "text", ""),
            ),
        ),
        Condition("audit", "Drawn for audit", _audit),
        Condition("sample", "Random sample", _sample, (Parameter("share", "Share", "share", 0.1),)),
    )
}
