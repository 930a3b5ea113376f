"""What would each of the demo's reviewers say of an answer? Careful people, with their own small faults.

Pure, and seeded by the trace id and the name: a second run says the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from reviewapp.demo import stories
from reviewapp.demo.reactions import best_answer
from reviewapp.demo.turns import Turn

# The hidden flaw of an answer in the words of the starter rubric's failure modes.
MODES = {
    "wrong": "contradicts_context",
    "invented": "false_action",
    "incomplete": "incomplete",
    "tone": "tone",
    "refusal": "wrong_refusal",
    "truncated": "wrong_format",
    "language": "wrong_format",
    "obeyed": "injection",
    "off_duty": "ignores_instructions",
    "error": "misses_request",
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How often a reviewer sees a flaw, finds one where there is none, cannot tell, and writes a note.

    `ahead` items are held at once, as by a labelling tool that fetches ahead: the longer each one waits for
    its label, the slower the pace.
    """

    sees: float
    false_alarms: float
    in_doubt: float
    notes: float
    ahead: int


# How many times as often a hard case is judged wrong, or not at all.
FAULTS, DOUBTS = 6, 18
MANNERS = {
    "priya": Manner(0.98, 0.002, 0.006, 0.55, 360),
    "ines": Manner(0.97, 0.004, 0.010, 0.35, 260),
    "tomasz": Manner(0.95, 0.009, 0.008, 0.25, 200),
    "dan": Manner(0.93, 0.006, 0.015, 0.15, 120),
}


def judgement(turn: Turn, name: str) -> dict[str, Any]:
    """The label's fields as the API takes them."""
    return _judged(turn, name, MANNERS[name])


def strained(turn: Turn, name: str) -> dict[str, Any]:
    """The same of a case that is hard to tell: one's small faults become large."""
    usual = MANNERS[name]
    return _judged(
        turn,
        name,
        replace(
            usual,
            sees=1 - FAULTS * (1 - usual.sees),
            false_alarms=FAULTS * usual.false_alarms,
            in_doubt=DOUBTS * usual.in_doubt,
        ),
    )


def _judged(turn: Turn, name: str, manner: Manner) -> dict[str, Any]:
    rng = Random(f"{turn.trace_id}/{name}")  # noqa: S311 - a story, not a secret
    if rng.random() < manner.in_doubt:
        return {"verdict": "cannot_tell", "confidence": "unsure", "note": "I would have to see the order."}
    fails = rng.random() < (manner.sees if turn.flaw else manner.false_alarms)
    said: dict[str, Any] = {
        "verdict": "fail" if fails else "pass",
        "confidence": "sure" if rng.random() < 0.85 else "unsure",
    }
    return said | {"answers": _answers(turn, name, fails)} | (_failing(turn, rng, manner) if fails else {})


# Flaws by which what the answer says does not stand in its sources.
UNGROUNDED = frozenset({"wrong", "invented", "obeyed"})


def _answers(turn: Turn, name: str, fails: bool) -> dict[str, Any]:
    """Of the starter rubric's optional questions, those that this reviewer takes up: more often where
    something is wrong."""
    rng = Random(f"{turn.trace_id}/{name}/answers")  # noqa: S311 - a story, not a secret
    answers: dict[str, Any] = {}
    if turn.documents and rng.random() < (0.8 if fails else 0.4):
        is_grounded = not (fails and turn.flaw in UNGROUNDED)
        answers["grounded"] = "pass" if is_grounded == (rng.random() < 0.94) else "fail"
    if rng.random() < (0.6 if fails else 0.3):
        answers["tone"] = _tone(turn, rng)
    return answers


def _tone(turn: Turn, rng: Random) -> int:
    """How it sounds to most; one in five reviewers is a step away from that."""
    most = Random(f"{turn.trace_id}/tone").choice((1, 1, 2) if turn.flaw == "tone" else (2, 3, 3, 3))  # noqa: S311 - a story, not a secret
    return most if rng.random() < 0.8 else {1: 2, 2: 3, 3: 2}[most]


def preference(a: Turn, b: Turn, name: str) -> dict[str, Any]:
    """Of two answers to one question: the one without the flaw that the reviewer sees in the other."""
    manner = MANNERS[name]
    rng = Random(f"{a.trace_id}/{b.trace_id}/{name}")  # noqa: S311 - a story, not a secret
    bad_a, bad_b = (rng.random() < (manner.sees if turn.flaw else manner.false_alarms) for turn in (a, b))
    if bad_a != bad_b:
        return {"preference": "b" if bad_a else "a", "confidence": "sure"}
    if bad_a:
        return {"preference": "both_bad", "confidence": "sure"}
    return {"preference": rng.choice(("tie", "tie", "a", "b")), "confidence": "unsure"}


def _failing(turn: Turn, rng: Random, manner: Manner) -> dict[str, Any]:
    believed = turn.flaw or "incomplete"
    said: dict[str, Any] = {"failure_modes": [MODES[believed]]}
    if rng.random() < manner.notes:
        source = turn.documents[0].title if turn.documents else "the terms"
        note = rng.choice(stories.reactions()["explanations"][believed])
        said["note"] = str(note).format(document=f"“{source}”")
    if turn.documents and rng.random() < 0.6:
        said["corrected_output"] = best_answer(turn)
    return said
