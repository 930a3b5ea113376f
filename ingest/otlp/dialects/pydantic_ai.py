"""Pydantic AI and Logfire: an agent's run, messages as events in JSON, and Logfire's view of OpenAI calls.

Newer versions also speak the GenAI conventions, which then count first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ingest.json_objects import Json
from ingest.otlp.dialects import genai
from ingest.otlp.facts import Event, Facts, Kind, SpanView, merge
from ingest.otlp.messages import Message, last_word, read_messages
from ingest.otlp.payloads import read_request, read_response, readable, usage
from ingest.otlp.values import first_number, first_text, mapping, parse

_OWN = ("agent_name", "all_messages_events", "pydantic_ai.all_messages", "events", "final_result")
_EVALS = frozenset({"task_name", "case_name"})
HEADS = frozenset(key.partition(".")[0] for key in _OWN) | _EVALS | {"request_data", "operation"}


def read(view: SpanView) -> Facts | None:
    attributes = view.attributes
    answers = []
    if any(key in attributes for key in _OWN):
        answers.append(_run(attributes))
    if "request_data" in attributes:
        answers.append(_logfire_call(attributes))
    if attributes.keys() & _EVALS:
        answers.append(_evaluated(attributes))
    if cost := first_number(attributes, "operation.cost"):
        answers.append(Facts(cost_usd=cost))
    return merge(answers) if answers else None


def _run(attributes: Json) -> Facts:
    """A model request's events, or the whole conversation of an agent, whose last word is its result."""
    told = genai.read_events(_events(attributes.get("events")))
    agent = first_text(attributes, "agent_name")
    if not agent and "final_result" not in attributes:
        return told
    messages = read_messages(attributes.get("pydantic_ai.all_messages"), "user")
    if not messages:
        recorded = genai.read_events(_events(attributes.get("all_messages_events")))
        messages = recorded.input + recorded.output
    answer = messages[-1:] if messages and messages[-1].role == "assistant" else ()
    return Facts(
        kind=Kind.AGENT,
        op="invoke_agent",
        model=first_text(attributes, "model_name"),
        agent=agent,
        system=told.system,
        input=messages[: len(messages) - len(answer)],
        output=answer,
        input_text=last_word(messages, "user"),
        output_text=_result(attributes.get("final_result"), messages),
    )


def _result(value: Any, messages: tuple[Message, ...]) -> str:
    if isinstance(value, str) and value:
        return value
    return readable(value, "assistant") if value is not None else last_word(messages, "assistant")


def _events(value: Any) -> Iterable[Event]:
    """A JSON list in which each event's name and body are mixed."""
    found = parse(value)
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict):
            body = {key: item for key, item in each.items() if not key.startswith(("event.", "gen_ai."))}
            yield Event(first_text(each, "event.name") or _name_of(each), {}, body)


def _name_of(body: Json) -> str:
    return f"gen_ai.{first_text(body, 'role') or 'user'}.message"


def _logfire_call(attributes: Json) -> Facts:
    """A streamed request is told twice: when it was sent, and in a log of what came. The log counts."""
    request, response = mapping(attributes.get("request_data")), mapping(attributes.get("response_data"))
    is_log = first_text(attributes, "logfire.span_type") == "log"
    unanswered = request.get("stream") is True and not response and not is_log
    model = first_text(request, "model")
    answer = response.get("message") or response.get("combined_chunk_content")
    input_tokens, output_tokens = usage(response.get("usage"))
    return Facts(
        kind=Kind.OTHER if unanswered and not _failed(attributes) else "",
        implied_kind=Kind.GENERATION if model and (request.get("messages") or response) else "",
        model=model,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        input=read_request(request) if request.keys() & {"messages", "input", "prompt"} else (),
        output=read_response(answer) if answer else (),
    )


def _failed(attributes: Json) -> bool:
    return (first_number(attributes, "logfire.level_num") or 0) >= 17


def _evaluated(attributes: Json) -> Facts:
    return Facts(
        input_text=readable(attributes.get("inputs"), "user"),
        output_text=readable(attributes.get("output"), "assistant"),
        workflow=first_text(attributes, "task_name"),
    )
