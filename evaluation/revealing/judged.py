"""What did judges say of an item's trace? One answer of each judge, the live version's before others."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, IntegerField, Value, When

from evaluation.judges.models import Judgment, Progress, Stage
from reviewapp.figures import coefficient
from reviewapp.review.models import VERDICT, ReviewItem
from reviewapp.screen.sittings import TONES

MOST = 10
STAGES = {Stage.LIVE: 0, Stage.CANDIDATE: 1, Stage.RETIRED: 2}


@dataclass(frozen=True, slots=True)
class Said:
    """What one judge version said of one answer."""

    judge: str
    aside: str
    icon: str
    words: str
    tone: str
    rationale: str


def tell(item: ReviewItem, order: str = "ab") -> list[Said]:
    """Of a pair, the answers have the letters under which the reader saw them."""
    letters = {
        item.trace_id: "A" if order == "ab" else "B",
        item.other_trace_id: "B" if order == "ab" else "A",
    }
    return [_said(row, letters[row.trace_id] if item.other_trace_id else "") for row in _newest(item)]


def _newest(item: ReviewItem) -> list[Judgment]:
    """Trial 1 only: later ones are rounds over anchors."""
    stage = Case(
        *(When(version__stage=name, then=Value(place)) for name, place in STAGES.items()),
        output_field=IntegerField(),
    )
    traces = [pk for pk in (item.trace_id, item.other_trace_id) if pk]
    rows = (
        Judgment.objects.of_project(item.queue.project_id)
        .filter(trace__in=traces, trial=1, progress=Progress.DONE)
        .select_related("version__judge")
        .order_by("version__judge__name", "criterion", "trace", stage, "-version__number")
        .distinct("version__judge__name", "criterion", "trace")
    )
    return list(rows[:MOST])


def _said(row: Judgment, letter: str) -> Said:
    icon, words, tone = TONES[row.verdict]
    aside = [
        f"answer {letter}" if letter else "",
        row.version.label,
        "" if row.version.stage == Stage.LIVE else row.version.stage,
        "" if row.criterion == VERDICT else row.criterion,
        f"P(fail) {coefficient(row.score)}" if row.score is not None else "",
        f"confidence {coefficient(row.confidence)}" if row.confidence is not None else "",
    ]
    return Said(
        judge=row.version.judge.name,
        aside=", ".join(filter(None, aside)),
        icon=icon,
        words=words.capitalize(),
        tone=tone,
        rationale=row.rationale,
    )
