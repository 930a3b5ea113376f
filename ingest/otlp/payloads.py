"""What does a function's or a provider's whole input or output say: as messages, or as one readable text?

Wrappers record what went in and out as one value: a request or response of some provider, the arguments of a
decorated function, the state of a chain. JSON within text is read; what has no known form is shown as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ingest import sanitising
from ingest.json_objects import Json
from ingest.otlp.facts import finish_reason
from ingest.otlp.messages import Message, is_chat, last_word, read_message, read_messages
from ingest.otlp.values import dump, first_text, mapping, parse, text

_SYSTEM = ("system", "instructions", "system_prompt", "system_instruction", "systemInstruction")
_REQUEST = ("messages", "contents", "input", "prompt", "prompts")
_RESPONSE = ("choices", "generations", "candidates", "messages", "message", "output")
_SPOKEN = frozenset({"role", "content", "parts", "kwargs"})
# The one field of an input that a person would read, and of an output when it stands alone.
_QUESTIONS = (
    "input",
    "question",
    "query",
    "prompt",
    "user_input",
    "user_query",
    "message",
    "text",
    "q",
    "task",
)
_ANSWERS = frozenset(
    {
        "output",
        "answer",
        "result",
        "response",
        "text",
        "content",
        "final_output",
        "return_value",
        "replies",
    }
)
_LEVELS = 4


def opened(value: Any) -> Any:
    """The value behind JSON text; a JSON string gives its text."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        try:
            # Only now may an escape have become a character that the database does not store.
            return sanitising.json_value(json.loads(value, strict=False), set())
        except ValueError:
            return value
    return parse(value)


def read_request(value: Any) -> tuple[Message, ...]:
    """The messages a model was given: a list of them, a request around one, or plain text."""
    found = _arguments(opened(value))
    if not isinstance(found, dict) or found.keys() & _SPOKEN:
        return read_messages(found, "user")
    said = _first(found, _REQUEST)
    if said is None:
        return _as_json(found, "user")
    config = mapping(found.get("config")) | mapping(found.get("generation_config"))
    instructions = _first(found, _SYSTEM) or _first(config, _SYSTEM)
    system = read_message({"role": "system", "content": _content(instructions)}, "system")
    return (*(system if instructions else ()), *read_messages(said, "user"))


def read_response(value: Any) -> tuple[Message, ...]:
    """The messages a model answered with, in whichever provider's envelope."""
    found = opened(value)
    if isinstance(found, list) and not _are_messages(found):
        return _as_json(found, "assistant")
    if not isinstance(found, dict) or found.keys() & _SPOKEN:
        return read_messages(found, "assistant")
    said = opened(_first(found, _RESPONSE))
    if isinstance(said, list) and (not said or _are_messages(said)):
        return _spoken(said)
    if isinstance(said, dict | str) and said:
        return read_messages(said, "assistant")
    return () if not any(_meant(each) for each in found.values()) else _as_json(found, "assistant")


def finish_reasons(value: Any) -> tuple[str, ...]:
    """Why each choice of a response ended."""
    found = mapping(value)
    choices = opened(found.get("choices") or found.get("candidates"))
    listed = choices if isinstance(choices, list) else []
    said = (first_text(mapping(each), "finish_reason", "finishReason") for each in listed)
    return tuple(finish_reason(each) for each in said if each)


def _spoken(said: list[Any]) -> tuple[Message, ...]:
    """Choices, candidates and generations: an envelope each around one message."""
    if said and isinstance(said[0], list):
        said = said[0]
    listed = [mapping(each.get("content")) or each if isinstance(each, dict) else each for each in said]
    return read_messages(listed, "assistant")


def _are_messages(values: list[Any]) -> bool:
    if values and isinstance(values[0], list):
        values = values[0]
    return any(
        isinstance(each, dict) and each.keys() & {*_SPOKEN, "type", "message", "text"} for each in values
    )


def readable(value: Any, role: str) -> str:
    """One text for a value: what was said last in a conversation, the one telling field, or JSON."""
    found = opened(value)
    for _ in range(_LEVELS):
        inner = _telling(found, role)
        if inner is None:
            break
        found = opened(inner)
    if said := _word(found, role):
        return said
    return text(found) or (dump(found) if _meant(found) else "")


def _word(found: Any, role: str) -> str:
    if is_chat(found) or (
        isinstance(found, dict) and found.keys() & {"choices", "candidates", "generations"}
    ):
        messages = read_messages(found, role) if role == "user" else read_response(found)
        return last_word(messages, role)
    if isinstance(found, dict) and found.keys() & {"role", "content"} and found.keys() & {"content", "parts"}:
        return last_word(read_message(found, role), role_or(found, role))
    return ""


def role_or(message: Json, role: str) -> str:
    said = read_message(message, role)
    return said[-1].role if said else role


def _telling(found: Any, role: str) -> Any:
    """What lies one level within: the arguments of a call, or the only field that is for a reader."""
    if not isinstance(found, dict) or is_chat(found):
        return None
    if found.keys() == {"args", "kwargs"}:
        inner = _arguments(found)
        return inner if inner is not found else None
    meant = {key: value for key, value in found.items() if _meant(value)}
    only = next(iter(meant.values())) if len(meant) == 1 else None
    if role == "user":
        named = next((meant[key] for key in _QUESTIONS if isinstance(meant.get(key), str | dict)), None)
        return named or (only if isinstance(only, str) else None)
    if isinstance(meant.get("raw"), str) and "tasks_output" in meant:
        return meant["raw"]
    return only if only is not None and meant.keys() <= _ANSWERS else None


def _arguments(found: Any) -> Any:
    """`{"args": [...], "kwargs": {...}}` as its one argument, or as one object of those that have names."""
    if not isinstance(found, dict) or found.keys() != {"args", "kwargs"}:
        return found
    listed, named = opened(found["args"]), mapping(found["kwargs"])
    listed = listed if isinstance(listed, list) else [listed]
    if len(listed) == 1 and not named:
        return listed[0]
    return named if named and not listed else found


def _content(value: Any) -> Any:
    inner = parse(value)
    return inner.get("parts") or inner.get("text") if isinstance(inner, dict) else inner


def _as_json(value: Any, role: str) -> tuple[Message, ...]:
    return (Message(role, dump(value)),) if _meant(value) else ()


def _meant(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _first(values: Json, keys: Iterable[str]) -> Any:
    return next((values[key] for key in keys if _meant(values.get(key))), None)


def usage(value: Any) -> tuple[int | None, int | None]:
    """Input and output tokens of a usage object, in any provider's words.

    Where input is told in parts (`input`, `input_cached_tokens`, ...) they add up.
    """
    found = mapping(value)
    return _count(found, "input", _INPUT_TOKENS), _count(found, "output", _OUTPUT_TOKENS)


_INPUT_TOKENS = ("input_tokens", "prompt_tokens", "inputTokens", "promptTokens", "prompt_token_count")
_OUTPUT_TOKENS = (
    "output_tokens", "completion_tokens", "outputTokens", "completionTokens", "candidates_token_count",
)  # fmt: skip


def _count(found: Json, side: str, names: Iterable[str]) -> int | None:
    for name in names:
        amount = found.get(name)
        if isinstance(amount, int | float) and not isinstance(amount, bool) and 0 <= amount < 10**12:
            return int(amount)
    parts = [
        amount
        for name, amount in found.items()
        if (name == side or name.startswith(f"{side}_")) and not name.endswith("_details")
        if isinstance(amount, int | float) and not isinstance(amount, bool) and 0 <= amount < 10**12
    ]
    return int(sum(parts)) if parts else None


def stated(value: Any) -> str:
    """A text that may be a JSON string."""
    return text(opened(value))


def first_stated(values: Json, *keys: str) -> str:
    return next((said for key in keys if (said := stated(values.get(key)))), "")
