"""What is a golden case, as text? Reads posted cases, and writes the canonical native line (RFC 8785).

Text is never normalised. The line is the truth of a revision: everything else is read from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import rfc8785

from evaluation.golden.content import assertions
from evaluation.golden.models import ID_CHARACTERS, Origin
from ingest.json_objects import Json

DEFAULT_SPLIT = "test"
MOST_TAGS, TAG_CHARACTERS, SPLIT_CHARACTERS, SOURCE_CHARACTERS = 50, 100, 60, 60
MOST_ASSERTIONS = 50
MOST_LINE_BYTES = 1024 * 1024
TITLE_CHARACTERS = 120
KEYS = frozenset(("id", "input", "expected", "assertions", "tags", "split", "critical", "metadata"))
# Taken at the top level too, and kept in the metadata.
SHORTCUTS = ("note", "source", "trace_id", "failure_modes")
# Where an expected object may keep its text.
TEXT_KEYS = ("text", "output", "answer", "content", "value")


class BadCase(ValueError):
    """A case that cannot be taken: which field, and what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True)
class Case:
    """A case's content; `metadata` is without the revision number, which is given when it is stored."""

    case_id: str
    input: Json
    expected: Json | None
    assertions: list[Json]
    tags: list[str]
    split: str
    critical: bool
    metadata: Json
    kinds: tuple[str, ...] = ()

    def line(self, revision: int) -> str:
        """The canonical native line without its line end. Raises BadCase for what JSON cannot carry."""
        return _canonical(self._value({**self.metadata, "case_revision": revision}))

    @property
    def checks(self) -> list[Json]:
        """What an output has to satisfy: the assertions; without any, to be the expected text."""
        text = expected_text(self.expected)
        return self.assertions or ([{"type": "exact", "value": text}] if text else [])

    def content_sha256(self) -> bytes:
        return hashlib.sha256(_canonical(self._value(self.metadata)).encode()).digest()

    def _value(self, metadata: Json) -> Json:
        return {
            "id": self.case_id,
            "input": self.input,
            "expected": self.expected,
            "assertions": self.assertions,
            "tags": self.tags,
            "split": self.split,
            "critical": self.critical,
            "metadata": metadata,
        }


def read(value: object) -> Case:
    """The case in a posted value; `case_id` is empty when it has none. Raises BadCase."""
    if not isinstance(value, dict):
        raise BadCase("", "a case must be an object")
    if unknown := sorted(map(str, value.keys() - KEYS - set(SHORTCUTS))):
        raise BadCase(unknown[0], f"is not a field of a case; there are {', '.join(sorted(KEYS))}")
    checks, kinds = _assertions(value.get("assertions"))
    case = Case(
        case_id=_case_id(value.get("id")),
        input=_input(value.get("input")),
        expected=_expected(value.get("expected")),
        assertions=checks,
        tags=_tags(value.get("tags")),
        split=_words(value.get("split"), "split", SPLIT_CHARACTERS) or DEFAULT_SPLIT,
        critical=_flag(value.get("critical"), "critical"),
        metadata=_metadata(value),
        kinds=kinds,
    )
    if len(case.line(1).encode()) > MOST_LINE_BYTES:
        raise BadCase("", f"the case is longer than {MOST_LINE_BYTES} bytes")
    return case


def parse(line: str) -> Json:
    """A stored line's value."""
    value: Json = msgspec.json.decode(line)
    return value


def from_line(line: str) -> Case:
    """The case of a stored line."""
    value = parse(line)
    metadata = {name: each for name, each in value["metadata"].items() if name != "case_revision"}
    kinds = tuple(dict.fromkeys(assertions.kind_of(each.get("type")) for each in value["assertions"]))
    return Case(
        case_id=value["id"],
        input=value["input"],
        expected=value["expected"],
        assertions=value["assertions"],
        tags=value["tags"],
        split=value["split"],
        critical=value["critical"],
        metadata=metadata,
        kinds=kinds,
    )


def messages_of(given: Mapping[str, Any]) -> list[Json]:
    """The input as messages; an input of another shape is one message of the user."""
    messages = given.get("messages")
    if isinstance(messages, list) and all(isinstance(each, dict) for each in messages):
        return messages
    return [{"role": "user", "content": input_text(given)}]


def input_text(given: Mapping[str, Any]) -> str:
    """What was asked: the last message of the user, or the one text there is."""
    messages = given.get("messages")
    if isinstance(messages, list):
        asked = [each for each in messages if isinstance(each, dict)]
        of_user = [each for each in asked if each.get("role") == "user"] or asked
        return content_text(of_user[-1].get("content")) if of_user else ""
    texts = [value for value in given.values() if isinstance(value, str)]
    return texts[0] if len(given) == 1 and texts else assertions.as_text(dict(given))


def content_text(content: object) -> str:
    """A message's content as text; parts of another kind than text stay JSON."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list):
        return "\n".join(
            str(part["text"]) if isinstance(part, dict) and "text" in part else assertions.as_text(part)
            for part in content
        )
    return assertions.as_text(content)


def expected_text(expected: Mapping[str, Any] | None) -> str:
    """The answer that was hoped for, as text; empty when the case names none."""
    if not expected:
        return ""
    for key in TEXT_KEYS:
        if isinstance(expected.get(key), str):
            return str(expected[key])
    messages = expected.get("messages")
    if isinstance(messages, list) and messages and isinstance(messages[-1], dict):
        return content_text(messages[-1].get("content"))
    return assertions.as_text(dict(expected))


def title_of(case: Case) -> str:
    """A name for lists: the question's first line."""
    words = " ".join(input_text(case.input).replace("\0", "\ufffd").split())
    return words if len(words) <= TITLE_CHARACTERS else words[: TITLE_CHARACTERS - 1] + "…"


def _canonical(value: Json) -> str:
    try:
        return rfc8785.dumps(value).decode()
    except rfc8785.IntegerDomainError:
        raise BadCase("", "holds an integer beyond 2^53, which JSON readers round; send it as text") from None
    except rfc8785.FloatDomainError:
        raise BadCase("", "holds a number that JSON does not know") from None
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        raise BadCase("", "holds text that is not Unicode") from None


def _case_id(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not 0 < len(value) <= ID_CHARACTERS or value != value.strip():
        raise BadCase("id", f"must be a text of 1 to {ID_CHARACTERS} characters without spaces around it")
    if not value.isprintable():
        raise BadCase("id", "must hold printable characters only")
    return value


def _input(value: object) -> Json:
    if isinstance(value, str):
        return {"messages": [{"role": "user", "content": value}]}
    if isinstance(value, list):
        value = {"messages": value}
    if not isinstance(value, dict) or not value:
        raise BadCase("input", 'must be {"messages": [...]}, or a text')
    messages = value.get("messages")
    if "messages" in value:
        if not isinstance(messages, list) or not messages:
            raise BadCase("input", "messages must be a list of at least one message")
        for message in messages:
            if not isinstance(message, dict) or not isinstance(message.get("role"), str):
                raise BadCase("input", "each message must be an object with a role")
    return value


def _expected(value: object) -> Json | None:
    if value is None or isinstance(value, dict):
        return value
    if isinstance(value, str):
        return {"text": value}
    raise BadCase("expected", "must be an object, a text, or null")


def _assertions(value: object) -> tuple[list[Json], tuple[str, ...]]:
    if value is None:
        return [], ()
    if not isinstance(value, list) or len(value) > MOST_ASSERTIONS:
        raise BadCase("assertions", f"must be a list of at most {MOST_ASSERTIONS}")
    kinds = {}
    for position, each in enumerate(value):
        try:
            kinds[assertions.check_form(each)] = True
        except assertions.Unsuitable as error:
            raise BadCase(f"assertions[{position}]", str(error)) from None
    return value, tuple(kinds)


def _tags(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_TAGS:
        raise BadCase("tags", f"must be a list of at most {MOST_TAGS} texts")
    return [_words(each, "tags", TAG_CHARACTERS) for each in value]


def _words(value: object, field: str, most: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most or "\0" in value:
        raise BadCase(field, f"must be a text of at most {most} characters")
    return value


def _flag(value: object, field: str) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise BadCase(field, "must be true or false")
    return value


def _metadata(sent: Json) -> Json:
    value = sent.get("metadata")
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise BadCase("metadata", "must be an object")
    value = {**{name: sent[name] for name in SHORTCUTS if sent.get(name) is not None}, **value}
    if not isinstance(value.get("note", ""), str):
        raise BadCase("metadata.note", "must be a text")
    trace_id, modes = value.get("trace_id"), value.get("failure_modes")
    if trace_id is not None and not isinstance(trace_id, str):
        raise BadCase("metadata.trace_id", "must be a text or null")
    if modes is not None and not (isinstance(modes, list) and all(isinstance(each, str) for each in modes)):
        raise BadCase("metadata.failure_modes", "must be a list of texts")
    source = _words(value.get("source"), "metadata.source", SOURCE_CHARACTERS)
    kept = {name: each for name, each in value.items() if name != "case_revision"}
    return kept | {
        "source": source or Origin.REPRESENTATIVE.value,
        "trace_id": trace_id,
        "failure_modes": modes or [],
    }
