"""What does the page of one trace show, and from which rows?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import F
from django.utils.safestring import SafeString

from ingest import prepared, readings
from ingest.feedback import counting_keys, time_of
from ingest.models import Feedback, Project, Score, Span, Superseded, SupersededKind, Trace
from ingest.otlp.evaluations import EVALUATION_EVENT
from ingest.overlap import Shared
from ingest.reading import Document, Reading
from reviewapp import rendering
from reviewapp.models import Membership
from reviewapp.review import blindness
from reviewapp.traces import conversation, explorer, signals, spantree
from reviewapp.traces.conversation import Conversation
from reviewapp.traces.signals import Signal
from reviewapp.traces.spantree import Row, Tree
from reviewapp.traces.why import Why
from reviewapp.traces.why import tell as tell_why

# A trace of more spans is told from its first and last ones: reading all would keep the reader waiting.
READ_SPANS = 400
SHOWN_SPANS = 200
SHOWN_DOCUMENTS = 30
SHOWN_OF_SESSION = 20
PASSAGE_CHARACTERS = 700

# Column, which is also a filter's name, and its label.
FACTS = {
    "route": "Route",
    "prompt_name": "Prompt",
    "prompt_version": "Version",
    "model": "Model",
    "provider": "Provider",
    "environment": "Environment",
    "session_id": "Session",
    "user_id": "User",
}
# What a score's earlier revision said.
REVISED = ("value", "label", "confidence", "explanation", "error_type", "evaluator", "timestamp")
FLAGS = {
    "conflict": "Two different bodies arrived for one span; the one chosen by content is shown",
    "conflicting_bodies": "Bodies posted for this trace differ; the fields of the latest are shown",
    "late": "Something arrived after the trace had settled",
    "root_missing": "Its first span has not arrived",
    "several_roots": "More than one span without a parent",
    "sanitised": "Characters that cannot be stored were replaced on arrival",
    "cut": "Attributes over the limit were cut on arrival",
    "unreadable": "Its spans are stored but could not be interpreted; the log says why",
}


@dataclass(frozen=True, slots=True)
class Passage:
    """A document; `share` of the answer's telling words and numbers stand in it, if there are any. `rest` is
    what does not fit the card."""

    number: int
    document: Document
    share: float | None
    is_marked: bool
    text: SafeString
    rest: SafeString


@dataclass(frozen=True, slots=True)
class ScoreStory:
    score: Score
    revisions: tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A statement of a user; `counts` is False for what the same person has replaced since."""

    statement: Feedback
    signal: Signal
    at: datetime
    counts: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """`query` selects the traces which have it in common."""

    label: str
    value: str
    query: str


@dataclass(frozen=True, slots=True)
class TracePage:
    trace: Trace
    signals: list[Signal]
    flags: list[str]
    told: Conversation
    question: SafeString
    answer: SafeString
    passages: list[Passage]
    more_passages: int
    spans: Tree
    left_out: int
    scores: list[ScoreStory]
    feedback: list[Said]
    session: list[explorer.Row]
    facts: list[Fact]
    why: Why | None
    # The reader judges it blind: scores, feedback and reasons open after the submit.
    withheld: bool

    @property
    def is_marked(self) -> bool:
        return any(passage.is_marked for passage in self.passages)

    @property
    def session_query(self) -> str:
        return urlencode({"session_id": self.trace.session_id})


def find(project: Project, trace_id: str) -> Trace | None:
    """The trace with its columns up to date, or None."""
    known = Trace.objects.filter(project=project, trace_id=trace_id)
    trace = known.select_related("draw").defer("search").first()
    if trace is not None:
        readings.refresh([trace])
    return trace


def tell(
    trace: Trace, member: Membership | None = None, *, raw_text: bool = False, all_spans: bool = False
) -> TracePage:
    spans = span_rows(trace)
    reading = read_some(trace, spans)
    told = conversation.tell(reading)
    documents = reading.documents[:SHOWN_DOCUMENTS]
    answer, shared = rendering.markdown(told.answer, [document.text for document in documents])
    withheld = is_withheld(trace, member)
    scores, feedback = ([], []) if withheld else said_of(trace)
    return TracePage(
        trace=trace,
        signals=signals.of_trace(trace, feedback, scores),
        flags=[FLAGS.get(flag, flag.replace("_", " ")) for flag in trace.flags]
        + _reading_flags(trace, reading),
        told=told,
        question=rendering.plain(told.question)[0] if raw_text else rendering.markdown(told.question)[0],
        answer=rendering.plain(told.answer)[0] if raw_text else answer,
        passages=passages(documents, shared),
        more_passages=len(reading.documents) - len(documents),
        spans=spantree.grow(spans, len(spans) if all_spans else SHOWN_SPANS),
        left_out=max(len(spans) - READ_SPANS, 0),
        scores=score_stories(trace, scores),
        feedback=timeline(feedback),
        session=session_of(trace, member),
        facts=facts_of(trace),
        why=tell_why(member, trace) if member and not withheld else None,
        withheld=withheld,
    )


def is_withheld(trace: Trace, member: Membership | None) -> bool:
    return member is not None and not blindness.opens(member, trace)


def said_of(trace: Trace) -> tuple[list[Score], list[Feedback]]:
    scores = Score.objects.filter(trace=trace).order_by("source", "name", "timestamp")
    return list(scores), list(Feedback.objects.filter(trace=trace))


def read_some(trace: Trace, spans: Sequence[Row]) -> Reading:
    """The reading of the whole trace, or of its first and last spans where it has very many."""
    if len(spans) <= READ_SPANS:
        return readings.read_trace(trace, readings.load(trace))
    ordered = sorted(spans, key=lambda row: (row.start_ns, row.span_id))
    chosen = ordered[: READ_SPANS // 2] + ordered[-READ_SPANS // 2 :]
    rows = readings.load(trace, span_ids=[row.span_id for row in chosen])
    return readings.read_trace(trace, rows)


def _reading_flags(trace: Trace, reading: Reading) -> list[str]:
    return [FLAGS.get(flag, flag.replace("_", " ")) for flag in reading.flags if flag not in trace.flags]


def passages(documents: Sequence[Document], shared: Shared) -> list[Passage]:
    """The documents as numbered cards, with what the answer shares with each."""
    return [
        _passage(number, document, share, ranges)
        for number, (document, share, ranges) in enumerate(
            zip(documents, shared.shares, shared.in_passages, strict=True), 1
        )
    ]


def _passage(
    number: int, document: Document, share: float | None, ranges: Sequence[tuple[int, int]]
) -> Passage:
    text, cut = document.text, PASSAGE_CHARACTERS
    head = [(start, min(end, cut)) for start, end in ranges if start < cut]
    tail = [(max(start - cut, 0), end - cut) for start, end in ranges if end > cut]
    shown, rest = rendering.marked(text[:cut], head), rendering.marked(text[cut:], tail)
    return Passage(number, document, share, bool(ranges), shown, rest)


def span_rows(trace: Trace) -> list[Row]:
    """Only what the tree needs: attributes of thousands of spans would be read for nothing."""
    return [Row(*values) for values in prepared.every(SPAN_ROWS, [trace.pk])]


# In the order of Row.
SPAN_ROWS = """
    SELECT span_id, parent_id, name, kind, start_ns, end_ns, status, error FROM ingest_span
    WHERE trace_id = %s
"""


def score_stories(trace: Trace, scores: Iterable[Score]) -> list[ScoreStory]:
    """Each score with the bodies it replaced, the latest kept first."""
    scores = list(scores)
    keys = [score.key for score in scores]
    replaced = Superseded.objects.filter(project=trace.project_id, kind=SupersededKind.SCORE, key__in=keys)
    revisions: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in replaced.order_by("-kept_at", "pk"):
        revisions[row.key].append({name: row.body[name] for name in REVISED if row.body.get(name)})
    return [ScoreStory(score, tuple(revisions[score.key])) for score in scores]


def timeline(feedback: Sequence[Feedback]) -> list[Said]:
    counted = counting_keys(feedback)
    ordered = sorted(feedback, key=lambda row: (time_of(row), row.key))
    return [Said(row, signals.of_statement(row), time_of(row), row.key in counted) for row in ordered]


def session_of(trace: Trace, member: Membership | None = None) -> list[explorer.Row]:
    """The session's traces in order of time, this one among them."""
    if not trace.session_id:
        return []
    readings.refresh_project(trace.project_id, SHOWN_OF_SESSION)
    of_session = Trace.objects.filter(project=trace.project_id, session_id=trace.session_id)
    before = of_session.filter(started_at__lte=trace.started_at).order_by("-started_at", "-pk")
    after = of_session.filter(started_at__gt=trace.started_at).order_by("started_at", "pk")
    half = SHOWN_OF_SESSION // 2
    found = [*reversed(explorer.excerpts(before)[:half]), *explorer.excerpts(after)[:half]]
    return explorer.rows(found, member) if len(found) > 1 else []


def facts_of(trace: Trace) -> list[Fact]:
    return [
        Fact(label, value, urlencode({column: value}))
        for column, label in FACTS.items()
        if (value := getattr(trace, column))
    ]


def span_of(trace: Trace, span_id: str, member: Membership | None = None) -> Span | None:
    found = Span.objects.filter(trace=trace, span_id=span_id).annotate(length=F("end_ns") - F("start_ns"))
    span = found.first()
    if span is not None and is_withheld(trace, member):
        span.events = [event for event in span.events if event.get("name") != EVALUATION_EVENT]
    return span
