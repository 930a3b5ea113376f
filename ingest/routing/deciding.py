"""Which queues does a trace go into, and why? Pure: rules and facts in, decisions out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ingest.routing import conditions, priority
from ingest.routing.facts import Facts
from ingest.routing.priority import Terms


class Rule(Protocol):
    """What deciding asks of a rule; a stored one, or one that is only being tried."""

    name: str
    queue: str
    match: str
    conditions: Any
    severity: float
    share: float
    enabled: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rule took a trace: the code of the condition, how it was met, and the rule's name."""

    code: str
    detail: str
    rule: str

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "detail": self.detail, "rule": self.rule}


@dataclass(frozen=True, slots=True)
class Decision:
    queue: str
    reasons: tuple[Reason, ...]
    terms: Terms
    audit: bool

    @property
    def priority(self) -> float:
        return self.terms.priority


def decide(rules: Iterable[Rule], facts: Facts) -> list[Decision]:
    """One decision a queue, for the queues with a rule that takes the trace; rules in their order."""
    if facts.excluded:
        return []
    found: dict[str, list[tuple[Rule, list[Reason]]]] = {}
    for rule in rules:
        if reasons := matched(rule, facts):
            found.setdefault(rule.queue, []).append((rule, reasons))
    return [_decision(queue, taken, facts) for queue, taken in sorted(found.items())]


def matched(rule: Rule, facts: Facts) -> list[Reason]:
    """Why this rule takes the trace; empty when it does not."""
    if not rule.enabled or facts.excluded:
        return []
    asked: Sequence[Mapping[str, Any]] = rule.conditions
    details = [(values["condition"], conditions.met(values, facts)) for values in asked]
    met = [Reason(code, detail, rule.name) for code, detail in details if detail is not None]
    if not met or (rule.match == "all" and len(met) < len(details)):
        return []
    return met if facts.share < rule.share or _is_audit(met) else []


def _is_audit(reasons: Iterable[Reason]) -> bool:
    return any(reason.code == "audit" for reason in reasons)


def _decision(queue: str, taken: Sequence[tuple[Rule, list[Reason]]], facts: Facts) -> Decision:
    reasons = [reason for _, reasons in taken for reason in reasons]
    severity = max(rule.severity for rule, _ in taken)
    return Decision(queue, tuple(reasons), priority.rank(facts, severity), _is_audit(reasons))
