"""What does a line of import_labels say? Its shape, checked, and what it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from ingest import sanitising, shapes, times
from ingest.json_objects import Json
from ingest.records import content_hash
from ingest.shapes import Content, Document, Identifier, Invalid, Share, Time

Name = Annotated[str, Meta(min_length=1, max_length=100)]
# Whatever happens to them here, they are not live traffic.
ENVIRONMENT = "imported"
# A weight is its inverse, and is squared.
LEAST_PI = 1e-9


class LabelLine(Struct):
    annotator: Name
    verdict: Literal["pass", "fail", "cannot_tell"]
    answers: dict[Annotated[str, Meta(pattern="^[-a-zA-Z0-9_]{1,60}$")], Any] | None = None
    note: str | None = None


class JudgeLine(Struct):
    judge: Name
    verdict: Literal["pass", "fail", "invalid"]
    version: Name | int = "1"
    model: Annotated[str, Meta(max_length=200)] | None = None
    score: Share | None = None
    confidence: Share | None = None
    rationale: str | None = None


class Line(Struct):
    id: Identifier
    output: Content
    labels: list[LabelLine]
    input: Content | None = None
    context: list[Document | str] | None = None
    timestamp: Time | None = None
    pi: Annotated[float, Meta(ge=LEAST_PI, le=1)] | None = None
    slice: dict[str, str | int | float | bool | None] | None = None
    judges: list[JudgeLine] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    judge: str
    version: str
    model: str
    verdict: str
    score: float | None
    confidence: float | None
    rationale: str


@dataclass(frozen=True, slots=True)
class Imported:
    """A line that holds: the body of its trace for the native API, and what was said of it."""

    trace_id: str
    body: Json
    at: datetime | None
    pi: float | None
    slices: dict[str, str]
    labels: Sequence[LabelLine]
    verdicts: Sequence[Verdict]
    sha256: bytes


def read(item: Any) -> Imported:
    """Raises Invalid with the field that does not fit."""
    flags: set[str] = set()
    item = sanitising.json_value(item, flags)
    line = shapes.checked(item, Line)
    at = shapes.time_ns("timestamp", line.timestamp)
    slices = {name: str(value) for name, value in (line.slice or {}).items() if value not in (None, "")}
    if repeated := _repeated([label.annotator for label in line.labels]):
        raise Invalid("labels", f"names the annotator {repeated} twice")
    body = {key: item[key] for key in ("id", "input", "output", "context") if item.get(key) is not None}
    body |= {key: slices[key] for key in ("model", "prompt_version", "route") if key in slices}
    body |= {"environment": ENVIRONMENT}
    if at:
        body["started_at"] = times.iso(at)
    return Imported(
        trace_id=shapes.identifier("id", line.id),
        body=body,
        at=times.moment(at) if at else None,
        pi=line.pi,
        slices=slices,
        labels=line.labels,
        verdicts=_verdicts(line.judges or ()),
        sha256=content_hash(item),
    )


def _verdicts(judges: Sequence[JudgeLine]) -> list[Verdict]:
    if repeated := _repeated([f"{each.judge} {each.version}" for each in judges]):
        raise Invalid("judges", f"names the judge and version {repeated} twice")
    return [
        Verdict(
            judge=each.judge,
            version=str(each.version),
            model=each.model or "",
            verdict=each.verdict,
            score=each.score,
            confidence=each.confidence,
            rationale=each.rationale or "",
        )
        for each in judges
    ]


def _repeated(names: Sequence[str]) -> str:
    return next((name for name in names if names.count(name) > 1), "")
