"""What has one reviewer done here: pace and agreement by span of time, and the labels, the newest first?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Left

from ingest.models import Project, Trace
from reviewapp import rendering
from reviewapp.models import Membership, Role, User
from reviewapp.review import blindness, reviewers
from reviewapp.review.models import Assignment, ItemState, ReviewItem, ServiceReviewer, State
from reviewapp.review.reviewers import Pace
from reviewapp.screen import outcomes, revealing
from reviewapp.screen.sittings import TONES

SPANS = {7: "7 days", 30: "30 days", 90: "90 days"}
LABELS_A_PAGE = 50
EXCERPT = 160
# Of a trace: texts that may be long.
UNREAD = ("input", "output", "search")


@dataclass(frozen=True, slots=True)
class Given:
    """A label as this reader may see it. Empty `said`: the reader is judging the item; empty `outcome`: that
    is not the reader's to know yet."""

    item: ReviewItem
    question: str
    said: str
    outcome: str
    by: str
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Story:
    """`following` is the assignment behind which the next page begins. `role` is empty for who has left."""

    user: User
    role: str
    is_own: bool
    spans: list[tuple[str, Pace | None]]
    given: list[Given]
    following: int | None


def find(membership: Membership, pk: int) -> User | None:
    """A reviewer whose page this member may open: leads anyone's of the project, others their own."""
    is_lead = Role(membership.role).allows(Role.LEAD)
    if pk != membership.user_id and not is_lead:
        return None
    has_worked = Assignment.objects.of_project(membership.project_id).filter(reviewer=pk)
    is_member = Membership.objects.filter(project=membership.project_id, user=pk)
    known = is_member.exists() or has_worked.exists()
    return User.objects.filter(pk=pk).first() if known else None


def tell(membership: Membership, user: User, before: int | None = None) -> Story:
    done = list(_done(membership.project, user, before)[: LABELS_A_PAGE + 1])
    shown = done[:LABELS_A_PAGE]
    return Story(
        user=user,
        role=_role(membership.project, user),
        is_own=user.pk == membership.user_id,
        spans=_spans(membership, user),
        given=_given(membership, shown),
        following=shown[-1].pk if len(done) > LABELS_A_PAGE else None,
    )


def _role(project: Project, user: User) -> str:
    if ServiceReviewer.objects.filter(user=user).exists():
        return "token"
    found = Membership.objects.filter(project=project, user=user).first()
    return found.role if found else ""


def _spans(membership: Membership, user: User) -> list[tuple[str, Pace | None]]:
    told = not Role(membership.role).allows(Role.LEAD)
    found = reviewers.paces_by_span(membership.project, list(SPANS), user, told=told)
    return [(words, next(iter(found[days]), None)) for days, words in SPANS.items()]


def _done(project: Project, user: User, before: int | None) -> QuerySet[Assignment]:
    own = Assignment.objects.of_project(project).filter(reviewer=user, state=State.SUBMITTED)
    if start := own.filter(pk=before).values_list("submitted_at", flat=True).first() if before else None:
        own = own.filter(Q(submitted_at__lt=start) | Q(submitted_at=start, pk__lt=before))
    related = (
        "current", "counted", "item__queue", "item__trace", "item__other_trace", "item__original",
        "item__resolution__by",
    )  # fmt: skip
    unread = [f"item__{side}__{name}" for side in ("trace", "other_trace") for name in UNREAD]
    told = own.annotate(question=Left("item__trace__input", EXCERPT))
    return told.select_related(*related).defer(*unread).order_by("-submitted_at", "-pk")


def _given(membership: Membership, done: Sequence[Assignment]) -> list[Given]:
    both = [trace for each in done for trace in (each.item.trace, each.item.other_trace)]
    traces: list[Trace] = [trace for trace in both if trace is not None]
    hidden = blindness.hides_in_lists(membership, traces)
    return [_told(membership, each, hidden) for each in done]


def _told(membership: Membership, each: Any, hidden: frozenset[int]) -> Given:
    """What others made of an item is told no sooner than on its own page."""
    item, label = each.item, each.current
    assert label is not None
    is_own = each.reviewer_id == membership.user_id
    is_hidden = item.trace_id in hidden or item.other_trace_id in hidden
    is_lead = Role(membership.role).allows(Role.LEAD)
    is_told = not is_hidden and (is_lead or not item.queue.blind or each.revealed_at is not None)
    order = each.display_order if is_own else "ab"
    said = _words(label.verdict or label.preference, order)
    outcome, by = ("", "")
    if is_told:
        outcome, by = _outcome(item, order) if is_lead else _outcome_for_reviewer(each, order)
    return Given(
        item=item,
        question=rendering.unmarked(each.question or "") or item.trace.trace_id,
        said=said if is_own or not is_hidden else "",
        outcome=outcome,
        by=by,
        assignment=each,
    )


def _words(value: str, order: str) -> str:
    return TONES[revealing.seen(value, order)][1]


def _outcome(item: ReviewItem, order: str) -> tuple[str, str]:
    """What it came to, and by whom."""
    if item.resolution and (value := item.resolution.verdict or item.resolution.preference):
        return _words(value, order), item.resolution.get_method_display()
    waits = {ItemState.ADJUDICATION: "a lead decides", ItemState.OPEN: "others are to answer"}
    return waits.get(ItemState(item.state), outcomes.KEPT), ""


def _outcome_for_reviewer(each: Assignment, order: str) -> tuple[str, str]:
    own = outcomes.in_short(each)
    return (own, "") if own else _outcome(each.item, order)
