"""What may a reviewer not see yet? The one answer that explorer, trace page and API ask.

A trace is hidden from someone while it stands open in a blind queue and they may still judge it: its
scores, verdicts, checks, feedback, reasons and priority would sway the judgment.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from ingest.models import Scope, Trace
from ingest.tokens import Caller
from reviewapp.models import Membership, Role
from reviewapp.review.models import Assignment, ItemState, ReviewItem, State


def hides(membership: Membership, traces: Iterable[Trace]) -> frozenset[int]:
    """The ids of those traces of which this member must see nothing but the trace itself.

    For a reviewer all that are open and not yet answered by this reviewer; for a lead, whose work is to
    see, what the lead holds in this moment.
    """
    return _of(hidden_items(membership), [trace.pk for trace in traces])


def hidden_items(membership: Membership) -> QuerySet[ReviewItem]:
    """The items whose traces are hidden from this member."""
    mine = Assignment.objects.filter(item=OuterRef("pk"), reviewer=membership.user_id)
    blind = ReviewItem.objects.of_project(membership.project_id).filter(queue__blind=True)
    if Role(membership.role).allows(Role.LEAD):
        return blind.filter(Exists(mine.filter(state=State.LEASED)))
    waiting = blind.filter(state=ItemState.OPEN, queue__archived_at=None)
    return waiting.filter(~Exists(mine.filter(state=State.SUBMITTED)))


def hidden_traces(membership: Membership) -> Q:
    """The condition on traces that are hidden from this member: what a filter by scores must not find."""
    found = hidden_items(membership)
    return Q(pk__in=found.values("trace")) | Q(
        pk__in=found.filter(other_trace__isnull=False).values("other_trace")
    )


def hidden_from_token(caller: Caller, traces: Iterable[Trace]) -> frozenset[int]:
    """The same for a token: what it holds as its own reviewer, or anyone in whose name it can speak."""
    held = ReviewItem.objects.of_project(caller.project).filter(queue__blind=True)
    leased = Assignment.objects.filter(item=OuterRef("pk"), state=State.LEASED)
    if Scope.IMPERSONATE not in caller.token.scopes:
        leased = leased.filter(reviewer__service_reviewer__token=caller.token)
    return _of(held.filter(Exists(leased)), [trace.pk for trace in traces])


def _of(items: QuerySet[ReviewItem], traces: list[int]) -> frozenset[int]:
    if not traces:
        return frozenset()
    chosen = items.filter(Q(trace__in=traces) | Q(other_trace__in=traces))
    found = {
        pk for item in chosen.only("trace", "other_trace") for pk in (item.trace_id, item.other_trace_id)
    }
    return frozenset(pk for pk in traces if pk in found)
