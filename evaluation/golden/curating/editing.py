"""A case as rows of a form, and back; what a form cannot show of a message or an assertion is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from evaluation.golden.content import assertions, lines
from evaluation.golden.content.lines import BadCase, Case
from evaluation.golden.models import Origin
from ingest.json_objects import Json

KINDS = tuple(assertions.NAMES)
ROLES = ("system", "user", "assistant", "tool")
LIMITS = {"numeric": "tolerance", "rouge_l": "threshold", "bleu": "threshold"}
MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class MessageRow:
    index: int
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class AssertionRow:
    index: int
    kind: str
    value: str
    limit: str


@dataclass(frozen=True, slots=True)
class Editor:
    """What the form shows."""

    case_id: str
    title: str
    messages: list[MessageRow]
    expected: str
    assertions: list[AssertionRow]
    tags: str
    split: str
    critical: bool
    source: str
    failure_modes: str
    note: str

    kinds = KINDS
    roles = ROLES
    sources = Origin.choices


def blank() -> Editor:
    row = MessageRow(0, "user", "")
    check = AssertionRow(0, "contains", "", "")
    return Editor("", "", [row], "", [check], "", lines.DEFAULT_SPLIT, False, Origin.REPRESENTATIVE, "", "")


def of_line(line: Json, title: str = "", case_id: str = "") -> Editor:
    metadata = line["metadata"]
    messages = lines.messages_of(line["input"])
    checks = line["assertions"]
    return Editor(
        case_id=case_id,
        title=title,
        messages=[
            *(MessageRow(n, str(each.get("role")), _content(each)) for n, each in enumerate(messages)),
            MessageRow(len(messages), "user", ""),
        ],
        expected=lines.expected_text(line["expected"]),
        assertions=[
            *(_row(n, each) for n, each in enumerate(checks)),
            AssertionRow(len(checks), "contains", "", ""),
        ],
        tags=", ".join(line["tags"]),
        split=line["split"],
        critical=line["critical"],
        source=metadata["source"],
        failure_modes=", ".join(metadata["failure_modes"]),
        note=metadata.get("note", ""),
    )


def _content(message: Json) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else "" if content is None else assertions.as_text(content)


def _row(index: int, assertion: Json) -> AssertionRow:
    kind = assertions.kind_of(assertion.get("type"))
    value = assertion.get("value")
    limit = assertion.get(LIMITS.get(kind, ""), "")
    if LIMITS.get(kind) == "threshold" and assertions.is_number(value):
        return AssertionRow(index, kind, "", str(limit or value))
    return AssertionRow(index, kind, assertions.as_text(value), str(limit))


def read(sent: Mapping[str, str], before: Json | None) -> Case:
    """The case that a form says; `before` is the line it was made from. Raises BadCase."""
    old = before or {"input": {}, "expected": None, "assertions": [], "metadata": {}}
    value: Json = {
        "input": _input(sent, old),
        "expected": _expected(sent.get("expected", ""), old["expected"]),
        "assertions": list(_assertions(sent, old["assertions"])),
        "tags": _listed(sent.get("tags", ""), old.get("tags", [])),
        "split": sent.get("split", "").strip(),
        "critical": bool(sent.get("critical")),
        "metadata": {
            **old["metadata"],
            "source": sent.get("source", "").strip(),
            "failure_modes": _listed(sent.get("failure_modes", ""), old["metadata"].get("failure_modes", [])),
            "note": _lined(sent.get("note", "")),
        },
    }
    if not value["metadata"]["note"]:
        del value["metadata"]["note"]
    case_id = before["id"] if before and before["id"] != "-" else sent.get("case_id", "").strip()
    return lines.read({**value, **({"id": case_id} if case_id else {})})


def _lined(text: str) -> str:
    """Browsers send CRLF for the line ends of a text field."""
    return text.replace("\r\n", "\n")


def _listed(text: str, old: list[str]) -> list[str]:
    if text == ", ".join(old):
        return old
    return list(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))


def _indexes(sent: Mapping[str, str], name: str) -> list[int]:
    pattern = re.compile(rf"{name}-(\d{{1,3}})-\w+", re.ASCII)
    found = {int(match[1]) for key in sent if (match := pattern.fullmatch(key))}
    if len(found) > MOST_ROWS:
        raise BadCase(name, f"a form holds at most {MOST_ROWS}; import the case instead")
    return sorted(found)


def _input(sent: Mapping[str, str], old: Json) -> Json:
    before = lines.messages_of(old["input"]) if old["input"] else []
    messages = []
    for index in _indexes(sent, "message"):
        content = _lined(sent.get(f"message-{index}-content", ""))
        kept = before[index] if index < len(before) else {}
        if content.strip() or kept.get("tool_calls"):
            messages.append(
                {**kept, "role": sent.get(f"message-{index}-role", "user"), "content": _back(content, kept)}
            )
    if not messages:
        raise BadCase("input", "say what is asked")
    if "messages" not in old["input"] and old["input"] and len(messages) == 1 and messages[0] == before[0]:
        return dict(old["input"])
    return {**(old["input"] if "messages" in old["input"] else {}), "messages": messages}


def _back(content: str, kept: Json) -> Any:
    """The original where the form shows it unchanged."""
    if "content" in kept and _content(kept) == content:
        return kept["content"]
    return content


def _expected(text: str, old: Json | None) -> Json | None:
    text = _lined(text)
    if lines.expected_text(old) == text:
        return old
    return {"text": text} if text else None


def _assertions(sent: Mapping[str, str], old: list[Json]) -> Iterable[Json]:
    for index in _indexes(sent, "assertion"):
        kind = sent.get(f"assertion-{index}-kind", "")
        text = _lined(sent.get(f"assertion-{index}-value", ""))
        limit = sent.get(f"assertion-{index}-limit", "").strip()
        if not text.strip() and not (kind in ("rouge_l", "bleu") and limit):
            continue
        kept = old[index] if index < len(old) else {}
        if kept and _row(index, kept) == AssertionRow(index, kind, text, limit):
            yield kept
        else:
            yield _assertion(index, kind, text, limit)


def _assertion(index: int, kind: str, text: str, limit: str) -> Json:
    value: Any = text
    if kind == "json_schema" or (text.lstrip()[:1] in "[{" and kind != "exact"):
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            if kind == "json_schema":
                raise BadCase(f"assertions[{index}]", f"the schema is not JSON: {error}") from None
    if kind == "numeric" and (number := assertions.finite(text)) is not None:
        value = number
    found: Json = {"type": kind, "value": value}
    if limit and kind in LIMITS:
        allowed = assertions.finite(limit)
        if allowed is None:
            raise BadCase(f"assertions[{index}]", f"{LIMITS[kind]} must be a number")
        found[LIMITS[kind]] = allowed
    return found


def typed(sent: Mapping[str, str], before: Json | None) -> Editor:
    """The form as it was typed, for a refusal."""
    return Editor(
        case_id=before["id"] if before and before["id"] != "-" else sent.get("case_id", ""),
        title=sent.get("title", ""),
        messages=[
            MessageRow(n, sent.get(f"message-{n}-role", "user"), sent.get(f"message-{n}-content", ""))
            for n in _indexes(sent, "message")
        ],
        expected=sent.get("expected", ""),
        assertions=[
            AssertionRow(
                n,
                sent.get(f"assertion-{n}-kind", ""),
                sent.get(f"assertion-{n}-value", ""),
                sent.get(f"assertion-{n}-limit", ""),
            )
            for n in _indexes(sent, "assertion")
        ],
        tags=sent.get("tags", ""),
        split=sent.get("split", ""),
        critical=bool(sent.get("critical")),
        source=sent.get("source", ""),
        failure_modes=sent.get("failure_modes", ""),
        note=sent.get("note", ""),
    )


def sent(case: Case) -> Json:
    """A case as it is posted."""
    value: Json = {
        "input": case.input,
        "expected": case.expected,
        "assertions": case.assertions,
        "tags": case.tags,
        "split": case.split,
        "critical": case.critical,
        "metadata": case.metadata,
    }
    return {**value, **({"id": case.case_id} if case.case_id else {})}
