"""Does the answer say what the documents say, and do its citations point at documents that say so?

Words are compared by their beginnings, so that inflection does not matter; small words are left out. This
finds answers that left the documents, not answers that turn what the documents say around.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import permutations
from operator import add, mul, sub

from ingest import wording
from ingest.languages import tells
from ingest.particulars import as_digits
from ingest.reading import Document
from ingest.trace_checks.subject import LONGEST_DOCUMENT, Subject, stems
from ingest.trace_checks.vocabulary import Compiled, Verdict, failed, passed

MOST_WORDS = 2_000
FEWEST_WORDS = 8
FEWEST_FOR_NUMBERS = 1
# 2 x 129, worked out in the answer.
MOST_OPERANDS = 20
_NUMBER = re.compile(r"(?<![\w.,-])[$€£]?\d+(?:[.,:]\d+)*")
_SENTENCE = re.compile(r"(?<=[.!?。])\s+|\n+")


def grounding(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Applies to an answer of some words that was given documents with text, in one language."""
    if not any(document.text for document in subject.documents):
        return None
    content = [word for word in subject.words[:MOST_WORDS] if tells(word)]
    if len(content) < FEWEST_FOR_NUMBERS or not _one_language(subject):
        return None
    known = set().union(*subject.stems_of_documents, *map(stems, _said_to_the_model(subject)))
    unknown = [word for word in content if word[: wording.STEM] not in known]
    share = 1 - len(unknown) / len(content)
    strange = _strange_numbers(subject) if parameters["numbers"] else []
    said = f"{share:.0%} of the answer's words also stand in the documents or the question"
    if len(content) >= FEWEST_WORDS and share < parameters["least_share"]:
        return failed(f"Only {said}; not {', '.join(dict.fromkeys(unknown[:8]))}.")
    if strange:
        return failed(f"Says {', '.join(strange[:5])}, which is in no document.")
    return passed(f"{said}.")


def _said_to_the_model(subject: Subject) -> list[str]:
    """What the answer may also rest on: the question, and what tools gave back."""
    told = [
        message.text for message in subject.reading.conversation[-40:] if message.role in ("user", "tool")
    ]
    return [text[:LONGEST_DOCUMENT] for text in (subject.question, *told)]


def _one_language(subject: Subject) -> bool:
    answered, given = subject.answer_language, subject.documents_language
    return not (answered and given) or answered == given


def _strange_numbers(subject: Subject) -> list[str]:
    """Numbers of two or more digits that are in the answer and nowhere before it."""
    plain = _MARK.sub(" ", subject.answer)
    stated = {as_digits(match.group()): match.group() for match in _NUMBER.finditer(plain)}
    if not stated:
        return []
    before = [*_said_to_the_model(subject)]
    for document in subject.documents:
        before += [document.id, document.title, document.text[:LONGEST_DOCUMENT]]
    call = subject.answering_call
    before += [call.system[:LONGEST_DOCUMENT]] if call else []
    known = {as_digits(found) for text in before for found in re.findall(r"\d+(?:[.,:]\d+)*", text)}
    known |= {part for digits in known for part in digits.split(".")}
    strange = {digits: number for digits, number in stated.items() if digits not in known}
    results = _results([digits for digits in stated if digits in known]) if strange else set()
    return [number for digits, number in strange.items() if len(digits) > 1 and digits not in results]


def _results(operands: list[str]) -> set[str]:
    """Results of two of these numbers: a total is not a new number if the answer says what it adds up."""
    values = [float(digits) for digits in operands[:MOST_OPERANDS] if _DECIMAL.fullmatch(digits)]
    found = {f(a, b) for a, b in permutations(values, 2) for f in (mul, add, sub)}
    return {as_digits(f"{value:.2f}") for value in found} | {as_digits(f"{value:.1f}") for value in found}


_DECIMAL = re.compile(r"\d{1,12}(?:\.\d{1,6})?")


# [1], [2, 3], [kb-12], (kb-12), 【1】, ^1 is none; a link's text is none either.
_MARK = re.compile(
    r"[\[【(]\s*((?:\^|doc(?:ument)?\s|source\s|quelle\s)?[\w.:/#-]{1,80}(?:\s*[,;]\s*[\w.:/#-]{1,80}){0,9})\s*(?:†[^】]{0,40})?[\]】)](?!\()",
    re.IGNORECASE,
)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,200}`", re.DOTALL)
_ORDINAL = re.compile(r"(?:doc(?:ument)?[\s_-]?|source[\s_-]?|quelle[\s_-]?|\^)?(\d{1,3})", re.IGNORECASE)
_SHAPE = re.compile(r"\d+")


def citations(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Applies to an answer that cites, or has to, and was given documents."""
    documents = subject.documents
    if not documents or not subject.words:
        return None
    found = list(_citations(subject.answer, documents))
    if not found:
        if parameters["required"] and len(subject.words) >= FEWEST_WORDS:
            return failed("The answer cites none of its documents.")
        return None
    for mark, place, sentence in found:
        if place is None:
            return failed(f"Cites {mark}; there are {len(documents)} documents, none with that name.")
        share = _shared(sentence, place, subject)
        if share is not None and share < parameters["least_share"]:
            return failed(
                f"Cites {mark} for “{sentence.strip()[:160]}”: {share:.0%} of its words are found there."
            )
    number = len(found)
    return passed(f"{number} citation{'s' * (number != 1)}, of documents that support it.")


def _citations(answer: str, documents: tuple[Document, ...]) -> Iterator[tuple[str, int | None, str]]:
    """Each citation with the document it names, or None, and what it vouches for: the sentences before it,
    back to the one that has a citation of its own."""
    by_id = {document.id.casefold(): place for place, document in enumerate(documents) if document.id}
    shapes = {_SHAPE.sub("0", name) for name in by_id if _SHAPE.search(name)}
    sentence, is_cited = "", True
    for part in _sentences(_CODE.sub(" ", answer)):
        # A mark after the full stop belongs to the sentence before it.
        told = _MARK.sub(" ", part)
        if wording.WORD.search(told):
            sentence = told if is_cited else f"{sentence} {told}"
        is_cited = _MARK.search(part) is not None
        for match in _MARK.finditer(part):
            for mark in re.split(r"\s*[,;]\s*", match[1]):
                name = mark.casefold()
                if name in by_id:
                    yield mark, by_id[name], sentence
                elif _SHAPE.sub("0", name) in shapes and not name.isdigit():
                    yield mark, None, sentence
                elif (ordinal := _ORDINAL.fullmatch(mark)) and match.group()[0] in "[【":
                    place = int(ordinal[1])
                    yield mark, place - 1 if 0 < place <= len(documents) else None, sentence


def _sentences(answer: str) -> list[str]:
    return _SENTENCE.split(answer)[:500]


def _shared(sentence: str, place: int, subject: Subject) -> float | None:
    """The share of a sentence's content words that are in the document; None if there are too few."""
    words = wording.words(sentence)
    content = [word for word in words if tells(word)]
    if len(content) < 3 or not subject.documents[place].text or not _one_language(subject):
        return None
    known = subject.stems_of_documents[place]
    return sum(word[: wording.STEM] in known for word in content) / len(content)
