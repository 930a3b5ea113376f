"""What was said about an answer afterwards? Judge scores, checks, thumbs and the signals customers leave.

Pure, and seeded by the trace id. Everything leans on the turn's hidden flaw, with the noise that judges and
people have: the judge errs, and most customers say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from reviewapp.demo import stories
from reviewapp.demo.stories import ENGLISH, GERMAN
from reviewapp.demo.turns import Turn

JUDGED_SHARE = 0.4
JUDGE = {"name": "answer-judge", "version": "3", "model": "gpt-5-2026-06-30"}
CHECKS = {"name": "answer-checks", "version": "1"}
GERMAN_WORDS = {"der", "die", "das", "und", "ist", "ich", "sie", "nicht", "für", "mit", "zu", "eine"}
ENGLISH_WORDS = {"the", "a", "and", "is", "i", "you", "not", "for", "with", "to", "your", "how", "it"}
# How often the judge sees each failure for what it is; truth and judge differ elsewhere.
SEEN = {"wrong": 0.82, "invented": 0.72, "incomplete": 0.6, "tone": 0.5, "refusal": 0.85, "language": 0.9}
FALSE_ALARMS = 0.06


@dataclass(frozen=True, slots=True)
class Score:
    trace_id: str
    key: str
    name: str
    timestamp: datetime
    value: float | None = None
    label: str = ""
    confidence: float | None = None
    explanation: str = ""
    source: str = "llm"
    evaluator: dict[str, str] = field(default_factory=dict)
    error_type: str = ""
    # Sent as a `gen_ai.evaluation.result` log event instead of through the scores API.
    as_event: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    trace_id: str
    key: str
    kind: str
    occurred_at: datetime
    user: str
    value: str = ""
    comment: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    # Sent before its trace: it waits at the server until the trace arrives.
    early: bool = False


def generator(turn: Turn, part: str) -> Random:
    return Random(f"{turn.trace_id}/{part}")  # noqa: S311 - a story, not a secret


def scores(turn: Turn) -> Iterator[Score]:
    rng = generator(turn, "scores")
    judged_at = turn.ended_at + timedelta(seconds=rng.uniform(20, 400))
    if turn.answer:
        yield from checks(turn, turn.ended_at)
    if rng.random() >= JUDGED_SHARE:
        return
    yield verdict(turn, rng, judged_at)
    if turn.documents and turn.answer:
        yield faithfulness(turn, rng, judged_at)


def checks(turn: Turn, at: datetime) -> Iterator[Score]:
    """What a program can tell of an answer: it comes to an end, and it is in the customer's language."""
    found = {
        "ends_cleanly": turn.answer.rstrip("*_ ").endswith((".", "!", "?", "]", ")")),
        "same_language": len({tongue(turn.answer), tongue(turn.question)} - {""}) < 2,
    }
    for name, passed in found.items():
        key, label = f"{turn.trace_id}-{name}", "pass" if passed else "fail"
        yield Score(
            turn.trace_id, key, name, at, float(passed), label, source="code", evaluator=CHECKS
        )  # fmt: skip


def tongue(text: str) -> str:
    """The language whose small words are more frequent; empty where there is none of either."""
    words = re.findall(r"\w+", text.lower())
    german, english = (sum(word in small for word in words) for small in (GERMAN_WORDS, ENGLISH_WORDS))
    return "" if german == english else GERMAN if german > english else ENGLISH


def verdict(turn: Turn, rng: Random, at: datetime) -> Score:
    key, event = f"{turn.trace_id}-quality", rng.random() < 0.4
    if turn.flaw == "error" or rng.random() < 0.02:
        failure = "empty_output" if turn.flaw == "error" else "judge_timeout"
        return Score(
            turn.trace_id, key, "answer_quality", at, evaluator=JUDGE, error_type=failure, as_event=event
        )
    seen = rng.random() < (SEEN.get(turn.flaw, 0.7) if turn.flaw else FALSE_ALARMS)
    value = rng.betavariate(2, 6) if seen else rng.betavariate(8, 2)
    believed = turn.flaw or rng.choice(("incomplete", "tone")) if seen else "good"
    return Score(
        trace_id=turn.trace_id,
        key=key,
        name="answer_quality",
        timestamp=at,
        value=round(value, 2),
        label="pass" if value >= 0.5 else "fail",
        confidence=round(min(0.99, 0.5 + abs(value - 0.5) + rng.uniform(0, 0.12)), 2),
        explanation=explain(turn, believed, rng),
        evaluator=JUDGE,
        as_event=event,
    )


def faithfulness(turn: Turn, rng: Random, at: datetime) -> Score:
    doubtful = turn.flaw in {"wrong", "invented"} and rng.random() < 0.8
    value = round(rng.betavariate(2, 5) if doubtful else rng.betavariate(9, 1.6), 2)
    believed = turn.flaw if doubtful else "good"
    return Score(
        trace_id=turn.trace_id,
        key=f"{turn.trace_id}-faithfulness",
        name="faithfulness",
        timestamp=at,
        value=value,
        label="pass" if value >= 0.5 else "fail",
        confidence=round(rng.uniform(0.55, 0.97), 2),
        explanation=explain(turn, believed, rng),
        evaluator=JUDGE | {"name": "faithfulness-judge", "version": "2"},
        as_event=rng.random() < 0.4,
    )


def explain(turn: Turn, believed: str, rng: Random) -> str:
    text = rng.choice(stories.reactions()["explanations"][believed])
    source = turn.documents[0].title if turn.documents else "the context"
    return str(text).format(document=f"“{source}”")


def signals(turn: Turn, following: Turn | None) -> Iterator[Signal]:
    """What the customer did, soonest first; `following` is the conversation's next turn, if any."""
    rng = generator(turn, "signals")
    after = turn.ended_at
    if turn.environment == "staging":
        return
    if turn.flaw and following and following.route == turn.route and rng.random() < 0.8:
        payload = {"next_trace_id": following.trace_id}
        yield signal(turn, "rephrase", following.started_at, payload=payload)
    if turn.flaw:
        yield from dissatisfied(turn, rng, after)
    else:
        yield from content(turn, rng, after)
    if rng.random() < (0.42 if turn.flaw else 0.16):
        yield thumbs(turn, rng, after + timedelta(seconds=rng.uniform(10, 3600)))


def dissatisfied(turn: Turn, rng: Random, after: datetime) -> Iterator[Signal]:
    for _ in range(rng.choices((0, 1, 2), (70, 22, 8))[0]):
        after += timedelta(seconds=rng.uniform(4, 40))
        yield signal(turn, "regenerate", after, number=f"-{after:%H%M%S%f}")
    if rng.random() < 0.2:
        yield signal(turn, "escalate", after + timedelta(seconds=70), payload={"to": "human agent"})
    if rng.random() < 0.16:
        yield signal(turn, "abandon", after + timedelta(minutes=15))
    if rng.random() < 0.12 and turn.answer:
        corrections = stories.reactions()["corrections"]
        edited = rng.choice(corrections).format(answer=best_answer(turn))
        yield signal(
            turn, "edit", after + timedelta(hours=3), user="agent-7", payload={"edited_output": edited}
        )


def best_answer(turn: Turn) -> str:
    """What a colleague of the shop writes instead: the passage itself."""
    return turn.documents[0].text if turn.documents else "I'll take this over myself and write to you today."


def content(turn: Turn, rng: Random, after: datetime) -> Iterator[Signal]:
    if rng.random() < 0.14:
        yield signal(turn, "copy", after + timedelta(seconds=rng.uniform(3, 60)))
    if rng.random() < 0.12:
        yield signal(turn, "task_completed", after + timedelta(minutes=4), value="true")
    if rng.random() < 0.05:
        stars = str(rng.choices((3, 4, 5), (1, 4, 6))[0])
        yield signal(turn, "rating", after + timedelta(minutes=6), value=stars, payload={"max": 5})
    if rng.random() < 0.02:
        yield signal(turn, "regenerate", after + timedelta(seconds=12))


def thumbs(turn: Turn, rng: Random, at: datetime) -> Signal:
    """Most thumbs tell the truth; one in eight does not."""
    up = (not turn.flaw) != (rng.random() < 0.12)
    believed = "good" if up else (turn.flaw or "incomplete")
    comment = rng.choice(stories.reactions()["comments"][believed]) if rng.random() < 0.45 else ""
    value, early = "up" if up else "down", rng.random() < 0.2
    return signal(turn, "thumbs", at, value=value, comment=comment, early=early)


def signal(turn: Turn, kind: str, at: datetime, *, number: str = "", user: str = "", **said: Any) -> Signal:
    key = f"{turn.trace_id}-{kind}{number}"
    return Signal(turn.trace_id, key, kind, at, user or turn.user_id, **said)
