"""Helicone: rows of its request log, each one call of a model with its whole request and response."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from ingest import times
from ingest.importers.entries import (
    Entry,
    Piece,
    add_statement,
    each,
    known,
    listed,
    plain,
    present,
    required,
    stated,
    trace_target,
)
from ingest.json_objects import Json
from ingest.otlp.payloads import usage
from ingest.otlp.values import mapping, number

ENVELOPES = ("data", "requests", "rows")
_SESSION, _PROMPT, _VERSION, _PATH = (
    "Helicone-Session-Id",
    "Helicone-Prompt-Id",
    "Helicone-Prompt-Version",
    "Helicone-Session-Path",
)


def read(found: Sequence[Piece]) -> Iterable[Entry]:
    return each(found, _read)


def _read(item: Json, entry: Entry) -> None:
    row = (
        item
        | mapping(item.get("request"))
        | {f"response_{key}": value for key, value in _response(item).items()}
    )
    trace_id = required(row, "request_id", "requestId", "id")
    properties = mapping(present(row, "request_properties", "properties"))
    started = present(row, "request_created_at", "created_at", "createdAt")
    ended = present(row, "response_created_at", "responseCreatedAt") or _later(started, _delay(row))
    call = {"span_id": f"{trace_id}:call"[:128], "started_at": started, "ended_at": ended, **_call(row)}
    trace = {
        "id": trace_id,
        "started_at": started,
        "ended_at": ended,
        "session_id": properties.get(_SESSION),
        "user_id": stated(row, "request_user_id", "user_id", "userId"),
        "prompt_name": stated(properties, _PROMPT) or stated(row, "prompt_id"),
        "prompt_version": stated(properties, _VERSION),
        "route": stated(properties, _PATH),
        "tags": plain(properties) | {"helicone": trace_id},
        "latency_ms": _delay(row),
        "spans": [known(call)],
    }
    entry.traces.append(known(trace))
    _statements(row, entry, trace_id)


def _call(row: Json) -> Json:
    """What the span of the one model call says, but for its id and its times."""
    asked, answered = mapping(_body(row, "request")), mapping(_body(row, "response"))
    status = number(present(row, "response_status", "status", "statusCode")) or 0
    failure = _failure(answered, status)
    # Whole requests and responses, in the words of the dialect that reads such.
    bodies = {"gen_ai.prompt": asked, "gen_ai.completion": {} if failure else answered}
    return {
        "name": "helicone.request",
        "status": "error" if failure else None,
        "error": failure,
        "attributes": known(bodies | _attributes(row, asked, answered)),
    }


def _attributes(row: Json, asked: Json, answered: Json) -> Json:
    model = stated(row, "response_model", "model", "request_model", "model_override")
    model = model or stated(answered, "model")
    input_tokens, output_tokens = _tokens(row, answered)
    choices = (mapping(choice) for choice in listed(answered.get("choices")))
    return {
        "langsmith.span.kind": "embedding" if "embedding" in stated(row, "request_path", "path") else "llm",
        "gen_ai.provider.name": stated(row, "provider").lower(),
        "gen_ai.request.model": stated(asked, "model") or stated(row, "request_model") or model,
        "gen_ai.response.model": stated(answered, "model") or model,
        "gen_ai.response.id": stated(answered, "id"),
        "gen_ai.usage.input_tokens": input_tokens,
        "gen_ai.usage.output_tokens": output_tokens,
        "gen_ai.usage.cost": number(present(row, "cost_usd", "costUSD", "cost")),
        "gen_ai.response.finish_reasons": [
            said for choice in choices if (said := stated(choice, "finish_reason"))
        ],
    }


def _response(item: Json) -> Json:
    inner = mapping(item.get("response"))
    return inner if inner.keys() & {"status", "body", "created_at"} else {}


def _body(row: Json, side: str) -> Any:
    return present(row, f"{side}_body", f"{side}Body", "body" if side == "request" else side)


def _delay(row: Json) -> float | None:
    """Milliseconds."""
    found = number(present(row, "delay_ms", "latency", "latency_ms", "delayMs"))
    return found if found is not None and found >= 0 else None


def _later(started: Any, delay: float | None) -> str | None:
    try:
        start = times.moment(times.nanoseconds(started))
        return (start + timedelta(milliseconds=delay or 0)).isoformat() if delay is not None else None
    except (ValueError, TypeError, OverflowError):
        return None


def _tokens(row: Json, answered: Json) -> tuple[int | None, int | None]:
    names = {
        "prompt_tokens": ("prompt_tokens", "promptTokens"),
        "completion_tokens": ("completion_tokens", "completionTokens"),
    }
    stated_apart = usage(known({name: number(present(row, *spelled)) for name, spelled in names.items()}))
    given, made = usage(answered.get("usage"))
    return stated_apart[0] if stated_apart[0] is not None else given, stated_apart[1] if stated_apart[
        1
    ] is not None else made


def _failure(answered: Json, status: float) -> str:
    error = answered.get("error")
    message = stated(mapping(error), "message") or (error if isinstance(error, str) else "")
    return message or (f"HTTP status {status:.0f}" if status >= 400 else "")


def _statements(row: Json, entry: Entry, trace_id: str) -> None:
    target = trace_target(trace_id)
    user = stated(row, "request_user_id", "user_id", "userId")
    for name, said in mapping(row.get("scores")).items():
        value = mapping(said).get("value", said) if isinstance(said, dict) else said
        if number(value) is not None or isinstance(value, bool):
            body = {
                "id": f"{trace_id}:{name}"[:200],
                "target": target,
                "name": name[:200],
                "value": value,
                "source": "code",
            }
            add_statement(entry, body, user=user)
    rating = present(row, "feedback_rating", "feedbackRating", "request_feedback")
    rating = row.get("feedback_rating") if rating is None else mapping(rating).get("rating", rating)
    if isinstance(rating, bool):
        time = present(row, "feedback_created_at", "feedbackCreatedAt")
        body = {"id": f"{trace_id}:rating"[:200], "target": target, "name": "user_rating", "value": rating}
        add_statement(entry, known(body | {"timestamp": time}) | {"value": rating}, user=user, force=True)
