"""What happened around a trace, in one icon and a few words each, the most telling first?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ingest.feedback import counting_keys
from ingest.models import Feedback, FeedbackKind, Score, Source, Trace
from ingest.trace_checks.vocabulary import SCORE_PREFIX

# Below this share of its scale a score, or a check, speaks against the answer.
DOUBT = 0.5


@dataclass(frozen=True, slots=True)
class Signal:
    """`tone` is "doubt" where it speaks against the answer, else empty."""

    icon: str
    text: str
    tone: str = ""


_AGAINST = {
    FeedbackKind.REPORT: ("flag", "reported"),
    FeedbackKind.ESCALATE: ("escalate", "escalated"),
    FeedbackKind.REGENERATE: ("refresh", "regenerated"),
    FeedbackKind.REPHRASE: ("chat", "rephrased"),
    FeedbackKind.EDIT: ("pencil", "edited"),
    FeedbackKind.ABANDON: ("logout", "abandoned"),
}
_FOR_OR_NEUTRAL = {
    FeedbackKind.ACCEPT: ("check", "accepted"),
    FeedbackKind.COPY: ("copy", "copied"),
    FeedbackKind.FOLLOW_UP: ("arrow-down", "followed up"),
    FeedbackKind.COMMENT: ("comment", "commented"),
}
_JUDGED = {
    FeedbackKind.THUMBS: (("thumb-down", "thumbs down"), ("thumb-up", "thumbs up")),
    FeedbackKind.RATING: (("star", "low rating"), ("star", "good rating")),
    FeedbackKind.TASK_COMPLETED: (("close", "task not completed"), ("check", "task completed")),
}


def of_statement(statement: Feedback) -> Signal:
    """One statement on its own, whether it still counts or not."""
    kind = FeedbackKind(statement.kind)
    if kind in _JUDGED:
        bad, good = _JUDGED[kind]
        is_bad = statement.number is not None and statement.number <= DOUBT
        icon, text = bad if is_bad else good
        words = f"rated {statement.value}" if kind == FeedbackKind.RATING and statement.value else text
        return Signal(icon, words, "doubt" if is_bad else "")
    if kind in _AGAINST:
        return Signal(*_AGAINST[kind], "doubt")
    return Signal(*_FOR_OR_NEUTRAL[kind])


def of_trace(trace: Trace, feedback: Sequence[Feedback], scores: Iterable[Score]) -> list[Signal]:
    """Everything known of one trace; `feedback` is its whole history, of which only what counts is told."""
    counted = counting_keys(feedback)
    now = [row for row in feedback if row.key in counted]
    kinds = Counter(row.kind for row in now)
    signals = [*_of_trace_itself(trace), *_judged(now, against=True)]
    signals += _counted(_AGAINST, kinds, "doubt")
    signals += _failed_checks(scores)
    signals += _judged(now, against=False)
    signals += _counted(_FOR_OR_NEUTRAL, kinds, "")
    return signals


def _of_trace_itself(trace: Trace) -> Iterator[Signal]:
    if trace.status == "error":
        yield Signal("alert", "error", "failure")
    elif trace.error_count:
        yield Signal("alert", f"{trace.error_count} failed span{'s' * (trace.error_count > 1)}", "doubt")


def _judged(now: Iterable[Feedback], *, against: bool) -> Iterator[Signal]:
    said = Counter(row.kind for row in now if row.number is not None and (row.number <= DOUBT) == against)
    for kind, (bad, good) in _JUDGED.items():
        if said[kind]:
            icon, text = bad if against else good
            yield Signal(icon, _times(text, said[kind]), "doubt" if against else "")


def _counted(table: dict[FeedbackKind, tuple[str, str]], kinds: Counter[str], tone: str) -> Iterator[Signal]:
    for kind, (icon, text) in table.items():
        if kinds[kind]:
            yield Signal(icon, _times(text, kinds[kind]), tone)


def _failed_checks(scores: Iterable[Score]) -> Iterator[Signal]:
    for score in scores:
        if score.source == Source.CODE and score.value is not None and score.value < DOUBT:
            yield Signal("wrench", f"check failed: {score.name.removeprefix(SCORE_PREFIX)}", "doubt")


def is_passed_check(score: Score) -> bool:
    return score.source == Source.CODE and score.value is not None and score.value >= DOUBT


def _times(text: str, number: int) -> str:
    return text if number == 1 else f"{text} \u00d7{number}"
