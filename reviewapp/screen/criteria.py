"""Which questions does the right pane ask, in which form, and what has been answered so far?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict

from reviewapp.review import answers
from reviewapp.review.models import (
    VERDICT,
    CriterionRevision,
    CriterionType,
    ReviewItem,
    RubricVersion,
    Shown,
    Verdict,
)
from reviewapp.screen import evidence

# The name of a criterion's field in the form; the verdict, modes, note have names of their own.
FIELD = "answer."
PLAIN_FIELDS = ("verdict", "preference", "confidence", "note", "corrected_output")
VERDICT_WORDS = {
    Verdict.PASS: ("Pass", "check", "pass"),
    Verdict.FAIL: ("Fail", "close", "fail"),
    Verdict.CANNOT_TELL: ("Can’t tell", "question", "doubt"),
}
LEAST_SCALE_FOR_ROWS = 6
MOST_WITH_HELP = 7

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Option:
    """`tone` colours a chosen verdict; `icon` then replaces its number."""

    value: str
    label: str
    help: str = ""
    chosen: bool = False
    tone: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One question. `form` is how it is asked: buttons, scale, options, number or text."""

    name: str
    title: str
    form: str
    help: str = ""
    aside: str = ""
    required: bool = False
    several: bool = False
    always: bool = False
    after_fail: bool = False
    critical: bool = False
    options: tuple[Option, ...] = ()
    value: Any = ""
    minimum: float | None = None
    maximum: float | None = None
    pass_example: str = ""
    fail_example: str = ""
    error: str = ""

    @property
    def is_long(self) -> bool:
        """Whether the options leave no room for the help of each: they share one place for it."""
        return len(self.options) > MOST_WITH_HELP

    @property
    def has_help(self) -> bool:
        return any(option.help for option in self.options)

    @property
    def asks_for(self) -> str:
        """Of a number: which ones are taken."""
        low, high = (None if bound is None else f"{bound:g}" for bound in (self.minimum, self.maximum))
        if low is not None and high is not None:
            return f"a number from {low} to {high}"
        if low is None and high is None:
            return "a number"
        return f"a number up to {high}" if low is None else f"a number, {low} or more"

    @property
    def input_type(self) -> str:
        return "checkbox" if self.several else "radio"


def parts(
    version: RubricVersion,
    criteria: Sequence[CriterionRevision],
    body: Body,
    errors: Mapping[str, str] | None = None,
    order: str = "",
) -> list[Part]:
    """The verdict (of a pair: the preference; `order` says who stands left), modes, then the criteria."""
    errors = errors or {}
    verdict = next((criterion for criterion in criteria if criterion.key == VERDICT), None)
    first = _preference(body, errors, order) if order else _verdict(verdict, body, errors)
    asked = [_criterion(row, body, errors) for row in criteria if row.key != VERDICT]
    if order:
        # A pair has no verdict that could fail.
        asked = [replace(part, critical=False) for part in asked]
    return [first, *([] if order else _modes(version, body, errors)), *asked]


def _verdict(revision: CriterionRevision | None, body: Body, errors: Mapping[str, str]) -> Part:
    return Part(
        name="verdict",
        title=revision.title if revision else "Verdict",
        help=revision.help if revision else "",
        form="buttons",
        required=True,
        always=True,
        options=_verdicts(body.get("verdict")),
        pass_example=revision.pass_example if revision else "",
        fail_example=revision.fail_example if revision else "",
        error=errors.get("verdict", ""),
    )


def _verdicts(chosen: Any, which: Sequence[Verdict] = tuple(Verdict)) -> tuple[Option, ...]:
    return tuple(
        Option(value.value, words, chosen=chosen == value, tone=tone, icon=icon)
        for value in which
        for words, icon, tone in [VERDICT_WORDS[value]]
    )


def _preference(body: Body, errors: Mapping[str, str], order: str) -> Part:
    """A and B as they stand on the screen; the values name the item's traces."""
    words = {order[0]: "A", order[1]: "B", "tie": "Tie", "both_bad": "Both bad"}
    return Part(
        name="preference",
        title="Which answer is better?",
        form="buttons",
        required=True,
        always=True,
        options=tuple(
            Option(value, label, chosen=body.get("preference") == value) for value, label in words.items()
        ),
        error=errors.get("preference", ""),
    )


def _modes(version: RubricVersion, body: Body, errors: Mapping[str, str]) -> list[Part]:
    if not version.failure_modes:
        return []
    chosen = body.get("failure_modes") or []
    return [
        Part(
            name="failure_modes",
            title="What went wrong",
            aside="choose all that apply",
            form="options",
            several=True,
            after_fail=True,
            options=tuple(
                Option(
                    mode["key"], mode.get("label") or mode["key"], mode.get("help", ""), mode["key"] in chosen
                )
                for mode in version.failure_modes
            ),
            error=errors.get("failure_modes", ""),
        )
    ]


def _criterion(row: CriterionRevision, body: Body, errors: Mapping[str, str]) -> Part:
    value = (body.get("answers") or {}).get(row.key)
    several = row.type == CriterionType.MULTIPLE_CHOICE
    chosen = {str(item) for item in (value if isinstance(value, list) else [value])}
    options = tuple(
        Option(
            str(option["value"]),
            str(option.get("label") or option["value"]),
            option.get("help", ""),
            str(option["value"]) in chosen,
        )
        for option in row.options
    )
    if row.type == CriterionType.PASS_FAIL:
        options = _verdicts(value, (Verdict.PASS, Verdict.FAIL))
    return Part(
        name=FIELD + row.key,
        title=row.title,
        help=row.help,
        aside="any of these" if several else "",
        form=_form(row),
        required=row.required,
        several=several,
        after_fail=row.shown == Shown.AFTER_FAIL,
        critical=row.is_critical,
        options=options,
        value="" if value is None else value,
        minimum=row.minimum,
        maximum=row.maximum,
        pass_example=row.pass_example,
        fail_example=row.fail_example,
        error=errors.get(row.key, ""),
    )


def _form(row: CriterionRevision) -> str:
    if row.type == CriterionType.SCALE:
        short = len(row.options) < LEAST_SCALE_FOR_ROWS and not any(
            option.get("help") for option in row.options
        )
        return "scale" if short else "options"
    forms = {CriterionType.PASS_FAIL: "buttons", CriterionType.NUMBER: "number", CriterionType.TEXT: "text"}
    return forms.get(CriterionType(row.type), "options")


def body_of(posted: QueryDict, item: ReviewItem) -> dict[str, Any]:
    """What the form says, in the words of the label API; what is not answered is absent.

    An answer to a question that is hidden now does not count, nor does a correction that changes nothing.
    """
    asked = answers.form_of(item.rubric_version).asked
    body: dict[str, Any] = {name: text for name in PLAIN_FIELDS if (text := _text(posted.get(name, "")))}
    failed = body.get("verdict") == Verdict.FAIL
    shown = [row for row in asked if failed or row.shown != Shown.AFTER_FAIL]
    body["answers"] = {row.key: value for row in shown if (value := _answer(row, posted)) is not None}
    if failed:
        body["failure_modes"] = [_text(mode) for mode in posted.getlist("failure_modes")]
    if "corrected_output" in body and body["corrected_output"] == _text(evidence.answer_text(item)):
        del body["corrected_output"]
    return body


def _text(posted: str) -> str:
    """Browsers send line ends as CR LF; NUL cannot be stored."""
    return posted.replace("\r\n", "\n").replace("\0", "").strip()


def _answer(row: CriterionRevision, posted: QueryDict) -> Any:
    given = [text for value in posted.getlist(FIELD + row.key) if (text := _text(value))]
    if not given:
        return None
    if row.type == CriterionType.MULTIPLE_CHOICE:
        return _as_stored(row, given)
    if row.type == CriterionType.NUMBER:
        return _number(given[0])
    return _as_stored(row, given)[0] if row.options else given[0]


def _as_stored(row: CriterionRevision, texts: Sequence[str]) -> list[Any]:
    """The options' own values: a scale's may be numbers, which a form sends as text."""
    stored = {str(option["value"]): option["value"] for option in row.options}
    return [stored.get(text, text) for text in texts]


def _number(text: str) -> Any:
    """A number, or the text as it is, which the label's own check refuses in words."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def errors_of(errors: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By the names of `parts`: "answers.tone" is the criterion tone."""
    return {str(row["field"]).removeprefix("answers."): _in_words(str(row["error"])) for row in errors}


def _in_words(error: str) -> str:
    return (
        "Answer this one first." if error.startswith("is required") else error[:1].upper() + error[1:] + "."
    )


def problem_of(errors: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with fields that are no criterion; empty where each says it itself."""
    own = {"note": "The note", "corrected_output": "The corrected answer", "confidence": "The confidence"}
    return " ".join(f"{own[row['field']]} {row['error']}." for row in errors if row["field"] in own)
