"""How does a case differ from an earlier revision? Message by message and field by field, as text."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from evaluation.golden.content import assertions, lines
from evaluation.golden.draft.drafts import Change
from evaluation.golden.models import CaseRevision, GoldenCase
from ingest.json_objects import Json

MOST_REVISIONS = 20


@dataclass(frozen=True, slots=True)
class FieldChange:
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One case of the draft that differs, with what differs."""

    change: Change
    tags: tuple[str, ...]
    kinds: tuple[str, ...]
    asked: str
    must: tuple[str, ...]
    trace_id: str
    people: tuple[str, ...]
    nearest: Json | None
    fields: tuple[FieldChange, ...]
    is_withheld: bool = False

    @property
    def sign(self) -> str:
        return {"added": "+", "changed": "~", "removed": "\u2212"}[self.change.kind]


def described(changes: Iterable[Change], withheld: Container[str] = ()) -> list[Changed]:
    """Changes in words; one query for any number of them. Of cases with a withheld id no more than that."""
    shown = list(changes)
    wanted = {pk for change in shown for pk in (change.before, change.after) if pk}
    revisions = {each.pk: each for each in CaseRevision.objects.filter(pk__in=wanted)}
    return [
        _withheld(change) if change.case_id in withheld else _changed(change, revisions) for change in shown
    ]


def _withheld(change: Change) -> Changed:
    return Changed(change, (), (), "", (), "", (), None, (), is_withheld=True)


def _changed(change: Change, revisions: dict[int, CaseRevision]) -> Changed:
    before, after = revisions.get(change.before or 0), revisions.get(change.after or 0)
    revision = after or before
    line = lines.parse(revision.line) if revision and revision.line else {}
    provenance = revision.provenance if revision else {}
    return Changed(
        change=change,
        tags=tuple(revision.tags) if revision else (),
        kinds=tuple(revision.kinds) if revision else (),
        asked=lines.input_text(line["input"]) if line else "",
        must=tuple(_must(line)) if line else (),
        trace_id=str(line["metadata"].get("trace_id") or "") if line else "",
        people=tuple(provenance.get("reviewers", ())),
        nearest=provenance.get("nearest"),
        fields=tuple(between(before, after)) if before and after else (),
    )


def _must(line: Json) -> list[str]:
    checks = [f"{each.get('type')}: {assertions.as_text(each.get('value'))}" for each in line["assertions"]]
    expected = lines.expected_text(line["expected"])
    return checks or ([expected] if expected else [])


def between(before: CaseRevision, after: CaseRevision) -> list[FieldChange]:
    """Which parts of the line differ, as text."""
    old, new = ({**lines.parse(each.line)} if each.line else {} for each in (before, after))
    found = _asked(old.get("input") or {}, new.get("input") or {})
    found += [
        FieldChange(name, *_apart(_spelled(name, old), _spelled(name, new), old.get(name), new.get(name)))
        for name in ("expected", "tags", "split", "critical")
        if old.get(name) != new.get(name)
    ]
    for index, (one, two) in enumerate(
        zip_longest(old.get("assertions", []), new.get("assertions", []), fillvalue=None)
    ):
        if one != two:
            kind = str((two or one or {}).get("type", ""))
            texts = _apart(_assertion(one), _assertion(two), one, two)
            found.append(FieldChange(f"assertions[{index}] {kind}", *texts))
    olds, news = old.get("metadata", {}), new.get("metadata", {})
    found += [
        FieldChange(name, _spelled(name, olds), _spelled(name, news))
        for name in ("source", "failure_modes", "note")
        if (olds.get(name) or "") != (news.get(name) or "")
    ]
    return found


def history(case: GoldenCase) -> list[tuple[CaseRevision, list[FieldChange]]]:
    """Newest first: each revision, and what it changed in the one before."""
    rows = list(case.revisions.order_by("-number")[: MOST_REVISIONS + 1])
    pairs = zip(rows, [*rows[1:], None], strict=False)
    told = [(each, between(before, each) if before and before.line else []) for each, before in pairs]
    return told[:MOST_REVISIONS]


def _asked(old: Json, new: Json) -> list[FieldChange]:
    """Message by message: it need not be the last question that changed."""
    if old == new:
        return []
    pairs = list(zip_longest(*(lines.messages_of(each) if each else [] for each in (old, new))))
    found = [
        FieldChange(_message_name(index, len(pairs), two or one), *_apart(_said(one), _said(two), one, two))
        for index, (one, two) in enumerate(pairs)
        if one != two
    ]
    return found or [FieldChange("input", assertions.as_text(old), assertions.as_text(new))]


def _message_name(index: int, of: int, message: Json) -> str:
    return "input" if of == 1 else f"input[{index}] {message.get('role', '')}"


def _said(message: Json | None) -> str:
    return "" if message is None else lines.content_text(message.get("content"))


def _apart(before: str, after: str, old: Any, new: Any) -> tuple[str, str]:
    """Both whole, where the texts alone are alike: it is a role, a limit or a type that changed."""
    if before != after:
        return before, after
    before, after = ("" if each is None else assertions.as_text(each) for each in (old, new))
    return before, after


def _spelled(name: str, line: Json) -> str:
    value = line.get(name, "")
    if name == "expected":
        return lines.expected_text(value) if value else ""
    return ", ".join(value) if isinstance(value, list) else str(value)


def _assertion(assertion: Json | None) -> str:
    return "" if assertion is None else assertions.as_text(assertion.get("value"))
