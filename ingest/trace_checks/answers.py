"""Is there an answer, is it an answer, and all of it?"""

from __future__ import annotations

import re

from ingest.trace_checks.phrases import REFUSALS
from ingest.trace_checks.subject import Subject
from ingest.trace_checks.vocabulary import Compiled, Verdict, failed, passed

# A refusal comes at the start; what comes later is part of an answer.
REFUSAL_HEAD = 350
TAIL = 2_000
# Shorter ones end as they like: a name, a title, a number.
FEWEST_WORDS_OF_A_TEXT = 25
_ENDS = re.compile(r"""[.!?…:;。！？।)\]}>"'”“’»*_`|~=-]\s*$|\d[%€$£]?\s*$|[^\w\s,(\[{–—/&+]\s*$""")
_LIST_ITEM = re.compile(r"\s*(?:[-*•–+]|\d{1,3}[.)]|#{1,6}|\|)\s*\S")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+$|\S+@\S+\.\w+$")
# Words that no sentence ends with, in the languages that are met most.
_LEADING_ON_TEXT = (
    "the a an and or but of to for with in on at by from as that which is are was your our their this "
    "if der die das ein eine einen einem einer und oder aber von zu für mit im auf bei aus dass ist "
    "sind ihr ihre wenn als den dem des le la les un une et ou de du des pour avec dans el los las y "
    "con para que il lo gli e di per con che het een en van voor met o os as do da um uma com i w z na "
    "do "
)
_LEADING_ON = frozenset(_LEADING_ON_TEXT.split())


def empty(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Applies where a model was called or an answer posted, unless the trace failed anyway."""
    reading = subject.reading
    if reading.status == "error" or not (subject.generations or "body" in reading.io_source):
        return None
    if subject.calls_tools_only:
        return passed("The answer is a call of tools.")
    if subject.words and not _is_placeholder(subject.answer):
        return passed(f"The answer has {len(subject.words):,} word{'s' * (len(subject.words) != 1)}.")
    if not subject.words and any(not char.isspace() and ord(char) > 0x2000 for char in subject.answer[:50]):
        return passed("The answer is a symbol without words.")
    return failed("The answer is empty." if not subject.answer.strip() else "The answer says nothing.")


def _is_placeholder(answer: str) -> bool:
    return len(answer) < 100 and bool(_PLACEHOLDER.fullmatch(answer))


_PLACEHOLDER = re.compile(
    r"[\s\"'`<>\[\](){}.]*(?:null|none|undefined|nan|n/a|empty|no (?:output|response|content|answer)|"
    r"object object|todo|lorem ipsum[^\n]*)[\s\"'`<>\[\](){}.]*",
    re.IGNORECASE,
)


def refusal(subject: Subject, parameters: Compiled) -> Verdict | None:
    call = subject.answering_call
    if call and "content_filter" in call.finish:
        return failed("The provider's content filter stopped the answer.")
    if not subject.words:
        return None
    if found := REFUSALS.first(subject.answer[:REFUSAL_HEAD]):
        return failed(f"Declines: “{found[:120]}”.")
    own = next(parameters["words"].found_in(subject.words[:80]), None)
    if own:
        return failed(f"Declines: “{' '.join(subject.words[slice(*own)])}”.")
    return passed("Begins with no phrase of refusal.")


def truncated(subject: Subject, parameters: Compiled) -> Verdict | None:
    """The provider's own word counts; only where there is none, the end of the text is looked at."""
    call = subject.answering_call
    finish = call.finish if call else ()
    if "length" in finish:
        return failed("The model stopped at its token limit (finish reason: length).")
    if "stop" in finish:
        return passed("The model ended by itself (finish reason: stop).")
    if not subject.words or finish:
        return None
    text = subject.reading.output[-TAIL:].rstrip()
    if subject.reading.output.count("```") % 2:
        return failed("A block of code is not closed.")
    if len(subject.words) < FEWEST_WORDS_OF_A_TEXT or not _breaks_off(text):
        return passed("The text is complete.")
    return failed(f"The text breaks off: “…{text[-60:]}”.")


def _breaks_off(text: str) -> bool:
    last = text.rsplit("\n", 1)[-1]
    words = last.split()
    if not words or _ADDRESS.search(text[-200:]) or text.lstrip()[:1] in ("{", "["):
        return False
    if words[-1].casefold() in _LEADING_ON or text[-1] in ",(–—&":
        # "Kind regards," is how a letter may end.
        return len(words) > 3 or words[-1].casefold() in _LEADING_ON
    if _ENDS.search(text):
        return False
    # A heading, an item or a name under a letter stands without a full stop.
    return not _LIST_ITEM.match(last) and len(words) > 5
