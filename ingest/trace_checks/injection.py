"""Does anything given to the model try to instruct it? Heuristics that flag, not a verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.trace_checks.phrases import HEADINGS, INJECTIONS
from ingest.trace_checks.subject import Subject
from ingest.trace_checks.vocabulary import Compiled, Verdict, failed, passed

LONGEST_PART = 20_000
LONGEST_TOGETHER = 60_000
# Characters that say something to a model and nothing to a reader: Unicode tags, long runs of zero width.
_HEADS = ("system", "instruction", "admin")
_HIDDEN = re.compile(r"[\U000e0020-\U000e007e]{4}|[\u200b\u200c\u2060\ufeff]{8}")


def injection(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Applies to every trace with an input; looks at what users, documents and tools said."""
    left, seen = LONGEST_TOGETHER, False
    for place, text in _parts(subject):
        part = text[: min(LONGEST_PART, left)]
        if part:
            seen, left = True, left - len(part)
            if found := attempt(part):
                return failed(f"{place} contains what reads like instructions to the model: “{found}”.")
            own = (
                next(parameters["words"].found_in(part.casefold().split()), None)
                if parameters["words"]
                else None
            )
            if own:
                return failed(f"{place} holds “{' '.join(part.casefold().split()[slice(*own)])}”.")
    return passed("Nothing given to the model reads like an order to it.") if seen else None


def attempt(text: str) -> str:
    """The words that read like an order to the model; '' if there are none."""
    if not text.isascii() and _HIDDEN.search(text):
        return "characters that no reader sees"
    lowered = text.lower()
    if any(word in lowered for word in _HEADS) and (heading := HEADINGS.search(lowered)):
        return heading.group().strip()
    return INJECTIONS.first(text)[:160]


def _parts(subject: Subject) -> Iterator[tuple[str, str]]:
    yield "The question", subject.question
    for document in subject.documents:
        yield f"The document {document.id[:60]}".rstrip(), document.text
    for message in subject.reading.conversation[-40:]:
        if message.role == "tool":
            yield "A tool's answer", message.text
        elif message.role == "user" and message.text != subject.reading.input:
            yield "An earlier message", message.text
