"""Once more through what one has skipped: which items are still to come in this turn?

A turn is named by when it began, in milliseconds; each page of it hands the name on. What is skipped again
in it does not come a second time.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from django.http import HttpRequest

from reviewapp import numerals
from reviewapp.review.leases import Lease
from reviewapp.review.models import Assignment

FIELD = "skipped"
DIGITS = 13


def turn_of(request: HttpRequest) -> str:
    """The turn that the page or its form belongs to; empty in the usual order. What names none, as the link
    into one, begins it."""
    said = request.POST.get(FIELD) or request.GET.get(FIELD) or ""
    if not said:
        return ""
    is_one = len(said) == DIGITS and numerals.whole(said, DIGITS) is not None
    return said if is_one else str(time.time_ns() // 1_000_000)


def onward(request: HttpRequest, address: str) -> str:
    """The address, within the same turn."""
    turn = turn_of(request)
    return f"{address}?{FIELD}={turn}" if turn else address


def is_to_come(lease: Lease, turn: str) -> bool:
    """Whether this item, skipped before, was skipped before the turn began."""
    if not turn:
        return False
    began = datetime.fromtimestamp(int(turn) / 1000, UTC)
    return Assignment.objects.filter(pk=lease.assignment_id, skipped_at__lt=began).exists()
