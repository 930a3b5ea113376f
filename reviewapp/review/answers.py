"""Does an answer fit its rubric version? Checks everything at once, so that all errors are told together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from ingest import limits, sanitising
from reviewapp.review.models import (
    VERDICT,
    Confidence,
    CriterionRevision,
    CriterionType,
    ItemKind,
    Preference,
    RubricVersion,
    Shown,
    Stage,
    Verdict,
)
from reviewapp.review.refusals import Invalid

Errors = list[dict[str, Any]]
LEAST_WITH_EXPONENT = 1e16
VERDICTS, PREFERENCES, SURE = tuple(Verdict.values), tuple(Preference.values), tuple(Confidence.values)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, as it came: `labels.submit` checks it against the item's rubric version.

    `answers` by criterion key: pass_fail "pass" or "fail"; choice and scale the option's value;
    multiple_choice a list of values; number a number; text a string. An absent or empty one is no answer.
    """

    verdict: str = ""
    preference: str = ""
    confidence: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    failure_modes: list[str] = field(default_factory=list)
    note: str = ""
    corrected_output: str = ""

    def body(self) -> dict[str, Any]:
        """The form of a draft."""
        return {name: getattr(self, name) for name in Answer.__dataclass_fields__}


@dataclass(frozen=True)
class Form:
    """A rubric version as answers are checked against it."""

    criteria: tuple[CriterionRevision, ...]
    modes: tuple[str, ...]

    @cached_property
    def asked(self) -> tuple[CriterionRevision, ...]:
        """All criteria but the verdict."""
        return tuple(criterion for criterion in self.criteria if criterion.key != VERDICT)

    @cached_property
    def critical(self) -> tuple[CriterionRevision, ...]:
        return tuple(criterion for criterion in self.criteria if criterion.is_critical)


def form_of(version: RubricVersion) -> Form:
    """A frozen version never changes, so its form is read once a process."""
    return _frozen_form(version.pk) if version.stage == Stage.FROZEN else _form(version.pk)


@lru_cache(maxsize=256)
def _frozen_version(version_id: int) -> RubricVersion | None:
    found = RubricVersion.objects.frozen().select_related("rubric").filter(pk=version_id)
    return found.first()


def version_of(version_id: int) -> RubricVersion:
    """The version with its rubric; a frozen one never changes, so it is read once a process."""
    found = _frozen_version(version_id)
    return found or RubricVersion.objects.select_related("rubric").get(pk=version_id)


def _form(version_id: int) -> Form:
    criteria = CriterionRevision.objects.filter(version=version_id).order_by("position", "pk")
    modes = RubricVersion.objects.values_list("failure_modes", flat=True).get(pk=version_id)
    return Form(tuple(criteria), tuple(mode["key"] for mode in modes))


_frozen_form = lru_cache(maxsize=256)(_form)


def check(answer: Answer, kind: str, version: RubricVersion) -> tuple[Answer, dict[int, Any]]:
    """The answer with its texts fit to be stored, and the values by criterion id. Raises Invalid."""
    form, errors = form_of(version), Errors()
    _check_choice(answer, kind, errors)
    _check_modes(answer, form, errors)
    values = _check_answers(answer, form, errors)
    _check_critical(answer, form, errors)
    note = _text("note", answer.note, errors)
    corrected = _text("corrected_output", answer.corrected_output, errors)
    if errors:
        raise Invalid("The label is not complete: see each field.", errors)
    modes = [mode for mode in form.modes if mode in answer.failure_modes]
    clean = Answer(
        answer.verdict, answer.preference, answer.confidence, answer.answers, modes, note, corrected
    )
    return clean, values


def _check_choice(answer: Answer, kind: str, errors: Errors) -> None:
    if kind == ItemKind.PAIR:
        _one_of("preference", answer.preference, PREFERENCES, errors)
        if answer.verdict:
            errors.append({"field": "verdict", "error": "a pair takes a preference, not a verdict"})
    else:
        _one_of("verdict", answer.verdict, VERDICTS, errors)
        if answer.preference:
            errors.append({"field": "preference", "error": "only pairs take a preference"})
    if answer.confidence:
        _one_of("confidence", answer.confidence, SURE, errors)


def _one_of(name: str, value: str, allowed: Sequence[str], errors: Errors) -> None:
    if not value:
        errors.append({"field": name, "error": f"is required: one of {', '.join(allowed)}"})
    elif value not in allowed:
        errors.append({"field": name, "error": f"must be one of {', '.join(allowed)}"})


def _check_modes(answer: Answer, form: Form, errors: Errors) -> None:
    if answer.failure_modes and answer.verdict != Verdict.FAIL:
        errors.append({"field": "failure_modes", "error": "are allowed with the verdict fail only"})
    for mode in answer.failure_modes:
        if mode not in form.modes:
            offered = ", ".join(form.modes) or "none"
            errors.append({"field": "failure_modes", "error": f"{mode!r} is unknown; offered: {offered}"})


def _check_answers(answer: Answer, form: Form, errors: Errors) -> dict[int, Any]:
    asked = {criterion.key: criterion for criterion in form.asked}
    errors += [
        {"field": f"answers.{key}", "error": "this rubric version has no such criterion"}
        for key in answer.answers
        if key not in asked
    ]
    values: dict[int, Any] = {}
    for key, criterion in asked.items():
        given = answer.answers.get(key)
        if criterion.shown == Shown.AFTER_FAIL and answer.verdict != Verdict.FAIL:
            if not is_empty(given):
                errors.append({"field": f"answers.{key}", "error": "is asked only after fail"})
        elif is_empty(given):
            if criterion.required:
                errors.append({"field": f"answers.{key}", "error": "is required"})
        elif problem := CHECKS[CriterionType(criterion.type)](criterion, given):
            errors.append({"field": f"answers.{key}", "error": problem})
        else:
            values[criterion.pk] = clean(given)
    return values


def _check_critical(answer: Answer, form: Form, errors: Errors) -> None:
    """A failure of a critical criterion fails the whole; one that cannot tell leaves it to a lead."""
    if answer.verdict != Verdict.PASS:
        return
    failed = [f"“{each.title}”" for each in form.critical if answer.answers.get(each.key) == Verdict.FAIL]
    if failed:
        named, that = " and ".join(failed), "that answer" if len(failed) == 1 else "those answers"
        words = (
            f"cannot be pass while the critical {named} is answered fail: a failure there fails the whole. "
            f"Answer fail or can’t tell here, or change {that}"
        )
        errors.append({"field": "verdict", "error": words})


def clean(value: Any) -> Any:
    """A value as it will be read again: PostgreSQL writes the digits of a large number, and no exponent."""
    if isinstance(value, float) and abs(value) >= LEAST_WITH_EXPONENT:
        return int(value)
    return sanitising.text(value.strip(), set()) if isinstance(value, str) else value


def is_empty(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _pass_fail(criterion: CriterionRevision, value: Any) -> str:
    return "" if value in ("pass", "fail") else "must be pass or fail"


def _choice(criterion: CriterionRevision, value: Any) -> str:
    allowed = [option["value"] for option in criterion.options]
    return "" if value in allowed else f"must be one of {_listed(allowed)}"


def _multiple_choice(criterion: CriterionRevision, value: Any) -> str:
    allowed = [option["value"] for option in criterion.options]
    if not isinstance(value, list):
        return "must be a list"
    if any(each not in allowed for each in value):
        return f"must hold only {_listed(allowed)}"
    return "" if len({str(each) for each in value}) == len(value) else "holds a value twice"


def _number(criterion: CriterionRevision, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "must be a number"
    if isinstance(value, float) and math.isnan(value):
        return "must be a number"
    if abs(value) >= sanitising.LARGEST_INTEGER:
        return f"must lie between -{sanitising.LARGEST_INTEGER} and {sanitising.LARGEST_INTEGER}"
    low, high = criterion.minimum, criterion.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        return f"must lie {_range(low, high)}"
    return ""


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at or under {high:g}"
    return f"at or over {low:g}" if high is None else f"between {low:g} and {high:g}"


def _text_answer(criterion: CriterionRevision, value: Any) -> str:
    if not isinstance(value, str):
        return "must be text"
    return "" if len(value) <= limits.TEXT_CHARACTERS else f"has over {limits.TEXT_CHARACTERS} characters"


CHECKS: dict[CriterionType, Callable[[CriterionRevision, Any], str]] = {
    CriterionType.PASS_FAIL: _pass_fail,
    CriterionType.CHOICE: _choice,
    CriterionType.MULTIPLE_CHOICE: _multiple_choice,
    CriterionType.SCALE: _choice,
    CriterionType.NUMBER: _number,
    CriterionType.TEXT: _text_answer,
}


def _listed(values: list[Any]) -> str:
    return ", ".join(str(value) for value in values)


def _text(name: str, value: str, errors: Errors) -> str:
    if len(value) > limits.TEXT_CHARACTERS:
        errors.append({"field": name, "error": f"has over {limits.TEXT_CHARACTERS} characters"})
    return sanitising.text(value, set())
