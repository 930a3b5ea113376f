"""What did judges say of an item's trace? One answer of each judge, the live version's before others."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, IntegerField, Q, Value, When

from evaluation.judges.models import PREFERENCE, Judgment, Progress, Stage
from evaluation.revealing import standing
from evaluation.revealing.standing import Standing
from reviewapp.figures import coefficient
from reviewapp.models import Membership
from reviewapp.review import blindness
from reviewapp.review.models import VERDICT, Queue, ReviewItem
from reviewapp.screen import sittings
from reviewapp.screen.revealing import seen
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
    standing: Standing | None  # None: what was known of it can no longer be read


def tell(item: ReviewItem, order: str = "ab") -> list[Said]:
    """Of a pair, the answers have the letters under which the reader saw them."""
    letters = {
        item.trace_id: "A" if order == "ab" else "B",
        item.other_trace_id: "B" if order == "ab" else "A",
    }
    is_pair = item.other_trace_id is not None
    return [
        _said(row, f"answer {letters[row.trace_id]}" if is_pair and row.item_id is None else "", order)
        for row in _newest(item)
    ]


def lately(membership: Membership, queue: Queue) -> list[tuple[int, str]]:
    """Item and "judge: fail" of those decisions in this reviewer's rail whose reveal they have opened.

    Of no others: the rail has no place for what would be said of them.
    """
    shown = [decision.item for decision in sittings.last(queue, membership.user) if decision.is_told]
    items = list(ReviewItem.objects.filter(pk__in=shown, other_trace=None).select_related("trace"))
    hidden = blindness.hides(membership, [item.trace for item in items])
    traces = [item.trace_id for item in items if item.trace_id not in hidden]
    live = Judgment.objects.of_project(queue.project_id).filter(
        trace__in=traces, trial=1, progress=Progress.DONE, criterion=VERDICT, version__stage=Stage.LIVE
    )
    words = {row.trace_id: f"judge: {TONES[row.verdict][1]}" for row in live.order_by("-pk")}
    return [(item.pk, words[item.trace_id]) for item in items if item.trace_id in words]


def _newest(item: ReviewItem) -> list[Judgment]:
    """Trial 1 only: later ones are rounds over anchors, or a pair the other way round. What was said of a
    pair stands by that pair alone."""
    stage = Case(
        *(When(version__stage=name, then=Value(place)) for name, place in STAGES.items()),
        output_field=IntegerField(),
    )
    traces = [pk for pk in (item.trace_id, item.other_trace_id) if pk]
    rows = (
        Judgment.objects.of_project(item.queue.project_id)
        .filter(Q(item=None) | Q(item=item), trace__in=traces, trial=1, progress=Progress.DONE)
        .select_related("version__judge", "version__rubric_version__rubric")
        .order_by("version__judge__name", "criterion", "trace", stage, "-version__number")
        .distinct("version__judge__name", "criterion", "trace")
    )
    return list(rows[:MOST])


def _said(row: Judgment, which: str, order: str) -> Said:
    icon, words, tone = TONES[row.verdict or seen(row.preference, order)]
    aside = [
        which,
        row.version.label,
        "" if row.version.stage == Stage.LIVE else row.version.stage,
        "" if row.criterion in (VERDICT, PREFERENCE) else row.criterion,
        f"P(fail) {coefficient(row.score)}" if row.score is not None else "",
        f"confidence {coefficient(row.confidence)}" if row.confidence is not None else "",
    ]
    return Said(
        judge=row.version.judge.name,
        aside=", ".join(filter(None, aside)),
        icon=icon,
        words=words[:1].upper() + words[1:],
        tone=tone,
        rationale=row.rationale,
        standing=standing.of(row.version),
    )
