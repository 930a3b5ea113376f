"""What a lead has typed into the editor of a rule, step by step; it grows and shrinks without scripts.

Each condition is a row of its own, its fields named by position (c0-condition, c0-threshold). Every button
sends the whole form; which one it was says what to do with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.models import Project
from ingest.routing import conditions
from ingest.routing.conditions import CONDITIONS, Condition, Parameter, Refused
from ingest.routing.models import Match, RoutingRule
from reviewapp import numerals

MOST_CONDITIONS = 20
LONGEST = 300
FIRST_QUEUE = "review"


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of one condition."""

    name: str
    parameter: Parameter
    value: str


@dataclass(frozen=True, slots=True)
class Row:
    index: int
    condition: Condition
    entries: list[Entry]
    error: str = ""


@dataclass
class Draft:
    """The texts of the form as they were typed; `errors` by field, "" for the rule as a whole."""

    name: str = ""
    queue: str = FIRST_QUEUE
    match: str = Match.ALL.value
    severity: str = "1"
    share: str = "1"
    conditions: list[dict[str, str]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    def rows(self) -> list[Row]:
        found = []
        for index, values in enumerate(self.conditions):
            condition = CONDITIONS[values["condition"]]
            entries = [
                Entry(f"c{index}-{each.name}", each, values.get(each.name, ""))
                for each in condition.parameters
            ]
            found.append(Row(index, condition, entries, self.errors.get(f"c{index}", "")))
        return found

    def add(self, code: str) -> None:
        if code in CONDITIONS and len(self.conditions) < MOST_CONDITIONS:
            defaults = {each.name: _text(each.default) for each in CONDITIONS[code].parameters}
            self.conditions.append({"condition": code} | defaults)

    def remove(self, index: str) -> None:
        place = numerals.whole(index, 3)
        if place is not None and place < len(self.conditions):
            del self.conditions[place]

    def rule(self, project: Project, stored: RoutingRule | None = None) -> RoutingRule:
        """The rule as it would be saved; raises Refused after noting what is wrong where."""
        read = []
        for index, values in enumerate(self.conditions):
            try:
                read.append(CONDITIONS[values["condition"]].read(values))
            except Refused as refused:
                self.errors[f"c{index}"] = str(refused)
        if self.errors:
            raise Refused("A condition is not complete.")
        rule = RoutingRule(project=project) if stored is None else stored
        rule.name, rule.queue, rule.match, rule.conditions = self.name, self.queue, self.match, read
        # Texts, until `rules.checked` has read them.
        rule.severity, rule.share = self.severity, self.share
        return rule


def of_rule(rule: RoutingRule) -> Draft:
    return Draft(
        name=rule.name,
        queue=rule.queue,
        match=rule.match,
        severity=_text(rule.severity),
        share=_text(rule.share),
        conditions=[
            {name: _text(value) for name, value in values.items()}
            for values in rule.conditions
            if values.get("condition") in CONDITIONS
        ],
    )


def of_post(data: Mapping[str, Any]) -> Draft:
    """What was sent; fields of unknown names and conditions are left out."""

    def sent(name: str, default: str = "") -> str:
        return str(data.get(name, default)).replace("\0", "")[:LONGEST].strip()

    draft = Draft(
        name=sent("name"),
        queue=sent("queue", FIRST_QUEUE),
        match=sent("match", Match.ALL.value),
        severity=sent("severity", "1"),
        share=sent("share", "1"),
    )
    for index in range(MOST_CONDITIONS):
        code = sent(f"c{index}-condition")
        if code in CONDITIONS:
            values = {each.name: sent(f"c{index}-{each.name}") for each in CONDITIONS[code].parameters}
            draft.conditions.append({"condition": code} | values)
    return draft


def queue_choices(project: Project, chosen: str = "") -> list[tuple[str, str]]:
    """The queues a rule can send to: those of the project, and whatever rules name already."""
    named = {queue.slug: queue.name for queue in project.queues.live()}
    for slug in RoutingRule.objects.filter(project=project).values_list("queue", flat=True).distinct():
        named.setdefault(slug, slug)
    for slug in (chosen, "" if named else FIRST_QUEUE):
        if slug:
            named.setdefault(slug, slug)
    return sorted(named.items())


def condition_choices() -> list[tuple[str, str]]:
    return [(condition.code, condition.title) for condition in CONDITIONS.values()]


def _text(value: Any) -> str:
    return conditions.figure(value) if isinstance(value, float | int) else str(value or "")
