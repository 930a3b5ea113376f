"""What waits for a lead, and what does the lead see of it? Every answer side by side, with its reviewer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest

from ingest.models import Project
from reviewapp.review import answers
from reviewapp.review.models import (
    Flag,
    ItemKind,
    ItemState,
    Kind,
    Label,
    LabelAnswer,
    Purpose,
    Resolution,
    ReviewItem,
    Verdict,
)
from reviewapp.review.resolutions import REASONS, majority, said

SHOWS = {"decide": "To decide", "flagged": "Flagged", "changed": "Changed since", "decided": "Decided"}
EXCERPT = 160


@dataclass(frozen=True, slots=True)
class Voice:
    """One reviewer's answer; `in_figures` is False for what was said after a reveal."""

    label: Label
    answers: dict[str, Any]
    modes: list[str]
    changed: Label | None


@dataclass(frozen=True, slots=True)
class Row:
    """One criterion with what each of the reviewers said, in the order of the voices."""

    title: str
    values: list[str]

    @property
    def differs(self) -> bool:
        given = {value for value in self.values if value}
        return len(given) > 1


@dataclass(frozen=True, slots=True)
class Story:
    item: ReviewItem
    why: str
    voices: list[Voice]
    rows: list[Row]
    flags: list[Flag]
    history: list[Resolution]
    proposal: str
    modes: list[dict[str, str]]
    corrected: str

    @property
    def is_pair(self) -> bool:
        return bool(self.item.kind == ItemKind.PAIR)

    @property
    def can_decide(self) -> bool:
        return bool(self.voices) and self.item.state != ItemState.REMOVED


def waiting(project: Project, show: str) -> QuerySet[ReviewItem]:
    """The items of one tab, with `since` when each waits for a lead, the longest first; what was decided, the
    newest first."""
    found = ReviewItem.objects.of_project(project).filter(purpose=Purpose.REVIEW)
    found = found.select_related("queue", "trace", "resolution__by").defer("trace__search", "trace__output")
    found = found.annotate(voices=Count("assignments", filter=Q(assignments__state="submitted")))
    if show == "decided":
        return found.filter(resolution__by__isnull=False).order_by("-resolution__created_at", "pk")
    return found.filter(condition(show)).annotate(since=since(show)).order_by("since", "pk")


def since(show: str) -> Subquery | Greatest:
    """When the item began to wait: with the first flag that is open, what came last for its trace, or the
    last label. When a lead asked is not kept; it was after that label.
    """
    if show == "flagged":
        begun = Flag.objects.filter(item=OuterRef("pk"), closed_at=None).order_by("created_at")
        return Subquery(begun.values("created_at")[:1])
    if show == "changed":
        return Greatest("trace__last_seen", "other_trace__last_seen")
    given = Label.objects.filter(assignment__item=OuterRef("pk")).exclude(kind=Kind.UNDO)
    return Subquery(given.order_by("-created_at").values("created_at")[:1])


def condition(show: str) -> Q:
    if show == "flagged":
        return Q(Exists(Flag.objects.filter(item=OuterRef("pk"), closed_at=None)))
    if show == "changed":
        return Q(changed_since_review=True) & ~Q(state=ItemState.REMOVED)
    return Q(state=ItemState.ADJUDICATION)


def tabs(project: Project) -> list[tuple[str, str, int]]:
    """Key, label and number of the tabs with something to do."""
    found = ReviewItem.objects.of_project(project).filter(purpose=Purpose.REVIEW)
    counted = found.aggregate(
        **{show: Count("pk", filter=condition(show)) for show in ("decide", "flagged", "changed")},
        decided=Count("pk", filter=Q(resolution__by__isnull=False)),
    )
    return [(show, label, counted[show]) for show, label in SHOWS.items()]


def next_after(project: Project, item: ReviewItem) -> ReviewItem | None:
    return waiting(project, "decide").exclude(pk=item.pk).first()


def tell(item: ReviewItem) -> Story:
    labels = list(
        Label.objects.filter(Q(counted_of__item=item) | Q(current_of__item=item))
        .select_related("reviewer")
        .order_by("assignment", "revision")
    )
    given: dict[int, dict[str, Any]] = defaultdict(dict)
    for label, key, value in LabelAnswer.objects.filter(label__in=labels).values_list(
        "label", "criterion__key", "value"
    ):
        given[label][key] = value
    names = {mode["key"]: mode["label"] for mode in item.rubric_version.failure_modes}
    voices = _voices(labels, given, names)
    proposal = majority([said(voice.label) for voice in voices]) or ""
    return Story(
        item=item,
        why=REASONS.get(item.adjudication_reason, ""),
        voices=voices,
        rows=_rows(item, voices),
        flags=list(Flag.objects.filter(item=item, closed_at=None).select_related("reviewer")),
        history=list(item.resolutions.select_related("by").order_by("-revision")),
        proposal="" if proposal == Verdict.CANNOT_TELL else proposal,
        modes=item.rubric_version.failure_modes,
        corrected=next((v.label.corrected_output for v in voices if v.label.corrected_output), ""),
    )


def _voices(labels: list[Label], given: dict[int, dict[str, Any]], names: dict[str, str]) -> list[Voice]:
    by_assignment: dict[int, list[Label]] = defaultdict(list)
    for label in labels:
        by_assignment[label.assignment_id].append(label)
    return [
        Voice(
            first := own[0],
            given[first.pk],
            [names.get(mode, mode) for mode in first.failure_modes],
            own[-1] if len(own) > 1 else None,
        )
        for own in by_assignment.values()
    ]


def _rows(item: ReviewItem, voices: list[Voice]) -> list[Row]:
    rows = [
        Row(
            criterion.title,
            [
                _of_side(item, voice, _words(voice.answers.get(criterion.key), criterion.options))
                for voice in voices
            ],
        )
        for criterion in answers.form_of(item.rubric_version).asked
    ]
    return [row for row in rows if any(row.values)]


def _of_side(item: ReviewItem, voice: Voice, words: str) -> str:
    """On a pair it is asked of the answer that is preferred, or of both."""
    if not words or item.kind != ItemKind.PAIR:
        return words
    letter = {"a": "A", "b": "B"}.get(voice.label.preference, "both")
    return f"{words} ({letter})"


def _words(value: Any, options: list[dict[str, Any]]) -> str:
    labels = {option["value"]: str(option["label"]) for option in options}
    values = value if isinstance(value, list) else [] if value is None else [value]
    return ", ".join(labels.get(each, str(each)) for each in values)
