"""Traces with what is said of them, brought as far as settling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ingest import intake, settling, tasks
from ingest.models import Trace
from ingest.records import Batch, FeedbackRecord, ScoreRecord, Target, TraceBody, content_hash

NOW = datetime.now(UTC) - timedelta(hours=1)


def body(trace_id, **fields):
    fields = {"input": "How?", "output": "So."} | fields
    return TraceBody(trace_id, NOW, None, NOW, fields, content_hash(trace_id, fields))


def score(trace_id, name="tone", value=0.5, *, key="", label="", confidence=None, at=NOW, source="llm"):
    key = key or f"{trace_id}:{name}"
    digest = content_hash(key, trace_id, name, value, label, confidence, at.isoformat())
    target = Target("trace", trace_id)
    return ScoreRecord(key, target, name, value, label, confidence, "", source, {}, "", at, {}, digest)


def said(trace_id, kind="thumbs", value="down", number=0.0, *, key="", user="ann", at=NOW):
    key = key or f"{trace_id}:{kind}:{user}"
    digest = content_hash(key, trace_id, kind, value, at.isoformat())
    return FeedbackRecord(
        key, Target("trace", trace_id), kind, "", value, number, "", user, "", at, {}, digest
    )


def arrive(project, *, bodies=(), scores=(), feedback=()):
    intake.store(project, Batch(bodies=list(bodies), scores=list(scores), feedback=list(feedback)))


def settle(project):
    """Bring every trace of the project past its patience, and do what the worker does."""
    tasks.read_stale(rest=timedelta(0))
    tasks.attach_pending()
    Trace.objects.filter(project=project).update(first_seen=NOW - settling.PATIENCE)
    tasks.settle_due()
    tasks.rescore_signalled()


def settled(project, trace_id, *, scores=None, feedback=(), **fields):
    given = [score(trace_id, name, value) for name, value in (scores or {}).items()]
    arrive(project, bodies=[body(trace_id, **fields)], scores=given, feedback=feedback)
    settle(project)
    return Trace.objects.get(project=project, trace_id=trace_id)
