"""Which words were added and taken away between two texts?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.models import Feedback, Trace
from reviewapp.review.models import ReviewItem
from reviewapp.screen import evidence

Kind = Literal["same", "added", "removed"]
Piece = tuple[Kind, str]

# Comparing word by word takes the square of the length; longer texts are compared line by line.
MOST_WORDS = 3_000
# Two texts that have less than this of the shorter one in common make a patchwork that nobody can read.
LEAST_ALIKE = 0.4
_WORDS = re.compile(r"\s+|[^\W_]+|.", re.DOTALL)


def compare(before: str, after: str) -> list[Piece]:
    """Nothing where the texts are equal."""
    if before == after:
        return []
    old, new = _pieces(before), _pieces(after)
    if max(len(old), len(new)) > MOST_WORDS:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[Piece] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(("same", "".join(old[i1:i2])))
        if tag in ("delete", "replace"):
            found.append(("removed", "".join(old[i1:i2])))
        if tag in ("insert", "replace"):
            found.append(("added", "".join(new[j1:j2])))
    return found


def alike(pieces: Sequence[Piece]) -> float:
    """How much of the shorter text stands in the other, in letters and digits: 0 to 1."""
    sizes = dict.fromkeys(("same", "added", "removed"), 0)
    for kind, text in pieces:
        sizes[kind] += sum(map(str.isalnum, text))
    shorter = sizes["same"] + min(sizes["added"], sizes["removed"])
    return sizes["same"] / shorter if shorter else 1.0


def _pieces(text: str) -> list[str]:
    return _WORDS.findall(text)


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Told:
    """`whole` are two texts by their names, where they are too unlike for `pieces`; `nothing` says why there
    is nothing to see."""

    title: str
    choices: list[Choice]
    pieces: list[Piece]
    whole: list[tuple[str, str]]
    nothing: str


def tell(item: ReviewItem, corrected: str, wanted: str, *, is_open: bool) -> Told:
    """The answer beside the corrected one; what users made of it later opens after one's own submit."""
    answer = evidence.answer_text(item)
    texts = {"corrected": ("The corrected answer", corrected.replace("\r\n", "\n").strip())}
    if is_open:
        texts |= later_texts(item)
    known = [name for name, (_, text) in texts.items() if text]
    name = wanted if wanted in texts else (known or ["corrected"])[0]
    label, text = texts[name]
    pieces = compare(answer.strip(), text) if text else []
    is_patchwork = alike(pieces) < LEAST_ALIKE
    return Told(
        title=f"Answer and {label.lower()}",
        choices=[Choice(key, words, key == name) for key, (words, _) in texts.items()],
        pieces=[] if is_patchwork else pieces,
        whole=[("The answer", answer.strip()), (label, text)] if is_patchwork else [],
        nothing="They are the same."
        if text
        else "There is nothing to compare with: nobody has corrected the answer yet.",
    )


def later_texts(item: ReviewItem) -> dict[str, tuple[str, str]]:
    """What a user edited the answer into, and the answer of a retry, where they are known."""
    found: dict[str, tuple[str, str]] = {}
    for said in Feedback.objects.filter(trace=item.trace_id, kind__in=["edit", "regenerate"]).order_by("pk"):
        payload = said.payload if isinstance(said.payload, dict) else {}
        if edited := payload.get("edited_output"):
            found["edited"] = ("The user’s edit", str(edited))
        if next_id := payload.get("next_trace_id"):
            known = Trace.objects.filter(project=item.queue.project, trace_id=str(next_id))
            if retried := known.values_list("output", flat=True).first():
                found["retry"] = ("The retry", retried)
    return found
