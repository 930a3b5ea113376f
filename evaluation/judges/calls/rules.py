"""A judge in plain Python: words to look for, and errors it makes on purpose, the same ones every time.

It needs no key and no network, so that a demo has a judge and tests have one that is known to the last bit.

    {"rules": [{"contains": "as an AI", "weight": 0.8}, {"empty": true}, {"shorter_than": 12, "weight": 0.4},
               {"lacks": "order", "weight": 0.2}, {"status": "error"}],
     "threshold": 0.5, "errors": {"missed": 0.1, "false_alarms": 0.02, "noise": 0.1, "seed": "v1"}}

`errors` may hold `later`, other shares with a time `from` which they count for: of traces that began then or
afterwards, and of anchors when they are judged again. So a demo has a judge whose provider changed it unseen;
`model`, in both, is the name it then answers by.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from evaluation.judges.calls.protocol import FIRST_ANCHOR_TRIAL, PairQuestion, Question, Reply, Spec

CERTAIN = 0.95


class Unreadable(ValueError):
    """Parameters that say nothing a rule judge understands."""


def ask(spec: Spec, question: Question) -> Reply:
    """The answer as JSON, as a model would give it, so that both go through the same parser."""
    parameters = spec.parameters
    found, reasons = _evidence(parameters, question)
    fails = found >= float(parameters.get("threshold", 0.5))
    errors = _errors(parameters.get("errors", {}), question)
    chance = _chances(str(errors.get("seed", "")), question)
    if chance[0] < float(errors.get("missed" if fails else "false_alarms", 0.0)):
        fails, reasons = not fails, ["nothing stands out" if fails else "something seems off"]
    spread = float(errors.get("noise", 0.0)) * (chance[1] - 0.5)
    score = min(0.99, max(0.01, (0.85 if fails else 0.12) + spread))
    answer = {
        "verdict": "fail" if fails else "pass",
        "score": round(score, 4),
        "confidence": round(abs(score - 0.5) * 2, 4),
        "rationale": "; ".join(reasons) or "no rule holds",
    }
    return Reply(json.dumps(answer), model=str(errors.get("model", "")))


def ask_pair(spec: Spec, question: PairQuestion) -> Reply:
    """The answer that fewer rules speak against; both are bad where both would fail.

    `errors.first` is the share of pairs of which it prefers whatever it is shown first.
    """
    evidence = [
        _evidence(spec.parameters, Question(question.subject, question.input, output))
        for output in (question.first, question.second)
    ]
    threshold = float(spec.parameters.get("threshold", 0.5))
    (first, why_not), (second, why_not_second) = evidence
    preference = "first" if first < second else "second" if second < first else "tie"
    if min(first, second) >= threshold:
        preference = "both_bad"
    errors = spec.parameters.get("errors", {})
    chance = _chances(str(errors.get("seed", "")), Question(question.subject, "", "", sample=question.sample))
    if chance[0] < float(errors.get("first", 0.0)):
        preference = "first"
    reasons = [*why_not, *why_not_second]
    told = {"preference": preference, "rationale": "; ".join(reasons) or "no rule tells them apart"}
    return Reply(json.dumps(told), model=str(errors.get("model", "")))


def check(parameters: Mapping[str, Any]) -> None:
    """Raises Unreadable for what `ask` could not follow."""
    rules = parameters.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise Unreadable("rules must be a list of objects")
    known = {"contains", "lacks", "empty", "shorter_than", "status", "weight"}
    if odd := {name for rule in rules for name in rule} - known:
        raise Unreadable(f"there is no rule {sorted(odd)[0]}; known are {', '.join(sorted(known))}")
    try:
        float(parameters.get("threshold", 0.5))
        for rule in rules:
            float(rule.get("weight", CERTAIN))
            int(rule.get("shorter_than", 0))
        errors = parameters.get("errors", {})
        for name in ("missed", "false_alarms", "noise", "first"):
            float(errors.get(name, 0.0))
            float(errors.get("later", {}).get(name, 0.0))
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Unreadable(f"must be a number: {error}") from None


def _errors(errors: Mapping[str, Any], question: Question) -> Mapping[str, Any]:
    """The shares in force: those of `later` once its time has come."""
    later: Mapping[str, Any] = errors.get("later", {})
    judged_again = question.trial > FIRST_ANCHOR_TRIAL
    has_come = judged_again or (question.trial == 1 and question.began >= str(later.get("from", "")))
    return {**errors, **later} if later and has_come else errors


def _evidence(parameters: Mapping[str, Any], question: Question) -> tuple[float, list[str]]:
    """Independent hints: each rule that holds leaves its share less doubt."""
    doubt, reasons = 1.0, []
    for rule in parameters.get("rules", []):
        if said := _holds(rule, question):
            doubt *= 1 - min(1.0, max(0.0, float(rule.get("weight", CERTAIN))))
            reasons.append(said)
    return 1 - doubt, reasons


def _holds(rule: Mapping[str, Any], question: Question) -> str:
    output = question.output.casefold()
    if (words := str(rule.get("contains", ""))) and words.casefold() in output:
        return f"the answer contains “{words}”"
    if (words := str(rule.get("lacks", ""))) and words.casefold() not in output:
        return f"the answer lacks “{words}”"
    if rule.get("empty") and not output.strip():
        return "the answer is empty"
    if len(output.strip()) < int(rule.get("shorter_than", 0)):
        return "the answer is very short"
    if rule.get("status") and rule["status"] == question.status:
        return f"the trace ended with status {question.status}"
    return ""


def _chances(seed: str, question: Question) -> tuple[float, float]:
    """Two numbers in [0, 1) that depend on seed, trace, trial and sample alone."""
    again = f"\0{question.sample}" if question.sample > 1 else ""
    digest = hashlib.sha256(f"{seed}\0{question.trace_id}\0{question.trial}{again}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48, int.from_bytes(digest[6:12], "big") / 2**48
