"""What is a judge asked about a trace? The snapshot of what reviewers see, and the criterion's own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import connection

from evaluation.judges.calls.protocol import PairQuestion, Question
from evaluation.judges.models import Judgment
from ingest.json_objects import Json
from ingest.models import Trace
from reviewapp.review import snapshots

LONGEST_TEXT = 40_000
MOST_PASSAGES, LONGEST_PASSAGE = 20, 4000
MOST_MESSAGES, LONGEST_MESSAGE = 20, 1000


def take_snapshots(judgments: Sequence[Judgment]) -> None:
    """Of all traces that have none yet at once; pairs have theirs from their items."""
    bare = [each for each in judgments if each.snapshot is None and each.item is None]
    made = snapshots.of_traces([each.trace for each in bare])
    for judgment in bare:
        judgment.snapshot = made[judgment.trace_id]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE evaluation_judgment j SET snapshot_id = n.snapshot "
            "FROM unnest(%s::bigint[], %s::bigint[]) n (id, snapshot) WHERE j.id = n.id",
            [[each.pk for each in bare], [made[each.trace_id].pk for each in bare]],
        )


def of(judgment: Judgment) -> Question | PairQuestion:
    """The snapshot is made now, unless the judgment came with one, and the judgment points to it."""
    if judgment.snapshot is None:
        made = snapshots.of_item(judgment.item) if judgment.item else snapshots.of_trace(judgment.trace)
        judgment.snapshot = made
        Judgment.objects.filter(pk=judgment.pk).update(snapshot=judgment.snapshot)
    shown = snapshots.content(judgment.snapshot)
    if judgment.item is not None:
        return _of_pair(judgment, shown)
    return replace(
        of_view(shown.get("trace", {}), judgment.trace),
        criterion=judgment.criterion,
        guidance=judgment.version.prompt,
        trial=judgment.trial,
        sample=len(judgment.votes) + 1,
    )


def of_view(shown: Json, trace: Trace) -> Question:
    """What is asked of a trace as it is shown."""
    return Question(
        trace_id=str(shown.get("trace_id", trace.trace_id)),
        input=str(shown.get("input", ""))[:LONGEST_TEXT],
        output=str(shown.get("output", ""))[:LONGEST_TEXT],
        context=tuple(
            str(passage.get("text", ""))[:LONGEST_PASSAGE]
            for passage in shown.get("context", [])[:MOST_PASSAGES]
        ),
        status=str(shown.get("status", "")),
        began=trace.started_at.isoformat(),
        conversation=_conversation(shown),
    )


def _of_pair(judgment: Judgment, shown: Json) -> PairQuestion:
    """Both answers, in the order that was drawn for this judgment."""
    a, b = shown.get("a", {}), shown.get("b", {})
    first, second = (a, b) if judgment.order == "ab" else (b, a)
    return PairQuestion(
        subject=f"{judgment.item_id}",
        input=str(a.get("input", ""))[:LONGEST_TEXT],
        first=str(first.get("output", ""))[:LONGEST_TEXT],
        second=str(second.get("output", ""))[:LONGEST_TEXT],
        guidance=judgment.version.prompt,
        sample=len(judgment.votes) + 1,
    )


def _conversation(shown: Json) -> tuple[dict[str, str], ...]:
    messages = [
        {"role": str(each.get("role", "")), "text": str(each.get("text", ""))[:LONGEST_MESSAGE]}
        for each in shown.get("messages", [])[-MOST_MESSAGES:]
    ]
    return tuple(messages)
