"""Why does a trace wait for a person, and who may know? Its draw and the reasons of its routes.

A reviewer judges blind: neither the reason for which an item is asked nor the scores that led to it may be
known before the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.models import Trace
from ingest.routing import priority
from ingest.routing.models import Route
from reviewapp.models import Membership, Role


@dataclass(frozen=True, slots=True)
class Why:
    """`pi` is the audit rate that the trace was compared with; None until it has settled."""

    drawn: bool | None
    pi: float | None
    excluded: bool
    routes: list[Route]

    @property
    def terms(self) -> Mapping[str, Any]:
        """Of the route that ranks highest."""
        return max(self.routes, key=lambda route: route.priority).terms if self.routes else {}

    @property
    def is_learned(self) -> bool:
        return priority.is_learned(self.terms)

    @property
    def factors(self) -> list[tuple[str, Any]]:
        """The factors of the priority."""
        terms = self.terms
        names = {
            "p_fail": "P(fail)",
            "severity": "severity",
            "uncertainty": "uncertainty",
            "novelty": "novelty",
        }
        return [(label, terms[name]) for name, label in names.items() if name in terms]


def may_know(membership: Membership, trace: Trace) -> bool:
    """Whether this member may see reasons, draw and priority of this trace.

    Leads may, of traces which they do not judge in this moment themselves (`blindness` withholds those).
    """
    return Role(membership.role).allows(Role.LEAD)


def tell(membership: Membership, trace: Trace) -> Why | None:
    """None for whom it is not to know."""
    if not may_know(membership, trace):
        return None
    draw = getattr(trace, "draw", None)
    routes = list(Route.objects.standing().filter(trace=trace).order_by("-priority", "queue"))
    if draw is None:
        return Why(None, None, False, routes)
    return Why(draw.drawn, draw.audit, draw.excluded, routes)
