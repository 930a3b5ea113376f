"""Which messages does a value hold, in whichever of the providers' shapes it was recorded?

One lenient reader for the shapes of OpenTelemetry (`parts`), OpenAI (`content`, `tool_calls`), Anthropic and
Bedrock (content blocks), Gemini (`functionCall`), LangChain (`kwargs`) and Vercel (`tool-call`). What has no
word here is kept in `Message.other`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.json_objects import Json
from ingest.otlp.values import dump, kept, mapping, parse, text


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: Any
    id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    # Parts no dialect has a word for (images, audio, reasoning, ...), kept and shown as JSON.
    other: tuple[Any, ...] = ()
    # Which call a tool's answer belongs to, where the sender says so.
    tool_call_id: str = ""

    @property
    def says_something(self) -> bool:
        return bool(self.text or self.tool_calls or self.other)


SYSTEM_ROLES = frozenset({"system", "developer"})
_ROLES = {
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "function": "tool",
    "tool-call": "assistant",
    "tool-response": "tool",
}
_KNOWN_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", *_ROLES})
_TEXT_PARTS = frozenset({"text", "input_text", "output_text", "refusal"})
_CALL_PARTS = frozenset(
    {"tool_call", "tool_use", "tool-call", "function_call", "function", "server_tool_call", "server_tool_use"}
)
_RESULT_PARTS = frozenset(
    {"tool_call_response", "tool_result", "tool-result", "function_call_output", "server_tool_call_response"}
)
_MESSAGE_KEYS = frozenset(
    {"role", "parts", "content", "message", "messages", "choices", "kwargs", "tool_calls"}
)
_CALL_IDS = ("tool_call_id", "toolCallId", "tool_use_id", "toolUseId", "call_id", "id")
# Bedrock's and Gemini's parts, told apart by their one key.
_UNTYPED_PARTS = frozenset({"text", "toolUse", "toolResult", "functionCall", "functionResponse"})
_WRAPPED_CALLS = ("functionCall", "function_call", "toolUse")
_WRAPPED_RESULTS = ("functionResponse", "function_response", "toolResult")


def role_of(value: Any, default: str) -> str:
    name = text(value).strip().lower() or default
    return _ROLES.get(name, name)


def tool_call(value: Any) -> ToolCall | None:
    """Name and arguments may stand in the call itself or in its `function`; arguments may be JSON text."""
    call = mapping(value)
    function = mapping(call.get("function")) or call
    name = _first(function, "name", "toolName", "tool_name")
    arguments = _first(function, "arguments", "args", "input", "parameters")
    if not text(name) and arguments is None:
        return None
    return ToolCall(
        text(name), kept(parse(arguments)), text(_first(call, "id", "toolCallId", "tool_call_id"))
    )


def _first(values: Json, *keys: str) -> Any:
    return next((values[key] for key in keys if values.get(key) not in (None, "")), None)


@dataclass(slots=True)
class _Parts:
    """Collects what the parts of one message say, in their order."""

    texts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    other: list[Any] = field(default_factory=list)
    # What tools gave back, each with the id of its call: messages of their own, whoever passed them on.
    results: list[tuple[str, str]] = field(default_factory=list)

    def add(self, part: Any) -> None:
        if isinstance(part, dict):
            self._add_typed(part, text(part.get("type")))
        elif isinstance(part, list):
            self.other.append(kept(part))
        elif said := text(part):
            self.texts.append(said)

    def _add_typed(self, part: Json, kind: str) -> None:
        said = _first(part, "text", "content", "refusal")
        if kind in _TEXT_PARTS or (not kind and isinstance(part.get("text"), str)):
            self._add_text(said, part)
        elif kind in _CALL_PARTS:
            self.add_call(part, part)
        elif kind in _RESULT_PARTS:
            self._add_result(part)
        elif wrapped := _first(part, *_WRAPPED_CALLS):
            self.add_call(wrapped, part)
        elif wrapped := _first(part, *_WRAPPED_RESULTS):
            self._add_result(mapping(wrapped))
        elif part:
            self.other.append(kept(part))

    def _add_text(self, said: Any, part: Json) -> None:
        # A text part whose text is no text is kept as it is; an empty one says nothing.
        if isinstance(said, str):
            self.texts.append(said)
        elif said is not None:
            self.other.append(kept(part))

    def _add_result(self, part: Json) -> None:
        self.results.append((result_text(part), text(_first(part, *_CALL_IDS))))

    def add_call(self, call: Any, part: Json) -> None:
        if found := tool_call(call):
            self.calls.append(found)
        else:
            self.other.append(kept(part))


def result_text(part: Json) -> str:
    """What a tool gave back, as text: a string as it is, anything else as JSON."""
    result = _first(part, "response", "result", "output", "content")
    if isinstance(result, dict) and set(result) == {"type", "value"}:
        result = result["value"]
    if isinstance(result, list) and all(isinstance(each, dict) and "text" in each for each in result):
        return "\n".join(text(each["text"]) for each in result)
    if result is None:
        return ""
    return result if isinstance(result, str) else dump(result)


def read_message(value: Any, role: str) -> tuple[Message, ...]:
    """One message, and one for each tool's answer within it; `role` is taken where the value names none."""
    if not isinstance(value, dict):
        return read_parts([value], role)
    inner = _unwrapped(value)
    if "role" not in inner and text(inner.get("type")) in _CALL_PARTS | _RESULT_PARTS:
        # An item of OpenAI's Responses API, which stands beside messages.
        return read_parts([inner], "assistant")
    role = role_of(inner.get("role"), _typed_role(inner) or role)
    content = _content(_first(inner, "parts", "content", "contents", "text", "body"))
    calls = _calls_beside(inner)
    if isinstance(content, str) and content and not calls:
        answered = text(_first(inner, *_CALL_IDS)) if role == "tool" else ""
        return (Message(role, content, tool_call_id=answered),)
    messages = read_parts(content if isinstance(content, list) else [content], role, calls)
    if not messages and _is_no_message(inner):
        return (Message(role, "", (), (kept(inner),)),)
    return messages


def _content(value: Any) -> Any:
    """A list of parts that was written as text is read; any other JSON in a text is what was said."""
    found = parse(value)
    return found if isinstance(found, list) and _are_parts(found) else value


def _unwrapped(value: Json) -> Json:
    """The message in an envelope, or in two: LangChain serialises an object within a generation."""
    for _ in range(2):
        key = next((key for key in ("kwargs", "data", "message") if isinstance(value.get(key), dict)), None)
        if key is None:
            break
        value = {"type": value.get("type"), **value[key]} if key == "data" else value[key]
    return value


def _typed_role(value: Json) -> str:
    kind = text(value.get("type"))
    return kind if kind in _KNOWN_ROLES and kind != "function" else ""


def _calls_beside(message: Json) -> list[Any]:
    calls = parse(_first(message, "tool_calls", "toolCalls"))
    single = message.get("function_call")
    return [*(calls if isinstance(calls, list) else []), *([single] if single else [])]


def _is_no_message(value: Json) -> bool:
    return bool(value) and not {"role", "content", "parts", "text"} & value.keys() and not _typed_role(value)


def read_parts(parts: Iterable[Any], role: str, calls: Iterable[Any] = ()) -> tuple[Message, ...]:
    collected = _Parts()
    for part in parts:
        collected.add(part)
    for call in calls:
        collected.add_call(call, mapping(call))
    said = "\n".join(each for each in collected.texts if each)
    own = Message(role, said, tuple(collected.calls), tuple(each for each in collected.other if each))
    results = (Message("tool", result, tool_call_id=call_id) for result, call_id in collected.results)
    # A model calls a tool before it has the answer; a user passes answers on before asking more.
    messages = (own, *results) if role == "assistant" else (*results, own)
    return tuple(message for message in messages if message.says_something)


def read_messages(value: Any, role: str) -> tuple[Message, ...]:
    """All messages of a value: a list of them, `{"messages": [...]}`, one alone, or plain text."""
    found = parse(value)
    if isinstance(value, str) and not _speaks(found):
        found = value
    if isinstance(found, dict):
        inner = parse(_first(found, "messages", "message", "choices"))
        found = inner if isinstance(inner, list) else [found]
    if not isinstance(found, list):
        found = [found]
    if found and isinstance(found[0], list):
        found = found[0]
    if _are_parts(found):
        return read_parts(found, role)
    return tuple(message for each in found for message in read_message(each, role))


def _speaks(value: Any) -> bool:
    """Whether JSON that came as text holds messages or parts, and is not itself what was said."""
    values = value if isinstance(value, list) else [value]
    if values and isinstance(values[0], list):
        values = values[0]
    return any(isinstance(each, dict) and (_MESSAGE_KEYS & each.keys() or _is_part(each)) for each in values)


def _are_parts(values: list[Any]) -> bool:
    """A list of parts, not of messages: nobody in it has a role."""
    return bool(values) and all(isinstance(each, dict) and _is_part(each) for each in values)


def _is_part(value: Json) -> bool:
    kind = value.get("type")
    if kind is None and len(value) == 1 and value.keys() <= _UNTYPED_PARTS:
        return True
    return (
        isinstance(kind, str)
        and not {"role", "kwargs", "data", "parts", "message"} & value.keys()
        and (kind not in _KNOWN_ROLES)
    )


def is_chat(value: Any) -> bool:
    """Whether a parsed value is a conversation rather than any other JSON."""
    if isinstance(value, dict):
        value = parse(value.get("messages"))
    if isinstance(value, list) and value and isinstance(value[0], list):
        value = value[0]
    return isinstance(value, list) and bool(value) and all(map(_has_role, value))


def _has_role(value: Any) -> bool:
    return isinstance(value, dict) and bool("role" in value or "kwargs" in value or _typed_role(value))


def last_text(messages: Iterable[Message], role: str) -> str:
    said = ""
    for message in messages:
        if message.role == role and message.text:
            said = message.text
    return said


def last_word(messages: Sequence[Message], role: str) -> str:
    """The last text of a role; where it only called tools, its last calls."""
    if said := last_text(messages, role):
        return said
    calls = [message.tool_calls for message in messages if message.role == role and message.tool_calls]
    return "\n".join(f"{call.name}({dump(call.arguments)})" for call in calls[-1]) if calls else ""
