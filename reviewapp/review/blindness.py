"""What may a reviewer not see yet? The one answer that explorer, trace page and API ask.

A trace is hidden from someone while it stands open in a blind queue and they may still judge it: its
scores, verdicts, checks, feedback, reasons and priority would sway the judgment. So it is while it may yet
come into one: until it has settled, and until its route has been taken up.

A label can be taken back and given anew. So what a reviewer has labelled stays closed in lists and searches
until they open the trace itself: that is noted as the reveal, after which another answer counts no more. Who
opens a trace that nothing hides from them is exposed, too: a label given later is not blind.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from ingest.models import Scope, Trace
from ingest.routing.models import Route, Unsettled
from ingest.tokens import Caller
from reviewapp.models import Membership, Role, User
from reviewapp.review import exposures
from reviewapp.review.models import Assignment, ItemKind, ItemState, Purpose, Queue, ReviewItem, State


def hides(membership: Membership, traces: Iterable[Trace]) -> frozenset[int]:
    """The ids of those traces of which this member must see nothing but the trace itself.

    For a reviewer all that are open, or may come, and are not yet answered by this reviewer; for a lead,
    whose work is to see, what the lead holds in this moment.
    """
    asked = [trace.pk for trace in traces]
    return _of(hidden_items(membership), asked) | _coming(membership, asked)


def hides_in_lists(membership: Membership, traces: Iterable[Trace]) -> frozenset[int]:
    """The same for a page of many traces, where nobody opens one."""
    asked = [trace.pk for trace in traces]
    return _of(hidden_items(membership) | _unopened(membership), asked) | _coming(membership, asked)


def is_still_to_judge(membership: Membership, traces: Iterable[Trace | None]) -> bool:
    """Whether one of them waits for this member in another blind queue, or once more."""
    return bool(_of(hidden_items(membership), [trace.pk for trace in traces if trace is not None]))


def opens(membership: Membership, trace: Trace, *, is_told: bool = False) -> bool:
    """Whether this member may see now what was said of the trace; if so, that is noted.

    `is_told`: more is shown than what is stored of the trace, which may be nothing.
    """
    if hides(membership, [trace]):
        return False
    if is_told:
        exposures.note(membership.user, [trace.pk])
    else:
        exposures.note_if_told(membership.user_id, trace.pk)
    mine = _unrevealed(membership.user_id)
    mine.filter(Q(item__trace=trace) | Q(item__other_trace=trace)).update(revealed_at=Now())
    return True


def note_opened(item: ReviewItem, user: User) -> None:
    """The reader sees what was said of the item's traces: that is noted with each label of theirs on them, of
    whatever item, as any of them could be taken back and given anew."""
    traces = [pk for pk in (item.trace_id, item.other_trace_id) if pk]
    same = ReviewItem.objects.filter(Q(trace__in=traces) | Q(other_trace__in=traces))
    mine = Assignment.objects.filter(reviewer=user, state=State.SUBMITTED, revealed_at=None)
    mine.filter(item__in=list(same.values_list("pk", flat=True))).update(revealed_at=Now())
    exposures.note(user, traces)


def hidden_items(membership: Membership) -> QuerySet[ReviewItem]:
    """The items whose traces this member has still to judge."""
    mine = Assignment.objects.filter(item=OuterRef("pk"), reviewer=membership.user_id)
    blind = ReviewItem.objects.of_project(membership.project_id).filter(queue__blind=True)
    if _is_lead(membership):
        return blind.filter(Exists(mine.filter(state=State.LEASED)))
    # A repeat or a known item is for one reviewer alone.
    theirs = Q(purpose=Purpose.REVIEW) | Q(reserved_for__contains=[membership.user_id])
    waiting = blind.filter(theirs, state=ItemState.OPEN, queue__archived_at=None)
    return waiting.filter(~Exists(mine.filter(state=State.SUBMITTED)))


def _unopened(membership: Membership) -> QuerySet[ReviewItem]:
    """Items with a label of this reviewer given blind."""
    blind = ReviewItem.objects.of_project(membership.project_id).filter(queue__blind=True)
    if _is_lead(membership):
        return blind.none()
    return blind.filter(Exists(_unrevealed(membership.user_id).filter(item=OuterRef("pk"))))


def _unrevealed(user: int) -> QuerySet[Assignment]:
    given = Assignment.objects.filter(reviewer=user, state=State.SUBMITTED, revealed_at=None)
    return given.filter(item__queue__blind=True)


def _is_lead(membership: Membership) -> bool:
    return Role(membership.role).allows(Role.LEAD)


def coming(membership: Membership) -> Q:
    """The condition on traces that may yet come before this reviewer: no lead works blind on those."""
    if _is_lead(membership):
        return Q(pk__in=[])
    blind = Queue.objects.live().filter(project=membership.project_id, blind=True, kind=ItemKind.TRACE)
    known = ReviewItem.objects.filter(
        trace=OuterRef("trace"), queue__slug=OuterRef("queue"), queue__project=membership.project_id
    )
    routed = Route.objects.standing().filter(~Exists(known), changed=True, queue__in=blind.values("slug"))
    arriving = Unsettled.objects.filter(trace__project=membership.project_id).filter(Exists(blind))
    return Q(pk__in=arriving.values("trace")) | Q(
        pk__in=routed.filter(trace__project=membership.project_id).values("trace")
    )


def _coming(membership: Membership, traces: list[int]) -> frozenset[int]:
    if not traces or _is_lead(membership):
        return frozenset()
    return frozenset(Trace.objects.filter(coming(membership), pk__in=traces).values_list("pk", flat=True))


def hidden_traces(membership: Membership) -> Q:
    """The condition on traces that are hidden in lists: what a filter by scores must not find."""
    found = hidden_items(membership) | _unopened(membership)
    pairs = found.filter(other_trace__isnull=False)
    return Q(pk__in=found.values("trace")) | Q(pk__in=pairs.values("other_trace")) | coming(membership)


def held_by_token(caller: Caller) -> list[int]:
    """The traces that the token judges blind in this moment."""
    held = _held_by_token(caller).only("trace", "other_trace")
    return [pk for item in held for pk in (item.trace_id, item.other_trace_id) if pk]


def hidden_from_token(caller: Caller, traces: Iterable[Trace]) -> frozenset[int]:
    """Those of the traces that the token judges blind in this moment."""
    return _of(_held_by_token(caller), [trace.pk for trace in traces])


def _held_by_token(caller: Caller) -> QuerySet[ReviewItem]:
    """What it holds as its own reviewer, or anyone in whose name it can speak."""
    held = ReviewItem.objects.of_project(caller.project).filter(queue__blind=True)
    leased = Assignment.objects.filter(item=OuterRef("pk"), state=State.LEASED)
    if Scope.IMPERSONATE not in caller.token.scopes:
        leased = leased.filter(reviewer__service_reviewer__token=caller.token)
    return held.filter(Exists(leased))


def _of(items: QuerySet[ReviewItem], traces: list[int]) -> frozenset[int]:
    if not traces:
        return frozenset()
    chosen = items.filter(Q(trace__in=traces) | Q(other_trace__in=traces))
    found = {
        pk for item in chosen.only("trace", "other_trace") for pk in (item.trace_id, item.other_trace_id)
    }
    return frozenset(pk for pk in traces if pk in found)
