"""What are the columns of a case in a table? One text per column, and lists where the format has lists."""

from __future__ import annotations

import msgspec

from evaluation.golden.content.lines import expected_text, input_text, messages_of
from ingest.json_objects import Json

COLUMNS = (
    "id",
    "input",
    "expected",
    "messages",
    "assertions",
    "tags",
    "split",
    "critical",
    "source",
    "trace_id",
    "failure_modes",
    "case_revision",
)


def row(value: Json) -> Json:
    """`messages` and `assertions` are JSON texts, so that every row has the same type."""
    metadata = value["metadata"]
    return {
        "id": value["id"],
        "input": input_text(value["input"]),
        "expected": expected_text(value["expected"]),
        "messages": _json(messages_of(value["input"])),
        "assertions": _json(value["assertions"]),
        "tags": value["tags"],
        "split": value["split"],
        "critical": value["critical"],
        "source": metadata["source"],
        "trace_id": metadata["trace_id"],
        "failure_modes": metadata["failure_modes"],
        "case_revision": metadata["case_revision"],
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
