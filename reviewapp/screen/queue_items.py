"""Which items stand in a queue, in which state, with whom, and why? A page at a time, for leads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.db.models.functions import Left, Now
from django.utils import timezone

from ingest import readings
from ingest.models import Trace
from reviewapp import numerals, rendering
from reviewapp.models import Membership, User
from reviewapp.review import blindness, pairs
from reviewapp.review.models import Assignment, ItemKind, ItemState, Purpose, Queue, ReviewItem, State
from reviewapp.review.pairs import WinRate
from reviewapp.review.resolutions import REASONS
from reviewapp.screen import queue_list, revealing, sittings

ITEMS_A_PAGE = 50
# How far a tab counts: nobody reads on to the end of more.
MOST = 1000
EXCERPT = 160
SHOWS = {
    "open": "Open",
    "held": "Held",
    "decide": "To decide",
    "resolved": "Resolved",
    "removed": "Removed",
}
STATES = {
    "open": ItemState.OPEN,
    "held": ItemState.OPEN,
    "decide": ItemState.ADJUDICATION,
    "resolved": ItemState.RESOLVED,
    "removed": ItemState.REMOVED,
}
# What is over is read from its end.
NEWEST_FIRST = ("resolved", "removed")


@dataclass(frozen=True, slots=True)
class Row:
    """Of an item that the reader judges in this moment only that: `is_blind`."""

    item: ReviewItem
    question: str
    labels: int
    holders: tuple[User, ...]
    reasons: tuple[str, ...]
    terms: str
    is_blind: bool

    @property
    def why_undecided(self) -> str:
        return REASONS.get(self.item.adjudication_reason, "")

    @property
    def is_overdue(self) -> bool:
        due = self.item.due_at
        return due is not None and due < timezone.now() and self.item.state == ItemState.OPEN


class Tab(queue_list.Tab):
    """Counted as far as somebody would read."""

    @property
    def is_more(self) -> bool:
        return self.count > MOST

    @property
    def shown(self) -> int:
        return min(self.count, MOST)


@dataclass(frozen=True, slots=True)
class ItemList:
    """`following` and `preceding` are the items from which the pages beside this one go on. `is_served`: in
    the order in which the risk lane gives them out, one page of them."""

    queue: Queue
    show: str
    searched: str
    rows: list[Row]
    tabs: list[Tab]
    following: int | None = None
    preceding: int | None = None
    win_rates: Sequence[WinRate] = ()
    is_served: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether the one page as given out may not be all of it."""
        return self.is_served and len(self.rows) == ITEMS_A_PAGE


def tell(
    membership: Membership,
    queue: Queue,
    show: str,
    searched: str,
    after: str = "",
    before: str = "",
    *,
    served: bool = False,
) -> ItemList:
    show = show if show in SHOWS else "open"
    held = _held(queue)
    tabs = [
        Tab(name, label, _count(queue, name, held), name == show and not searched)
        for name, label in SHOWS.items()
    ]
    if searched:
        return ItemList(queue, show, searched, _rows(membership, _found(queue, searched)), tabs)
    is_served = served and show == "open"
    items, preceding, following = (
        (_served(queue), None, None) if is_served else _page(queue, show, held, after, before)
    )
    won = pairs.win_rates(queue) if queue.kind == ItemKind.PAIR else ()
    rows = _rows(membership, items)
    return ItemList(queue, show, "", rows, tabs, following, preceding, won, is_served)


def _held(queue: Queue) -> list[int]:
    return list(Assignment.objects.held().filter(item__queue=queue).values_list("item", flat=True).distinct())


def _in(queue: Queue, show: str, held: Sequence[int]) -> QuerySet[ReviewItem]:
    found = ReviewItem.objects.filter(queue=queue, state=STATES[show], purpose=Purpose.REVIEW)
    return found.filter(pk__in=held) if show == "held" else found


def _count(queue: Queue, show: str, held: Sequence[int]) -> int:
    return _in(queue, show, held)[: MOST + 1].count()


def _found(queue: Queue, searched: str) -> list[ReviewItem]:
    """In whatever state and round, alone or in a pair."""
    traces = list(
        Trace.objects.filter(project=queue.project_id, trace_id=searched).values_list("pk", flat=True)
    )
    found = ReviewItem.objects.filter(queue=queue, purpose=Purpose.REVIEW)
    found = found.filter(Q(trace__in=traces) | Q(other_trace__in=traces))
    return list(_shown(found).order_by("-enqueued_at", "-pk")[:ITEMS_A_PAGE]) if traces else []


def _served(queue: Queue) -> list[ReviewItem]:
    """What the risk lane gives out first, but for copies, which are for one reviewer each."""
    waiting = _in(queue, "open", ()).filter(open_slots__gt=0, rank__isnull=False)
    return list(_shown(waiting).order_by("-rank", "pk")[:ITEMS_A_PAGE])


def _page(
    queue: Queue, show: str, held: Sequence[int], after: str, before: str
) -> tuple[list[ReviewItem], int | None, int | None]:
    """The items behind one (or those before it), and from where the pages before and behind go on."""
    matching = _shown(_in(queue, show, held))
    forward = show not in NEWEST_FIRST
    if start := _place(queue, before):
        found = list(_behind(matching, start, not forward)[: ITEMS_A_PAGE + 1])
        items, more = found[:ITEMS_A_PAGE][::-1], len(found) > ITEMS_A_PAGE
        if items:
            return items, items[0].pk if more else None, items[-1].pk
    start = _place(queue, after)
    found = list(_behind(matching, start, forward)[: ITEMS_A_PAGE + 1])
    items, more = found[:ITEMS_A_PAGE], len(found) > ITEMS_A_PAGE
    return items, items[0].pk if start and items else None, items[-1].pk if more else None


def _place(queue: Queue, pk: str) -> tuple[datetime, int] | None:
    """Where an item stands; one that has since changed its state still says from where to go on."""
    known = numerals.whole(pk, 18)
    found = (
        ReviewItem.objects.filter(queue=queue, pk=known) if known is not None else ReviewItem.objects.none()
    )
    return found.values_list("enqueued_at", "pk").first()


def _behind(
    items: QuerySet[ReviewItem], start: tuple[datetime, int] | None, forward: bool
) -> QuerySet[ReviewItem]:
    order = ("enqueued_at", "pk") if forward else ("-enqueued_at", "-pk")
    if start is None:
        return items.order_by(*order)
    at, pk = start
    # The first half alone is a range of the index; the second takes out the ties already shown.
    if forward:
        behind = Q(enqueued_at__gte=at) & (Q(enqueued_at__gt=at) | Q(pk__gt=pk))
    else:
        behind = Q(enqueued_at__lte=at) & (Q(enqueued_at__lt=at) | Q(pk__lt=pk))
    return items.filter(behind).order_by(*order)


def _shown(items: QuerySet[ReviewItem]) -> QuerySet[ReviewItem]:
    """With their traces, but for the long texts."""
    long = [f"{side}__{name}" for side in ("trace", "other_trace") for name in ("input", "output", "search")]
    joined = items.select_related("trace", "other_trace", "resolution").defer(*long)
    return joined.annotate(question=Left("trace__input", EXCERPT))


def _rows(membership: Membership, items: Sequence[ReviewItem]) -> list[Row]:
    """A fixed number of queries for any number of items."""
    traces = [each for item in items for each in (item.trace, item.other_trace) if each is not None]
    readings.refresh(traces)
    hidden = blindness.hides(membership, traces)
    labels, holders = _work(items)
    return [
        Row(
            item,
            _question(item),
            labels[item.pk],
            tuple(holders[item.pk]),
            tuple(sittings.reasons(item.reasons)),
            revealing.terms(item.terms, item.priority),
            item.trace_id in hidden or item.other_trace_id in hidden,
        )
        for item in items
    ]


def _question(item: ReviewItem) -> str:
    """From the column itself where a refresh has just written it."""
    text = item.trace.__dict__.get("input") or getattr(item, "question", "")
    return rendering.unmarked(str(text)[:EXCERPT]) or item.trace.name or item.trace.trace_id


def _work(items: Sequence[ReviewItem]) -> tuple[dict[int, int], dict[int, list[User]]]:
    """How many labels each item has, and who holds it now."""
    labels: dict[int, int] = defaultdict(int)
    holders: dict[int, list[User]] = defaultdict(list)
    running = Q(state=State.LEASED, lease_until__gt=Now())
    found = Assignment.objects.filter(Q(state=State.SUBMITTED) | running, item__in=items)
    for each in found.select_related("reviewer").order_by("claimed_at", "pk"):
        if each.state == State.SUBMITTED:
            labels[each.item_id] += 1
        else:
            holders[each.item_id].append(each.reviewer)
    return labels, holders
