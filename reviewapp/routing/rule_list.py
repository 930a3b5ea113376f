"""Which rules send what into which queue? The list, and what is missing in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from ingest.models import Project
from ingest.routing import conditions
from ingest.routing.models import RoutingRule


@dataclass(frozen=True, slots=True)
class Line:
    rule: RoutingRule
    words: list[str]
    is_first: bool
    is_last: bool

    @property
    def joint(self) -> str:
        return "and" if self.rule.match == "all" else "or"


@dataclass(frozen=True, slots=True)
class QueueRules:
    queue: str
    name: str
    lines: list[Line]


def of_project(project: Project) -> list[QueueRules]:
    names = {queue.slug: queue.name for queue in project.queues.live()}
    stored = list(RoutingRule.objects.filter(project=project).order_by("queue", "position", "id"))
    found = []
    for queue, grouped in groupby(stored, key=lambda rule: rule.queue):
        rules = list(grouped)
        lines = [
            Line(
                rule,
                [conditions.words_of(values) for values in rule.conditions],
                index == 0,
                index == len(rules) - 1,
            )
            for index, rule in enumerate(rules)
        ]
        found.append(QueueRules(queue, names.get(queue, queue), lines))
    return found


def takes_drawn(queues: list[QueueRules]) -> bool:
    """Whether some enabled rule routes the traces drawn for audit."""
    return any(
        line.rule.enabled and any(values.get("condition") == "audit" for values in line.rule.conditions)
        for each in queues
        for line in each.lines
    )
