"""Once more through what one has skipped: which items are still to come in this turn?

A turn is named by when it began, in microseconds; each page of it hands the name on. What is skipped again
in it does not come a second time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.http import HttpRequest

from reviewapp import numerals
from reviewapp.review import rows
from reviewapp.review.leases import Lease
from reviewapp.review.models import Assignment

FIELD = "skipped"
DIGITS = 16
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def turn_of(request: HttpRequest) -> str:
    """The turn that the page or its form belongs to; empty in the usual order."""
    said = request.POST.get(FIELD) or request.GET.get(FIELD) or ""
    return said if len(said) == DIGITS and numerals.whole(said, DIGITS) is not None else ""


def asks_for_one(request: HttpRequest) -> bool:
    """Whether the address names none, as the link into one."""
    return bool(request.GET.get(FIELD)) and not turn_of(request)


def begin() -> str:
    """A turn that begins now, by the clock that also says when each item was skipped."""
    found = rows.one(NOW, [])
    assert found is not None
    return f"{found[0]:0{DIGITS}}"


NOW = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


def onward(address: str, turn: str) -> str:
    """The address, within the turn."""
    return f"{address}?{FIELD}={turn}" if turn else address


def is_to_come(lease: Lease, turn: str) -> bool:
    """Whether this item, skipped before, was skipped before the turn began."""
    if not turn:
        return False
    began = EPOCH + timedelta(microseconds=int(turn))
    return Assignment.objects.filter(pk=lease.assignment_id, skipped_at__lt=began).exists()
