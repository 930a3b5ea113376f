"""What is shown of a trace under review? The snapshot that is judged, laid out like the trace page.

Nothing else is read but the span tree: no score, feedback, check or reason comes near a blind screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from ingest.models import Trace
from ingest.reading import Document, Message, Reading, ToolCall
from reviewapp import rendering
from reviewapp.review import rows, snapshots
from reviewapp.review.models import ReviewItem
from reviewapp.traces import conversation, spantree, trace_page
from reviewapp.traces.conversation import Conversation
from reviewapp.traces.spantree import Tree
from reviewapp.traces.trace_page import SHOWN_DOCUMENTS, SHOWN_SPANS, Passage


@dataclass(frozen=True, slots=True)
class Evidence:
    """One answer with what it rests on. `side` names the trace of a pair, wherever it stands: a or b."""

    told: Conversation
    question: SafeString
    answer: SafeString
    passages: list[Passage]
    more_passages: int
    spans: Tree
    side: str = "a"
    left_out: int = 0

    @property
    def is_marked(self) -> bool:
        return any(passage.is_marked for passage in self.passages)


@dataclass(frozen=True, slots=True)
class Judged:
    """What stands before those who judge an item: one answer, or two of a pair in the order of the screen."""

    evidence: list[Evidence]
    raw_text: bool = False

    @property
    def is_same_question(self) -> bool:
        """Of a pair, but for case and spaces."""
        return len({" ".join(each.told.question.lower().split()) for each in self.evidence}) == 1


def of_item(item: ReviewItem, order: str = "ab", *, raw_text: bool = False) -> Judged:
    """As it was kept when it was shown first; nothing of an item that nobody has held."""
    content = snapshots.content(item.snapshot) if item.snapshot else {}
    if item.other_trace_id is None:
        _read_trace(item)
        tree = spantree.grow(trace_page.span_rows(item.trace), SHOWN_SPANS)
        return Judged([tell(content.get("trace", {}), tree, raw_text=raw_text)], raw_text)
    bare = spantree.grow([], 0)
    sides = [tell(content.get(side, {}), bare, side=side, raw_text=raw_text) for side in order]
    return Judged(sides, raw_text)


def _read_trace(item: ReviewItem) -> None:
    """What stands above the evidence; the texts are in the snapshot."""
    if not ReviewItem._meta.get_field("trace").is_cached(item):
        found = rows.one(TRACE, [item.trace_id])
        assert found is not None
        item.trace = rows.made(Trace, found, *UNREAD_OF_TRACE)


UNREAD_OF_TRACE = ("input", "output", "search", "tags", "flags")
TRACE = f"SELECT {rows.columns(Trace, 't', *UNREAD_OF_TRACE)} FROM ingest_trace t WHERE t.id = %s"  # noqa: S608 - our own names


def tell(view: Mapping[str, Any], spans: Tree, *, side: str = "a", raw_text: bool = False) -> Evidence:
    """An erased snapshot has an empty view, and shows nothing."""
    told = conversation.tell(reading_of(view))
    documents = [
        Document(id=row.get("id") or "", text=row.get("text") or "") for row in view.get("context", ())
    ]
    shown = documents[:SHOWN_DOCUMENTS]
    answer, shared = rendering.markdown(told.answer, [document.text for document in shown])
    return Evidence(
        told=told,
        question=rendering.plain(told.question)[0] if raw_text else rendering.markdown(told.question)[0],
        answer=rendering.plain(told.answer)[0] if raw_text else answer,
        passages=trace_page.passages(shown, shared),
        more_passages=len(documents) - len(shown),
        spans=spans,
        side=side,
    )


def reading_of(view: Mapping[str, Any]) -> Reading:
    return Reading(
        conversation=tuple(_message(row) for row in view.get("messages", ())),
        input=view.get("input", ""),
        output=view.get("output", ""),
    )


def _message(row: Mapping[str, Any]) -> Message:
    calls = tuple(
        ToolCall(call.get("name") or "", call.get("arguments")) for call in row.get("tool_calls", ())
    )
    return Message(row.get("role", ""), row.get("text", ""), calls, tuple(row.get("other", ())))


def answer_text(item: ReviewItem) -> str:
    """The final answer as received: what a corrected answer is compared with."""
    content = snapshots.content(item.snapshot) if item.snapshot else {}
    return conversation.tell(reading_of(content.get("trace", {}))).answer
