"""What a trace says: its model calls, documents, input and output, read from whatever dialect it came in.

A reading is a pure function of the stored rows, so the order in which they arrived cannot matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.records import JsonDict


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    # Parts no dialect has a word for (images, audio, ...), kept and shown as JSON.
    other: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    id: str
    text: str
    score: float | None = None
    title: str = ""
    span_id: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One leaf model call."""

    span_id: str
    name: str
    op: str
    started_at: datetime
    provider: str = ""
    model: str = ""
    response_model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    finish: tuple[str, ...] = ()
    system: str = ""
    input: tuple[Message, ...] = ()
    output: tuple[Message, ...] = ()
    response_id: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """`io_source` says where input and output were found: body, root, calls, or empty."""

    calls: tuple[Call, ...] = ()
    documents: tuple[Document, ...] = ()
    conversation: tuple[Message, ...] = ()
    name: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    input: str = ""
    output: str = ""
    io_source: str = ""
    model: str = ""
    provider: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    route: str = ""
    environment: str = ""
    session_id: str = ""
    user_id: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None
    status: str = "unset"
    error: str = ""
    tags: JsonDict = field(default_factory=dict)
    span_count: int = 0
    error_count: int = 0
    root_ended: bool = False
    flags: tuple[str, ...] = ()
