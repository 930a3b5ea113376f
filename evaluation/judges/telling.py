"""Tells the ground floor what a judge said: a score on the trace, by which routing can choose it."""

from __future__ import annotations

from evaluation.judges.models import Judgment, Origin
from evaluation.judges.protocol import Answer
from ingest import intake
from ingest.models import Source, TargetKind
from ingest.records import Batch, ScoreRecord, Target, content_hash

# Anchors are asked again and again, and say something of the judge, not of the trace.
TOLD = (Origin.SAMPLE, Origin.AUDIT, Origin.QUEUE, Origin.GIVEN)


def score(judgment: Judgment, answer: Answer) -> None:
    """1 is good: the complement of the probability of failure."""
    if judgment.origin not in TOLD:
        return
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
    record = ScoreRecord(
        key=f"judge-{version.pk}-{judgment.trace_id}-{judgment.trial}",
        target=Target(TargetKind.TRACE.value, judgment.trace.trace_id),
        source=Source.LLM.value,
        error_type="",
        timestamp=judgment.created_at,
        metadata={},
        sha256=content_hash("judgment", said),
        **said,  # type: ignore[arg-type]
    )
    intake.store(judge.project, Batch(scores=[record]))
