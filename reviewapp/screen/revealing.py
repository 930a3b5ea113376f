"""What is shown after one's own submit: what others said, why the item came, and what the label did?

Ask only for a reviewer whose label stands, and after `blindness.note_opened`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.models import Score
from ingest.routing.priority import is_learned
from reviewapp.figures import coefficient, percent
from reviewapp.models import User
from reviewapp.review import criteria_met
from reviewapp.review.models import (
    Assignment,
    ItemState,
    Kind,
    Label,
    LabelAnswer,
    Method,
    Resolution,
    ReviewItem,
)
from reviewapp.review.resolutions import REASONS
from reviewapp.screen import outcomes
from reviewapp.screen.sittings import TONES
from reviewapp.traces import signals, trace_page
from reviewapp.traces.signals import Signal

KEPT = "Your label is kept."
FACTORS = {"p_fail": "P(fail)", "severity": "severity", "uncertainty": "doubt", "novelty": "novelty"}


@dataclass(frozen=True, slots=True)
class Said:
    """What one person said, in the form in which people and judge are compared.

    `met` is the share of the pass/fail criteria that they found met, in words; empty where they judged none.
    """

    who: str
    aside: str
    words: str
    icon: str
    tone: str
    chips: tuple[str, ...]
    note: str
    corrected: str
    met: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    icon: str
    words: str


@dataclass(frozen=True, slots=True)
class Reveal:
    """Oneself first, then the peers. `seconds` and `was_blind` are those of the answer that counts, whatever
    was said after the reveal."""

    people: list[Said]
    effects: list[Effect]
    seconds: float | None
    was_blind: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What users, checks and judges said of the item's trace: in brief, and what still counts in full.

    `passed` are the checks that found nothing, `telling` all other scores.
    """

    signals: list[Signal]
    feedback: list[trace_page.Said]
    telling: list[Score]
    passed: list[Score]


def tell(item: ReviewItem, assignment: Assignment, *, is_hidden: bool = False) -> Reveal:
    mine, first = assignment.current, assignment.counted
    assert mine is not None and first is not None
    if is_hidden:
        own = said(mine, item, assignment.reviewer, assignment.display_order)
        return Reveal([own], [Effect("check", KEPT)], first.seconds, first.blind)
    others = Label.objects.standing().filter(assignment__item=item).exclude(assignment=assignment)
    labels = [mine, *others.select_related("reviewer").order_by("created_at", "pk")]
    return Reveal(
        people=[said(label, item, assignment.reviewer, assignment.display_order) for label in labels],
        effects=list(effects(item, assignment, len(labels))),
        seconds=first.seconds,
        was_blind=first.blind,
    )


def said(label: Label, item: ReviewItem, reader: User, order: str = "ab") -> Said:
    """A preference is told by the letters under which the reader saw the answers."""
    value = label.verdict or label.preference
    icon, words, tone = TONES[seen(value, order)]
    aside = [label.confidence, "changed after the reveal" if label.kind == Kind.POST_REVEAL else ""]
    answered = list(label.answers.select_related("criterion").order_by("criterion__position"))
    return Said(
        who="You" if label.reviewer_id == reader.pk else str(label.reviewer),
        aside=", ".join(filter(None, aside)),
        words=words[:1].upper() + words[1:],
        icon=icon,
        tone=tone,
        chips=(*_modes(label, item), *_answers(answered, seen(label.preference, order))),
        note=label.note,
        corrected=label.corrected_output,
        met=_met(answered),
    )


def _met(answered: Sequence[LabelAnswer]) -> str:
    share = criteria_met.share((answer.criterion, answer.value) for answer in answered)
    return "" if share is None else f"Criteria met: {percent(share)}, by weight"


def seen(value: str, order: str) -> str:
    return {order[0]: "a", order[1]: "b"}.get(value, value)


def _modes(label: Label, item: ReviewItem) -> list[str]:
    names = {mode["key"]: mode.get("label") or mode["key"] for mode in item.rubric_version.failure_modes}
    return [names.get(key, key) for key in label.failure_modes]


def _answers(answered: Sequence[LabelAnswer], preferred: str) -> Iterator[str]:
    """Of a pair it is said of which answer they are: what the form asks is about the preferred one."""
    of_whom = {"": "", "a": " (A)", "b": " (B)"}.get(preferred, " (both)")
    for answer in answered:
        words = {
            str(option["value"]): option.get("label") or option["value"]
            for option in answer.criterion.options
        }
        values = answer.value if isinstance(answer.value, list) else [answer.value]
        said = ", ".join(str(words.get(str(value), value)) for value in values)
        yield f"{answer.criterion.title}{of_whom}: {said}"


def effects(item: ReviewItem, assignment: Assignment, labels: int) -> Iterator[Effect]:
    """`labels` stand on the item, of everyone."""
    mine = assignment.current
    assert mine is not None
    if mine.kind == Kind.POST_REVEAL:
        yield Effect("info", "Your change is kept as a revision. Agreement counts your first answer.")
    elif not item.queue.blind:
        yield Effect("info", "This queue shows its signals, so labels from here count in no figure.")
    elif not mine.blind:
        yield Effect(
            "info", "You had seen what was said of this trace before, so your label counts in no agreement."
        )
    if outcomes.is_set_aside(item):
        yield Effect("check", KEPT)
    elif outcomes.rests_on_one(item) or (item.state == ItemState.OPEN and labels == 1):
        _, words, _ = TONES[seen(mine.verdict or mine.preference, assignment.display_order)]
        yield Effect(*outcomes.in_full(assignment, words))
    elif item.state == ItemState.OPEN:
        missing = max(item.required - labels, 0)
        yield Effect(
            "clock", f"{missing} more reviewer{'s' * (missing != 1)} will look at it, then it is decided."
        )
    elif item.state == ItemState.ADJUDICATION:
        yield Effect("people", f"{REASONS.get(item.adjudication_reason, 'It is undecided')}: a lead decides.")
    elif item.resolution:
        yield _decided(item.resolution, assignment.display_order)


def _decided(resolution: Resolution, order: str) -> Effect:
    _, words, _ = TONES[seen(resolution.verdict or resolution.preference, order)]
    who = "A lead has decided" if resolution.method == Method.ADJUDICATED else "The reviewers agree"
    if resolution.confirmed:
        return Effect("check", f"{who}: the failure is confirmed.")
    return Effect("check", f"{who}: {words}.")


def heard_of(item: ReviewItem) -> Heard:
    scores, feedback = trace_page.said_of(item.trace)
    return Heard(
        signals.of_trace(item.trace, feedback, scores),
        [said for said in trace_page.timeline(feedback) if said.counts],
        [score for score in scores if not signals.is_passed_check(score)],
        [score for score in scores if signals.is_passed_check(score)],
    )


def terms(stored: Mapping[str, Any], priority: float) -> str:
    """ "priority 1.68, by rules: P(fail) .71, severity 2, doubt .18, novelty 1"; empty without a rank."""
    factors = [
        f"{words} {coefficient(float(value))}"
        for name, words in FACTORS.items()
        if isinstance(value := stored.get(name), int | float)
    ]
    if not factors:
        return ""
    by = "learned from labels" if is_learned(stored) else "by rules"
    return f"priority {coefficient(priority)}, {by}: {', '.join(factors)}"
