"""How is a trace laid out for a person? The last question and the final answer first, the rest around."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.otlp.messages import SYSTEM_ROLES
from ingest.reading import Message, Reading

# A tool's answer is a strip of facts while it fits one; else it is JSON.
MOST_FACTS = 10
LONGEST_FACT = 120


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call and what came back; `facts` where the result is a flat object, else `result` as it was."""

    name: str
    arguments: Any
    result: Any
    facts: tuple[tuple[str, str], ...]
    answered: bool

    @property
    def is_text(self) -> bool:
        return isinstance(self.result, str)

    @property
    def nested_arguments(self) -> bool:
        """Whether one line cannot hold the arguments."""
        if isinstance(self.arguments, dict):
            return any(isinstance(value, dict | list) for value in self.arguments.values())
        return isinstance(self.arguments, list)


@dataclass(frozen=True, slots=True)
class Conversation:
    """`earlier` is what was said before the last question; `steps` what the model said on its way."""

    system: str
    earlier: tuple[Message, ...]
    question: str
    tools: tuple[ToolUse, ...]
    steps: tuple[Message, ...]
    answer: str
    # Parts of question or answer that are no text: images, audio, reasoning.
    other: tuple[Any, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.question or self.answer or self.system or self.earlier)


def tell(reading: Reading) -> Conversation:
    spoken = [message for message in reading.conversation if message.role not in SYSTEM_ROLES]
    system = "\n\n".join(message.text for message in reading.conversation if message.role in SYSTEM_ROLES)
    asked = _last_question(spoken)
    before, after = spoken[: max(asked, 0)], spoken[asked + 1 :]
    question = spoken[asked].text if asked >= 0 else reading.input
    texts = [message for message in after if message.role != "tool" and message.text]
    answer = texts[-1].text if texts else reading.output
    return Conversation(
        system=system,
        earlier=tuple(before),
        question=question or reading.input,
        tools=tuple(_tool_uses(after)),
        steps=tuple(texts[:-1]),
        answer=answer,
        other=tuple(part for message in spoken[max(asked, 0) :] for part in _others(message)),
    )


def _others(message: Message) -> Iterator[Any]:
    """Its parts that are no text, but for what the text says in full: an answer in JSON is both."""
    said = _parsed(message.text) if message.other else None
    return (part for part in message.other if part != said)


def _last_question(messages: Sequence[Message]) -> int:
    """The place of the last user's turn, or -1."""
    users = [place for place, message in enumerate(messages) if message.role == "user"]
    return users[-1] if users else -1


def _tool_uses(messages: Iterable[Message]) -> Iterable[ToolUse]:
    """Results carry no reliable names, so they answer the open calls in the order of these."""
    waiting: list[tuple[str, Any]] = []
    for message in messages:
        if message.role == "tool":
            name, arguments = waiting.pop(0) if waiting else ("tool", None)
            yield _answered(name, arguments, message.text)
        waiting += [(call.name or "tool", call.arguments) for call in message.tool_calls]
    for name, arguments in waiting:
        yield ToolUse(name, arguments, None, (), answered=False)


def _answered(name: str, arguments: Any, text: str) -> ToolUse:
    result = _parsed(text)
    return ToolUse(name, arguments, result, flat_facts(result), answered=True)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def flat_facts(value: Any) -> tuple[tuple[str, str], ...]:
    """Keys and values of a small flat object, in words; nothing for any other value."""
    if not isinstance(value, dict) or not 0 < len(value) <= MOST_FACTS:
        return ()
    facts = tuple((_label(key), _words(item)) for key, item in value.items())
    simple = all(item is None or isinstance(item, str | int | float | bool) for item in value.values())
    return facts if simple and all(len(words) <= LONGEST_FACT for _, words in facts) else ()


def _label(key: str) -> str:
    spaced = key.replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:] if spaced else key


def _words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
