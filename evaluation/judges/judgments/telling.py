"""Hands a verdict to the ground floor: a score on the trace, which routing rules can use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from evaluation.judges.calls.protocol import Answer
from evaluation.judges.models import Judgment, Origin
from ingest import intake
from ingest.models import Project, Source, TargetKind
from ingest.records import Batch, ScoreRecord, Target, content_hash

# Anchors are asked again and again, and say something of the judge, not of the trace.
TOLD = (Origin.SAMPLE, Origin.AUDIT, Origin.QUEUE, Origin.GIVEN)


def scores(answered: Sequence[tuple[Judgment, Answer]]) -> None:
    """Of verdicts on traces; 1 is good: the complement of the probability of failure."""
    told: dict[Project, list[ScoreRecord]] = defaultdict(list)
    for judgment, answer in answered:
        if judgment.origin in TOLD:
            told[judgment.version.judge.project].append(_score(judgment, answer))
    for project, records in told.items():
        intake.store(project, Batch(scores=records))


def _score(judgment: Judgment, answer: Answer) -> ScoreRecord:
    version, judge = judgment.version, judgment.version.judge
    fails = answer.score if answer.score is not None else float(answer.verdict == "fail")
    said = {
        "name": judge.name,
        "value": 1 - fails,
        "label": answer.verdict,
        "confidence": answer.confidence,
        "explanation": answer.rationale,
        "evaluator": {"name": judge.name, "version": version.label, "model": version.model},
    }
    return ScoreRecord(
        key=f"judge-{version.pk}-{judgment.trace_id}-{judgment.trial}",
        target=Target(TargetKind.TRACE.value, judgment.trace.trace_id),
        source=Source.LLM.value,
        error_type="",
        timestamp=judgment.created_at,
        metadata={},
        sha256=content_hash("judgment", said),
        **said,  # type: ignore[arg-type]
    )
