"""What is checked: the answer, the question, the documents and the steps of one trace.

Everything is bounded, and worked out once at most, however many checks ask for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property

from ingest import wording
from ingest.languages import language
from ingest.otlp.calls import Call
from ingest.reading import Document, Reading
from ingest.records import SpanRecord

# What lies beyond is not looked at: an answer is seldom a tenth of it.
LONGEST_TEXT = 40_000
MOST_DOCUMENTS = 50
MOST_SPANS = 2_000


LONGEST_DOCUMENT = 20_000
LONGEST_DOCUMENTS = 100_000
# As much of a text as its language is told by.
SAMPLE = 2_000


def stems(text: str) -> set[str]:
    return {word[: wording.STEM] for word in wording.words(text)}


class Subject:
    def __init__(self, reading: Reading, spans: Sequence[SpanRecord] = ()) -> None:
        self.reading = reading
        self.spans = spans[:MOST_SPANS]

    @cached_property
    def generations(self) -> list[Call]:
        return [call for call in self.reading.calls if call.is_generation]

    @cached_property
    def answering_call(self) -> Call | None:
        """The call that gave the answer: the last successful one, else the last."""
        successful = [call for call in self.generations if not call.error]
        calls = successful or self.generations
        return calls[-1] if calls else None

    @cached_property
    def calls_tools_only(self) -> bool:
        """Whether the last word is a call of tools, which is written as text but is no answer."""
        call = self.answering_call
        said = call.output if call else self.reading.conversation[-1:]
        return any(message.tool_calls for message in said) and not any(message.text for message in said)

    @cached_property
    def known_ms(self) -> float:
        """From the start of the trace to the last that its spans tell of."""
        times = [time for span in self.spans for time in (span.started_at, span.ended_at) if time]
        started_at = self.reading.started_at
        if started_at is None or not times:
            return 0.0
        return (max(times) - started_at) / timedelta(milliseconds=1)

    @cached_property
    def answer(self) -> str:
        """The answer's text; empty where there is none, or only a call of tools."""
        return "" if self.calls_tools_only else self.reading.output[:LONGEST_TEXT]

    @cached_property
    def question(self) -> str:
        return self.reading.input[:LONGEST_TEXT]

    @cached_property
    def words(self) -> list[str]:
        return wording.words(self.answer)

    @cached_property
    def question_words(self) -> list[str]:
        return wording.words(self.question)

    @cached_property
    def answer_language(self) -> str:
        return language(self.answer, self.words)

    @cached_property
    def stems_of_documents(self) -> list[set[str]]:
        """The beginnings of each document's words."""
        left, found = LONGEST_DOCUMENTS, []
        for document in self.documents:
            text = f"{document.title} {document.text}"[: min(LONGEST_DOCUMENT, left)]
            left -= len(text)
            found.append(stems(text))
        return found

    @cached_property
    def documents_language(self) -> str:
        """Of the first document that has a text; they are of one collection."""
        text = next((document.text[:SAMPLE] for document in self.documents if document.text), "")
        return language(text, wording.words(text))

    @cached_property
    def documents(self) -> tuple[Document, ...]:
        return self.reading.documents[:MOST_DOCUMENTS]
