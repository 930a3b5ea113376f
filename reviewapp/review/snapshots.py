"""The exact bytes of what is shown of an item: made at the first claim or judgment, and pointed to since."""

from __future__ import annotations

from typing import Any

from ingest.models import Trace
from reviewapp.review.models import ReviewItem, Snapshot


def of_trace(trace: Trace) -> Snapshot:
    """What would be shown of the trace now, stored once by its hash. For judges, who point to it as well."""
    raise NotImplementedError


def of_item(item: ReviewItem) -> Snapshot:
    """The item's snapshot, made now if there is none yet."""
    raise NotImplementedError


def content(snapshot: Snapshot) -> dict[str, Any]:
    """The JSON in it: {"kind": "trace", "trace": VIEW} or {"kind": "pair", "a": VIEW, "b": VIEW}, with
    VIEW = {"trace_id", "input", "output", "system", "messages", "context", "tools"}."""
    raise NotImplementedError
