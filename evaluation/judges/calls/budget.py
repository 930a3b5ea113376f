"""May another paid call be made this month? What is spent and what is under way never exceed the budget."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from evaluation.judges.calls import endpoints
from evaluation.judges.calls.endpoints import Endpoint
from evaluation.judges.calls.protocol import Unanswered
from evaluation.judges.models import JudgeVersion, Kind, MonthlySpend, TryOut

MOST_INPUT_TOKENS, MOST_OUTPUT_TOKENS = 50_000, 4000
MAX_TOKENS, LIMIT = "max_tokens", 1_000_000
ROUNDING = 1e-6


def most(endpoint: Endpoint, parameters: Mapping[str, Any]) -> float:
    """What one call may cost at most; kept aside until it has ended."""
    answered = most_answered(parameters)
    return (MOST_INPUT_TOKENS * endpoint.input_price + answered * endpoint.output_price) / 1e6


def most_answered(parameters: Mapping[str, Any]) -> int:
    """The most tokens that an answer may have, as the endpoint is told in each call."""
    stated = parameters.get(MAX_TOKENS)
    if isinstance(stated, bool) or not isinstance(stated, int):
        return MOST_OUTPUT_TOKENS
    return min(max(stated, 1), LIMIT)


def reserve(endpoint: Endpoint, parameters: Mapping[str, Any], calls: int = 1) -> None:
    """Keep the price of calls aside. Raises Unanswered when the month's budget has no room for them all."""
    if not endpoint.is_paid:
        return
    month, price = _month(), most(endpoint, parameters) * calls
    MonthlySpend.objects.bulk_create([MonthlySpend(month=month)], ignore_conflicts=True)
    room = float(settings.JUDGE_MONTHLY_BUDGET) - price
    reserved = MonthlySpend.objects.filter(month=month, spent_usd__lte=room - F("reserved_usd")).update(
        reserved_usd=F("reserved_usd") + price
    )
    if not reserved:
        raise Unanswered("this month's budget for judges is used up", is_final=True)


def settle(version: JudgeVersion | TryOut, cost: float, calls: int = 1) -> None:
    """Calls have ended: what they cost together instead of what was kept aside, in the month it was kept in:
    a call that began before midnight may end in another month."""
    if version.kind != Kind.LITELLM:
        return
    try:
        endpoint = endpoints.known().get(version.endpoint)
    except endpoints.Misconfigured:
        return  # the list was broken meanwhile: what was kept aside stays kept
    if endpoint is None or not endpoint.is_paid:
        return
    kept = most(endpoint, version.parameters) * calls
    holding = MonthlySpend.objects.filter(reserved_usd__gte=kept * (1 - ROUNDING)).order_by("-month")
    month = holding.values_list("month", flat=True).first() or _month()
    MonthlySpend.objects.bulk_create([MonthlySpend(month=month)], ignore_conflicts=True)
    MonthlySpend.objects.filter(month=month).update(
        spent_usd=F("spent_usd") + cost, reserved_usd=Greatest(F("reserved_usd") - kept, 0.0)
    )


def spent() -> float:
    row = MonthlySpend.objects.filter(month=_month()).first()
    return row.spent_usd if row else 0.0


def _month() -> date:
    return timezone.now().date().replace(day=1)
