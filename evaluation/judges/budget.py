"""May another paid call be made this month? What is spent and what is under way never exceed the budget."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from evaluation.judges import endpoints
from evaluation.judges.endpoints import Endpoint
from evaluation.judges.models import JudgeVersion, Kind, MonthlySpend, TryOut
from evaluation.judges.protocol import Unanswered

MOST_INPUT_TOKENS, MOST_OUTPUT_TOKENS = 50_000, 1000


def most(endpoint: Endpoint) -> float:
    """What one call may cost at most; kept aside until it has ended."""
    return (MOST_INPUT_TOKENS * endpoint.input_price + MOST_OUTPUT_TOKENS * endpoint.output_price) / 1e6


def reserve(endpoint: Endpoint, calls: int = 1) -> None:
    """Keep the price of calls aside. Raises Unanswered when the month's budget has no room for them all."""
    if not endpoint.is_paid:
        return
    month, price = _month(), most(endpoint) * calls
    MonthlySpend.objects.bulk_create([MonthlySpend(month=month)], ignore_conflicts=True)
    room = float(settings.JUDGE_MONTHLY_BUDGET) - price
    reserved = MonthlySpend.objects.filter(month=month, spent_usd__lte=room - F("reserved_usd")).update(
        reserved_usd=F("reserved_usd") + price
    )
    if not reserved:
        raise Unanswered("this month's budget for judges is used up", is_final=True)


def settle(version: JudgeVersion | TryOut, cost: float, calls: int = 1) -> None:
    """Calls have ended: what they cost together instead of what was kept aside."""
    if version.kind != Kind.LITELLM:
        return
    endpoint = endpoints.known().get(version.endpoint)
    if endpoint is None or not endpoint.is_paid:
        return
    with transaction.atomic():
        MonthlySpend.objects.filter(month=_month()).update(
            spent_usd=F("spent_usd") + cost,
            reserved_usd=Greatest(F("reserved_usd") - most(endpoint) * calls, 0.0),
        )


def spent() -> float:
    row = MonthlySpend.objects.filter(month=_month()).first()
    return row.spent_usd if row else 0.0


def _month() -> date:
    return timezone.now().date().replace(day=1)
