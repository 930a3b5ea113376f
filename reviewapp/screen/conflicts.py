"""Where do two texts of one draft differ? Both are shown, and the reviewer chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reviewapp.models import User
from reviewapp.review import answers
from reviewapp.review.models import Assignment, Label, ReviewItem
from reviewapp.review.refusals import Invalid
from reviewapp.screen import criteria

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    label: str
    here: str
    there: str


def parts(item: ReviewItem, reviewer: User, here: Body, there: Body) -> list[Part]:
    """Only what differs, in the words of the form; nothing where that is of no question asked now."""
    mine = Assignment.objects.filter(item=item, reviewer=reviewer)
    order = mine.values_list("display_order", flat=True).get() if item.other_trace_id else ""
    left, right = _said(item, order, here), _said(item, order, there)
    both = [Part(label, words, right[name][1]) for name, (label, words) in left.items()]
    return [part for part in both if part.here != part.there]


def _said(item: ReviewItem, order: str, body: Body) -> dict[str, tuple[str, str]]:
    """By the names of the form's fields: the title of each, and what stands in it."""
    asked = answers.form_of(item.rubric_version).criteria
    rows = criteria.parts(item.rubric_version, asked, body, order=order)
    return {row.name: (row.title, _words(row)) for row in rows} | {
        "confidence": ("Confidence", "Unsure" if body.get("confidence") == "unsure" else "Sure"),
        "note": ("Note", body.get("note") or ""),
        "corrected_output": ("Corrected answer", body.get("corrected_output") or ""),
    }


def _words(part: criteria.Part) -> str:
    if part.options:
        return ", ".join(option.label for option in part.options if option.chosen)
    return str(part.value)


def is_another(item: ReviewItem, label: Label, body: Mapping[str, Any]) -> bool:
    """Whether a form says something else than the label that its lease has given already."""
    try:
        said, values = answers.check(answers.Answer(**body), item.kind, item.rubric_version)
    except Invalid:
        return True
    fields = [name for name in said.body() if name != "answers"]
    given = dict(label.answers.values_list("criterion", "value"))
    return values != given or any(getattr(said, name) != getattr(label, name) for name in fields)
