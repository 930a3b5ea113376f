"""Writes routing rules: those of a new project, and what a lead edits. Each is checked on its way in."""

from __future__ import annotations

from ingest.models import Project
from ingest.routing.models import Match, RoutingRule

# Name, match, conditions, severity.
DEFAULTS = (
    ("Low score", Match.ANY, [{"condition": "score_below", "name": "", "threshold": 0.5}], 1.0),
    ("Low confidence", Match.ANY, [{"condition": "confidence_below", "name": "", "threshold": 0.5}], 0.5),
    ("Thumbs down", Match.ANY, [{"condition": "thumbs_down"}], 1.5),
    ("Failed check", Match.ANY, [{"condition": "check_failed", "name": ""}], 1.0),
    ("Audit", Match.ANY, [{"condition": "audit"}], 1.0),
)


def create_default_rules(project: Project, queue: str = "review") -> list[RoutingRule]:
    """The rules a new project starts with; what is there under the same name stays as it is."""
    RoutingRule.objects.bulk_create(
        [
            RoutingRule(
                project=project,
                queue=queue,
                name=name,
                match=match,
                conditions=conditions,
                severity=severity,
                position=position,
            )
            for position, (name, match, conditions, severity) in enumerate(DEFAULTS)
        ],
        ignore_conflicts=True,
    )
    return list(RoutingRule.objects.filter(project=project, queue=queue).order_by("position", "id"))
