"""Where do two texts of one draft differ? Both are shown, and the reviewer chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reviewapp.review import answers
from reviewapp.review.models import Label, ReviewItem
from reviewapp.review.refusals import Invalid

WORDS = {
    "verdict": "Verdict",
    "preference": "Preference",
    "failure_modes": "What went wrong",
    "confidence": "Confidence",
    "note": "Note",
    "corrected_output": "Corrected answer",
}


@dataclass(frozen=True, slots=True)
class Part:
    label: str
    here: str
    there: str


def parts(item: ReviewItem, here: Mapping[str, Any], there: Mapping[str, Any]) -> list[Part]:
    """Only what differs; at least one, since equal texts are no conflict."""
    asked = [
        (row.title, (here.get("answers") or {}).get(row.key), (there.get("answers") or {}).get(row.key))
        for row in answers.form_of(item.rubric_version).asked
    ]
    plain = [(label, here.get(name), there.get(name)) for name, label in WORDS.items()]
    both = [Part(label, _words(left), _words(right)) for label, left, right in plain + asked]
    return [part for part in both if part.here != part.there]


def is_another(item: ReviewItem, label: Label, body: Mapping[str, Any]) -> bool:
    """Whether a form says something else than the label that its lease has given already."""
    try:
        said, values = answers.check(answers.Answer(**body), item.kind, item.rubric_version)
    except Invalid:
        return True
    fields = [name for name in said.body() if name != "answers"]
    given = dict(label.answers.values_list("criterion", "value"))
    return values != given or any(getattr(said, name) != getattr(label, name) for name in fields)


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value).replace("cannot_tell", "can’t tell")
