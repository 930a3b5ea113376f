"""What does every judge get and give? The words between a judge and those who run it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import msgspec

FORMAT_REASONS = {
    "empty": "the answer was empty",
    "not_json": "the answer was not JSON",
    "not_an_object": "the answer was not a JSON object",
    "verdict": "the verdict was neither pass nor fail",
    "score": "the score was not a number from 0 to 1",
    "confidence": "the confidence was not a number from 0 to 1",
    "rationale": "the rationale was not a text",
    "preference": "the preference was neither first, second, tie nor both_bad",
}
LONGEST_RATIONALE = 4000
# Trials from here on are repetitions on anchors, which no figure of live traffic counts.
FIRST_ANCHOR_TRIAL = 1001


@dataclass(frozen=True, slots=True)
class Question:
    """A trace as it was shown, and what the criterion asks."""

    trace_id: str
    input: str
    output: str
    context: tuple[str, ...] = ()
    status: str = ""
    criterion: str = ""
    guidance: str = ""
    trial: int = 1
    # When the trace began (ISO 8601), where it is known.
    began: str = ""
    # The messages before the answer, each with role and text.
    conversation: tuple[dict[str, str], ...] = ()
    # The how-manieth time the same is asked.
    sample: int = 1


@dataclass(frozen=True, slots=True)
class PairQuestion:
    """Two answers to one question, in the order in which they are shown."""

    subject: str
    input: str
    first: str
    second: str
    guidance: str = ""
    sample: int = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: raw text of a model, still to be parsed, and what it cost; None where nobody knows."""

    text: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    # Which model says that it answered, where it does.
    model: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, or `invalid` with the reason. `score` is the judge's probability of failure.

    Of a pair there is a preference and no verdict: first, second, tie or both_bad.
    """

    verdict: str
    score: float | None = None
    confidence: float | None = None
    rationale: str = ""
    reason: str = ""
    preference: str = ""


class Unanswered(Exception):
    """The judge gave no answer. `retry_after` in seconds, if it said so; `is_final`: asking again is vain;
    `may_cost`: the request may have been carried out all the same, and be charged.

    The text names neither address nor key, since it is shown.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry_after: float | None = None,
        is_final: bool = False,
        may_cost: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.is_final = is_final
        self.may_cost = may_cost


@dataclass(frozen=True, slots=True)
class Spec:
    """The pinned parts of a version that say how it judges."""

    endpoint: str
    model: str
    prompt: str
    parameters: dict[str, Any] = field(default_factory=dict)


def parse(text: str) -> Answer:
    """The answer in a model's text: one JSON object whose verdict is pass or fail, and nothing looser.

    A fence around the object is taken off, since models add it whatever they are told.
    """
    decoded = _decoded(text)
    return decoded if isinstance(decoded, Answer) else _checked(decoded)


def parse_pair(text: str) -> Answer:
    """The same for a pair: one JSON object whose preference is first, second, tie or both_bad."""
    decoded = _decoded(text)
    if isinstance(decoded, Answer):
        return decoded
    preference, confidence = decoded.get("preference"), decoded.get("confidence")
    rationale = decoded.get("rationale", "")
    if preference not in ("first", "second", "tie", "both_bad"):
        return invalid("preference")
    if confidence is not None and not _is_share(confidence):
        return invalid("confidence")
    if not isinstance(rationale, str):
        return invalid("rationale")
    return Answer(
        "",
        confidence=None if confidence is None else float(confidence),
        rationale=_kept(rationale),
        preference=preference,
    )


def _decoded(text: str) -> dict[str, Any] | Answer:
    """The object in a text, or what is said of a text without one."""
    body = text.strip()
    if body.startswith("```"):
        body = body.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if not body:
        return invalid("empty")
    try:
        decoded = msgspec.json.decode(body.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return invalid("not_json")
    return decoded if isinstance(decoded, dict) else invalid("not_an_object")


def _checked(decoded: dict[str, Any]) -> Answer:
    verdict = decoded.get("verdict")
    score, confidence = decoded.get("score"), decoded.get("confidence")
    rationale = decoded.get("rationale", "")
    if verdict not in ("pass", "fail"):
        return invalid("verdict")
    for name, number in (("score", score), ("confidence", confidence)):
        if number is not None and not _is_share(number):
            return invalid(name)
    if not isinstance(rationale, str):
        return invalid("rationale")
    return Answer(
        verdict,
        None if score is None else float(score),
        None if confidence is None else float(confidence),
        _kept(rationale),
    )


def _kept(rationale: str) -> str:
    return storable(rationale)[:LONGEST_RATIONALE]


def storable(text: str) -> str:
    """Without what no column of text can hold: U+0000 and halves of characters."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def invalid(why: str) -> Answer:
    return Answer("invalid", reason=FORMAT_REASONS[why])


def _is_share(number: object) -> bool:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return math.isfinite(number) and 0 <= number <= 1
