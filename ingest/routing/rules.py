"""Writes routing rules: those of a new project, and what a lead edits. Each is checked on its way in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from django.db.models import Max

from ingest.models import Project
from ingest.routing import conditions
from ingest.routing.conditions import Refused
from ingest.routing.models import Match, RoutingRule

# Name, conditions, severity.
DEFAULTS: tuple[tuple[str, list[dict[str, Any]], float], ...] = (
    ("Low score", [{"condition": "score_below", "threshold": 0.5}], 1.0),
    ("Low confidence", [{"condition": "confidence_below", "threshold": 0.5}], 1.0),
    ("Thumbs down", [{"condition": "thumbs_down"}], 1.0),
    ("Failed check", [{"condition": "check_failed"}], 1.0),
    ("Audit", [{"condition": "audit"}], 1.0),
)
MOST_RULES = 200


def create_default_rules(project: Project, queue: str = "review") -> list[RoutingRule]:
    """The rules a new project starts with; what is there under the same name stays as it is."""
    RoutingRule.objects.bulk_create(
        [
            RoutingRule(
                project=project,
                queue=queue,
                name=name,
                match=Match.ANY,
                conditions=conditions.read_all(asked),
                severity=severity,
                position=position,
            )
            for position, (name, asked, severity) in enumerate(DEFAULTS)
        ],
        ignore_conflicts=True,
    )
    return list(of_queue(project, queue))


def of_queue(project: Project, queue: str) -> list[RoutingRule]:
    return list(RoutingRule.objects.filter(project=project, queue=queue).order_by("position", "id"))


def checked(rule: RoutingRule) -> RoutingRule:
    """The rule with its conditions in stored form. Raises Refused with a message for its author."""
    rule.name = " ".join(str(rule.name).split())
    if not rule.name:
        raise Refused("Name is missing.")
    if len(rule.name) > 120 or "\0" in rule.name:
        raise Refused("Name has at most 120 characters.")
    try:
        validate_slug(rule.queue)
    except ValidationError:
        raise Refused("Queue must be the short name of a queue.") from None
    if len(rule.queue) > 60:
        raise Refused("Queue must be the short name of a queue.")
    if rule.match not in Match.values:
        raise Refused("Match must be all or any.")
    rule.severity = _within("Severity", rule.severity, 10)
    rule.share = _within("Share", rule.share, 1)
    rule.conditions = conditions.read_all(rule.conditions)
    if rule.share < 1 and any(values["condition"] == "audit" for values in rule.conditions):
        raise Refused(
            "All drawn traces are routed, so the share must be 1; set the audit rate on the rates page."
        )
    return rule


def save(rule: RoutingRule) -> RoutingRule:
    """Check and write a new or an edited rule; a new one comes last in its queue. Raises Refused."""
    checked(rule)
    others = RoutingRule.objects.filter(project=rule.project, queue=rule.queue).exclude(pk=rule.pk)
    with transaction.atomic():
        _lock(rule.project)
        if others.filter(name=rule.name).exists():
            raise Refused(f"This queue already has a rule “{rule.name}”.")
        if rule.pk is None:
            if others.count() >= MOST_RULES:
                raise Refused(f"A queue has at most {MOST_RULES} rules.")
            last = others.aggregate(last=Max("position"))["last"]
            rule.position = 0 if last is None else last + 1
        rule.save()
    return rule


def replace(project: Project, queue: str, given: Iterable[Mapping[str, Any]]) -> list[RoutingRule]:
    """Set all rules of a queue at once, in order, as the API sends them. Raises Refused; then none is set."""
    rules = [
        checked(
            RoutingRule(
                project=project,
                queue=queue,
                position=position,
                name=values.get("name", ""),
                match=values.get("match", Match.ALL),
                conditions=values.get("conditions"),
                severity=values.get("severity", 1.0),
                share=values.get("share", 1.0),
                enabled=bool(values.get("enabled", True)),
            )
        )
        for position, values in enumerate(given)
    ]
    if len(rules) > MOST_RULES:
        raise Refused(f"A queue has at most {MOST_RULES} rules.")
    if len({rule.name for rule in rules}) < len(rules):
        raise Refused("Two rules of a queue cannot have the same name.")
    with transaction.atomic():
        _lock(project)
        RoutingRule.objects.filter(project=project, queue=queue).delete()
        RoutingRule.objects.bulk_create(rules)
    return of_queue(project, queue)


def move(rule: RoutingRule, steps: int) -> None:
    """Up (-1) or down (1) among the rules of its queue."""
    with transaction.atomic():
        _lock(rule.project)
        rules = of_queue(rule.project, rule.queue)
        here = next((index for index, each in enumerate(rules) if each.pk == rule.pk), None)
        if here is None:
            return
        rules.insert(max(0, min(len(rules) - 1, here + steps)), rules.pop(here))
        for position, each in enumerate(rules):
            if each.position != position:
                RoutingRule.objects.filter(pk=each.pk).update(position=position)


def enable(rule: RoutingRule, enabled: bool) -> None:
    RoutingRule.objects.filter(pk=rule.pk).update(enabled=enabled)
    rule.enabled = enabled


def _lock(project: Project) -> None:
    """Reordering and renaming a project's rules takes turns."""
    Project.objects.select_for_update(no_key=True).only("pk").get(pk=project.pk)


def _within(label: str, value: Any, greatest: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise Refused(f"{label} must be a number.") from None
    if not 0 < number <= greatest:
        raise Refused(f"{label} must be greater than 0 and at most {greatest:g}.")
    return number
