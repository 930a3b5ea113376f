"""Which score does a `gen_ai.evaluation.result` event state, from a log record or a span event?"""

from __future__ import annotations

from datetime import datetime

from ingest.json_objects import Json
from ingest.models import Source, TargetKind
from ingest.otlp.values import first_text, kept, mapping, number, text
from ingest.records import ScoreRecord, Target, content_hash

EVALUATION_EVENT = "gen_ai.evaluation.result"

_NAME = "gen_ai.evaluation.name"
_VALUE = "gen_ai.evaluation.score.value"
_LABEL = "gen_ai.evaluation.score.label"
_EXPLANATION = "gen_ai.evaluation.explanation"
_RESPONSE = "gen_ai.response.id"
_SOURCE = "gen_ai.evaluation.source"
_EVALUATOR = "gen_ai.evaluation.evaluator"
_ERROR = "error.type"
_IDS = ("gen_ai.evaluation.id", "event.id", "log.record.uid")
_READ = frozenset({_NAME, _VALUE, _LABEL, _EXPLANATION, _RESPONSE, _SOURCE, _ERROR, "event.name", *_IDS})

_NAME_CHARACTERS = 200
_KEY_CHARACTERS = 200
_TARGET_CHARACTERS = 300
# What a name says when people in the product gave the verdict, not an evaluator.
_USER_WORDS = ("user_feedback", "user.feedback", "user feedback", "userfeedback", "thumbs")


def score_of_event(
    name: str, attributes: Json, *, trace_id: str, span_id: str, occurred_at: datetime
) -> ScoreRecord | None:
    """The score, or None for another event and for one without a name, a target, or anything said.

    Without an id of its own, an event is identified by its content, so the same one sent twice is one score.
    """
    target = _target(attributes, trace_id, span_id)
    score_name = first_text(attributes, _NAME)[:_NAME_CHARACTERS]
    value, label = _verdict(attributes)
    error_type = first_text(attributes, _ERROR)
    if name != EVALUATION_EVENT or target is None or not score_name:
        return None
    if value is None and not label and not error_type:
        return None
    moment = occurred_at.isoformat()
    digest = content_hash(EVALUATION_EVENT, trace_id, span_id, moment, kept(attributes))
    return ScoreRecord(
        key=_own_id(attributes) or digest.hex(),
        target=target,
        name=score_name,
        value=value,
        label=label,
        confidence=None,
        explanation=first_text(attributes, _EXPLANATION),
        source=_source(score_name, attributes),
        evaluator=_evaluator(attributes),
        error_type=error_type,
        timestamp=occurred_at,
        metadata={key: kept(each) for key, each in attributes.items() if _is_metadata(key)},
        sha256=digest,
    )


def _target(attributes: Json, trace_id: str, span_id: str) -> Target | None:
    """The span the event happened in; the id of the provider's response only where there is no span."""
    if trace_id:
        return Target(TargetKind.TRACE.value, trace_id, span_id)
    response_id = first_text(attributes, _RESPONSE)[:_TARGET_CHARACTERS]
    return Target(TargetKind.RESPONSE.value, response_id) if response_id else None


def _verdict(attributes: Json) -> tuple[float | None, str]:
    """Value and label; a boolean in either place is 1 or 0 and pass or fail."""
    value, label = attributes.get(_VALUE), attributes.get(_LABEL)
    truth = next((each for each in (value, label) if isinstance(each, bool)), None)
    if truth is not None:
        return number(value) if number(value) is not None else float(truth), text(label) or _word(truth)
    return number(value), text(label) or (text(value) if number(value) is None else "")


def _word(truth: bool) -> str:
    return "pass" if truth else "fail"


def _source(name: str, attributes: Json) -> str:
    stated = first_text(attributes, _SOURCE).lower()
    if stated in Source.values:
        return stated
    return Source.USER.value if any(word in name.lower() for word in _USER_WORDS) else Source.LLM.value


def _evaluator(attributes: Json) -> Json:
    """Name, version and model; some evaluators put theirs into one JSON object."""
    described = mapping(attributes.get(f"{_EVALUATOR}.source"))
    found = {
        "name": first_text(attributes, f"{_EVALUATOR}.name", _EVALUATOR) or first_text(described, "name"),
        "version": first_text(attributes, f"{_EVALUATOR}.version") or first_text(described, "version"),
        "model": first_text(attributes, f"{_EVALUATOR}.model", "gen_ai.request.model"),
    }
    return {key: value for key, value in found.items() if value}


def _is_metadata(key: str) -> bool:
    return key not in _READ and not key.startswith(_EVALUATOR)


def _own_id(attributes: Json) -> str:
    found = first_text(attributes, *_IDS)
    return found if len(found) <= _KEY_CHARACTERS else ""
