"""LangSmith: runs (alone, in a list, as `post` and `patch`, in multipart bodies) and feedback.

A run becomes a span with the attributes LangSmith's own OpenTelemetry exporter sends; the root run also says
what the trace is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ingest.importers.entries import (
    Entry,
    Piece,
    add_statement,
    each,
    edit,
    joined,
    known,
    plain,
    present,
    required,
    stated,
    tagged,
    trace_target,
)
from ingest.json_objects import Json
from ingest.otlp import associations
from ingest.otlp.values import mapping, number
from ingest.shapes import Invalid

ENVELOPES = ("post", "patch", "runs", "feedback", "data", "items")
_SOURCES = {"model": "llm", "app": "human", "api": "code", "auto_eval": "llm"}


def read(found: Sequence[Piece]) -> Iterable[Entry]:
    """A run's post and patches of one request are one."""
    return each(joined(found, _identity), _read)


def _identity(item: Json) -> Any:
    return None if _is_feedback(item) or not isinstance(item.get("id"), str) else item["id"]


def _is_feedback(item: Json) -> bool:
    return (
        "key" in item
        and "run_type" not in item
        and bool(item.keys() & {"score", "value", "comment", "run_id"})
    )


def _read(item: Json, entry: Entry) -> None:
    if _is_feedback(item):
        _feedback(item, entry)
    else:
        _run(item, entry)


def _run(item: Json, entry: Entry) -> None:
    run_id = required(item, "id")
    trace_id = stated(item, "trace_id") or run_id
    metadata = _metadata(item)
    trace: Json = {"id": trace_id, "spans": [_span(item, run_id, metadata)]}
    if not present(item, "parent_run_id", "parent_id") and run_id == trace_id:
        about = associations.read(metadata)
        trace |= {
            "name": stated(item, "name"),
            "started_at": item.get("start_time"),
            "ended_at": item.get("end_time"),
            "session_id": about.session_id or about.conversation_id,
            "user_id": about.user_id,
            "environment": about.environment,
            "tags": plain(metadata) | tagged(item.get("tags")) | known({"langsmith": run_id}),
        }
    entry.traces.append(known(trace))


def _metadata(item: Json) -> Json:
    found = mapping(mapping(item.get("extra")).get("metadata")) | mapping(item.get("metadata"))
    return {key: value for key, value in found.items() if not key.startswith(("LANGSMITH_", "LANGCHAIN_"))}


def _span(item: Json, run_id: str, metadata: Json) -> Json:
    error = stated(item, "error")
    invocation = mapping(mapping(item.get("extra")).get("invocation_params"))
    outputs = item.get("outputs")
    usage = _usage(item, metadata, mapping(outputs))
    return known(
        {
            "span_id": run_id,
            "parent_id": stated(item, "parent_run_id", "parent_id"),
            "name": stated(item, "name"),
            "started_at": present(item, "start_time") or _ordered_time(item),
            "ended_at": item.get("end_time"),
            "status": "error" if error else None,
            "error": error,
            "attributes": known(
                {
                    "langsmith.span.kind": stated(item, "run_type") or "chain",
                    "gen_ai.prompt": item.get("inputs"),
                    "gen_ai.completion": outputs,
                    "gen_ai.request.model": stated(invocation, "model", "model_name"),
                    "gen_ai.response.model": stated(mapping(outputs), "model"),
                    "gen_ai.response.id": stated(mapping(outputs), "id"),
                    "gen_ai.usage.cost": number(item.get("total_cost")),
                    "langsmith.metadata.usage_metadata": usage,
                    **{f"langsmith.metadata.{key}": value for key, value in plain(metadata).items()},
                }
            ),
        }
    )


def _usage(item: Json, metadata: Json, outputs: Json) -> Json:
    stated_apart = known(
        {"input_tokens": item.get("prompt_tokens"), "output_tokens": item.get("completion_tokens")}
    )
    return (
        mapping(metadata.get("usage_metadata"))
        or mapping(outputs.get("usage_metadata"))
        or mapping(outputs.get("usage"))
        or stated_apart
    )


def _ordered_time(item: Json) -> str | None:
    """The start from `dotted_order`, whose last part is `20261121T000000000000Z<run id>`."""
    last = stated(item, "dotted_order").rpartition(".")[2]
    stamp, zone, _ = last.partition("Z")
    if not zone or len(stamp) < 21 or not stamp.replace("T", "", 1).isdecimal():
        return None
    day, time = stamp[:8], stamp[9:]
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:6]}.{time[6:12]}Z"


def _feedback(item: Json, entry: Entry) -> None:
    run_id, trace_id = stated(item, "run_id"), stated(item, "trace_id")
    if not run_id and not trace_id:
        raise Invalid("run_id", "is required")
    source = mapping(item.get("feedback_source"))
    about = mapping(source.get("metadata"))
    user = associations.read(about).user_id or stated(source, "user_id", "user_name")
    target = trace_target(trace_id, "" if run_id == trace_id else run_id)
    said, score = item.get("value"), item.get("score")
    time = present(item, "modified_at", "created_at")
    identity = stated(item, "id")
    correction = edit(identity, target, item.get("correction"), user=user, time=time)
    if correction:
        entry.feedback.append(correction)
    if score is not None or said not in (None, "", {}, []):
        body = _score(item, target) | {"metadata": known({"extra": item.get("extra"), "source": about})}
        add_statement(entry, body | {"timestamp": time}, user=user)
    elif comment := stated(item, "comment"):
        body = {"id": identity, "target": target, "kind": "comment", "comment": comment}
        entry.feedback.append(known(body | {"user": user, "occurred_at": time}))
    elif correction is None:
        raise Invalid("score", "has neither a score, a value, a comment nor a correction")


def _score(item: Json, target: Json) -> Json:
    """A number is the value, a text the label, and what is neither is spelled out as one."""
    said, score = item.get("value"), item.get("score")
    label = said if isinstance(said, str) else None
    value = score if score is not None else said if isinstance(said, int | float) else None
    source = mapping(item.get("feedback_source"))
    return {
        "id": stated(item, "id"),
        "target": target,
        "name": required(item, "key"),
        "value": value,
        "label": label if label or value is not None else readable_value(said),
        "explanation": stated(item, "comment"),
        "source": _SOURCES.get(stated(source, "type"), "code"),
    }


def readable_value(value: Any) -> str:
    return "" if value is None else str(value)


def parts_as_items(parts: Iterable[tuple[str, Any]]) -> list[Any]:
    """The named parts of a multipart body, `post.<id>` and `post.<id>.inputs`, as one object for each run."""
    items: dict[tuple[str, str], Any] = {}
    for name, value in parts:
        event, _, rest = name.partition(".")
        identity, _, side = rest.partition(".")
        if event not in ("post", "patch", "feedback"):
            continue
        if not side:
            items[event, identity] = value
        elif isinstance(known_item := items.setdefault((event, identity), {"id": identity}), dict):
            known_item[side] = value
    return list(items.values())
