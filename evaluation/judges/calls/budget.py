"""May another paid call be made this month? What is spent and what is under way never exceed the budget.

What a call may cost at most is kept aside before it is made, in a row of its own. Once the call has ended the
row makes way for what it cost. Where nobody knows whether the provider charges it (no answer came in time, no
tokens were told, the worker died), the most that it may have cost counts as spent, and is called estimated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from evaluation.judges.calls.endpoints import LONGEST_CALL, Endpoint
from evaluation.judges.calls.protocol import Unanswered
from evaluation.judges.models import MonthlySpend, Reservation

MOST_OUTPUT_TOKENS = 4000
MAX_TOKENS, LIMIT = "max_tokens", 1_000_000
# By then the caller has written the result, or never will.
DEAD_AFTER = timedelta(seconds=LONGEST_CALL + 60)


def most(endpoint: Endpoint, parameters: Mapping[str, Any], sent: int) -> float:
    """The most that one call with at most this many input tokens can cost."""
    return (sent * endpoint.input_price + most_answered(parameters) * endpoint.output_price) / 1e6


def most_answered(parameters: Mapping[str, Any]) -> int:
    """The most tokens that an answer may have, as the endpoint is told in each call."""
    stated = parameters.get(MAX_TOKENS)
    if isinstance(stated, bool) or not isinstance(stated, int):
        return MOST_OUTPUT_TOKENS
    return min(max(stated, 1), LIMIT)


def reserve(prices: Sequence[float]) -> list[int]:
    """Keep the prices of calls aside, all of them or none; the ids by which they are ended.

    Raises Unanswered when the month's budget has no room for them.
    """
    if not prices:
        return []
    month = _month()
    MonthlySpend.objects.bulk_create([MonthlySpend(month=month)], ignore_conflicts=True)
    end_dead()
    with transaction.atomic():
        # Whoever ends a call waits for this row too, so the sum holds until ours are written.
        row = MonthlySpend.objects.select_for_update().get(month=month)
        under_way = Reservation.objects.filter(month=month).aggregate(usd=Sum("usd"))["usd"] or 0.0
        if row.spent_usd + under_way + sum(prices) > float(settings.JUDGE_MONTHLY_BUDGET):
            raise Unanswered("this month's budget for judges is used up", is_final=True)
        until = timezone.now() + DEAD_AFTER
        kept = [Reservation(month=month, usd=price, until=until) for price in prices]
        return [each.pk for each in Reservation.objects.bulk_create(kept)]


# In the month in which it was kept: a call that began before midnight may end in another one.
_END = """
    WITH ended AS (
        DELETE FROM evaluation_reservation r {which}
    ), summed AS (
        SELECT month, sum(coalesce(cost, usd)) AS cost, sum(usd) FILTER (WHERE cost IS NULL) AS estimated
        FROM ended GROUP BY month
    )
    UPDATE evaluation_monthlyspend m SET spent_usd = m.spent_usd + s.cost,
        estimated_usd = m.estimated_usd + coalesce(s.estimated, 0)
    FROM summed s WHERE m.month = s.month
"""
_GIVEN = (
    "USING unnest(%s::bigint[], %s::float8[]) AS given (id, cost) WHERE r.id = given.id "
    "RETURNING r.month, r.usd, given.cost"
)
_DEAD = "WHERE r.until < statement_timestamp() RETURNING r.month, r.usd, NULL::float8 AS cost"


def end(calls: Mapping[int, float | None]) -> None:
    """Calls have ended: what they cost instead of what was kept aside; None: nobody knows.

    One that was taken for dead meanwhile counts with its estimate already.
    """
    if calls:
        with connection.cursor() as cursor:
            cursor.execute(_END.format(which=_GIVEN), [list(calls), list(calls.values())])


def end_dead() -> None:
    """Calls of workers that died: the provider may have charged them, and nobody will say more of them."""
    if Reservation.objects.filter(until__lt=timezone.now()).exists():
        with connection.cursor() as cursor:
            cursor.execute(_END.format(which=_DEAD))


def month() -> MonthlySpend:
    """What this month has cost; not a row yet where it has cost nothing."""
    return MonthlySpend.objects.filter(month=_month()).first() or MonthlySpend(month=_month())


def spent() -> float:
    return month().spent_usd


def _month() -> date:
    return timezone.now().date().replace(day=1)
