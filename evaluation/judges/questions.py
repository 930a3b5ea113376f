"""What is a judge asked about a trace? The snapshot of what reviewers see, and the criterion's own words."""

from __future__ import annotations

from evaluation.judges.models import Judgment
from evaluation.judges.protocol import Question
from reviewapp.review import snapshots

LONGEST_TEXT = 40_000
MOST_PASSAGES, LONGEST_PASSAGE = 20, 4000


def of(judgment: Judgment) -> Question:
    """The snapshot is made now, unless the judgment came with one, and the judgment points to it."""
    if judgment.snapshot is None:
        judgment.snapshot = snapshots.of_trace(judgment.trace)
        Judgment.objects.filter(pk=judgment.pk).update(snapshot=judgment.snapshot)
    shown = snapshots.content(judgment.snapshot).get("trace", {})
    return Question(
        trace_id=str(shown.get("trace_id", judgment.trace.trace_id)),
        input=str(shown.get("input", ""))[:LONGEST_TEXT],
        output=str(shown.get("output", ""))[:LONGEST_TEXT],
        context=tuple(
            str(passage.get("text", ""))[:LONGEST_PASSAGE]
            for passage in shown.get("context", [])[:MOST_PASSAGES]
        ),
        status=str(shown.get("status", "")),
        criterion=judgment.criterion,
        guidance=judgment.version.prompt,
        trial=judgment.trial,
        began=judgment.trace.started_at.isoformat(),
    )
