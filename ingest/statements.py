"""What does a score or a piece of feedback state, and about what? From its native body to its record."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ingest import shapes, times
from ingest.feedback import UNDATED
from ingest.json_objects import Json
from ingest.models import FeedbackKind, Source, TargetKind
from ingest.records import CHECK_KEYS, FeedbackRecord, ScoreRecord, Target, content_hash
from ingest.shapes import Invalid

DEFAULT_RATING_MAX = 5
WORDS = {
    FeedbackKind.THUMBS: {
        "up": ("up", 1.0), "true": ("up", 1.0), "1": ("up", 1.0),
        "down": ("down", 0.0), "false": ("down", 0.0), "0": ("down", 0.0), "-1": ("down", 0.0),
    },
    FeedbackKind.TASK_COMPLETED: {
        "true": ("true", 1.0), "yes": ("true", 1.0), "1": ("true", 1.0),
        "false": ("false", 0.0), "no": ("false", 0.0), "0": ("false", 0.0),
    },
}  # fmt: skip


def target_of(shape: shapes.TargetBody) -> Target:
    """Exactly one of the four ways to name a target; a span id may stand beside a trace id."""
    named = [name for name in ("trace_id", "response_id", "external") if getattr(shape, name)]
    if len(named) > 1 or (shape.span_id and named not in ([], ["trace_id"])):
        raise Invalid("target", "names more than one thing")
    span_id = shapes.identifier("target.span_id", shape.span_id or "")
    if shape.trace_id:
        return Target(TargetKind.TRACE.value, shapes.identifier("target.trace_id", shape.trace_id), span_id)
    if shape.response_id:
        return Target(TargetKind.RESPONSE.value, shapes.identifier("target.response_id", shape.response_id))
    if shape.external:
        if ":" in shape.external.system:
            raise Invalid("target.external.system", "must not contain a colon")
        name = f"{shape.external.system}:{shape.external.id}"
        return Target(TargetKind.EXTERNAL.value, shapes.identifier("target.external", name))
    if span_id:
        return Target(TargetKind.SPAN.value, span_id)
    raise Invalid("target", "must name a trace_id, span_id, response_id or external id")


def score_of(shape: shapes.NestedScore, item: Json, target: Target) -> ScoreRecord:
    """The record; its hash is over everything but the key, a missing timestamp counting as none."""
    if shape.value is None and not shape.label and not shape.error_type:
        raise Invalid("", "one of value, label, error_type is required")
    time = shapes.time_ns("timestamp", shape.timestamp)
    label = shape.label or ""
    if isinstance(shape.value, bool):
        label = label or ("pass" if shape.value else "fail")
    evaluator = item.get("evaluator") or {}
    said: dict[str, Any] = {
        "name": shape.name,
        "value": None if shape.value is None else float(shape.value),
        "label": label,
        "confidence": shape.confidence,
        "explanation": shape.explanation or "",
        "source": shape.source or Source.LLM.value,
        "evaluator": {"name": evaluator} if isinstance(evaluator, str) else evaluator,
        "error_type": shape.error_type or "",
        "metadata": _unnamed(item, shape) | (shape.metadata or {}),
    }
    digest = content_hash("score", _spelled(target), time, said)
    if (shape.id or "").startswith(CHECK_KEYS):
        raise Invalid("id", f"begins with {CHECK_KEYS!r}, which is reserved for this server's own checks")
    return ScoreRecord(
        key=shapes.identifier("id", shape.id or digest.hex()),
        target=target,
        timestamp=times.moment(time) if time else UNDATED,
        sha256=digest,
        **said,
    )


def feedback_of(shape: shapes.NestedFeedback, item: Json, target: Target) -> FeedbackRecord:
    time = shapes.time_ns("occurred_at", shape.occurred_at)
    payload = _unnamed(item, shape) | (shape.payload or {})
    value, number = _meaning(shape, payload)
    if shape.kind == "comment" and not (shape.comment or value):
        raise Invalid("comment", "is required")
    said: dict[str, Any] = {
        "kind": shape.kind,
        "dimension": shape.dimension or "",
        "value": value,
        "number": number,
        "comment": shape.comment or "",
        "user": shape.user or "",
        "session": shape.session or "",
        "payload": payload,
    }
    digest = content_hash("feedback", _spelled(target), time, said)
    return FeedbackRecord(
        key=shapes.identifier("id", shape.id or digest.hex()),
        target=target,
        occurred_at=times.moment(time) if time else UNDATED,
        sha256=digest,
        **said,
    )


def _meaning(shape: shapes.NestedFeedback, payload: Json) -> tuple[str, float | None]:
    """The value in one spelling, and as a number from 0 to 1 for the kinds that have one."""
    text = _text(shape.value)
    words = WORDS.get(FeedbackKind(shape.kind))
    if words is not None:
        if text.lower() not in words:
            raise Invalid("value", f"must be one of {', '.join(words)}")
        return words[text.lower()]
    return text, _rating(text, payload) if shape.kind == "rating" else None


def _rating(text: str, payload: Json) -> float:
    highest = payload.get("max", DEFAULT_RATING_MAX)
    if isinstance(highest, bool) or not isinstance(highest, int | float) or highest <= 0:
        raise Invalid("payload.max", "must be a number above 0")
    try:
        share = float(text) / highest
    except (ValueError, OverflowError):
        share = -1
    if not 0 <= share <= 1:
        raise Invalid("value", f"must be a number from 0 to {highest}")
    return share


def _text(value: bool | float | str | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        # 4 and 4.0 are one rating.
        return str(int(value)) if value.is_integer() else str(value)
    return (value or "").strip()


def _unnamed(item: Json, shape: Struct) -> Json:
    """Fields that the contract does not know, kept beside the ones it does."""
    return {key: value for key, value in item.items() if key not in shape.__struct_fields__}


def _spelled(target: Target) -> tuple[str, str, str]:
    return (target.kind, target.key, target.span_id)
