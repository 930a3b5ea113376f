"""What does the address of a trace list ask for?

The filters of `ingest.filters` and time ranges relative to now, kept so that a link can change one thing and
keep the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now
from django.http import QueryDict

from ingest import filters, withholding
from ingest.filters import Refused

RANGES = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 h", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
# Parameters of a page which are no filter of the closed table.
OWN = frozenset(
    {"range", "older", "newer", "text", "field", "spans", "span", "column", "default", "csrfmiddlewaretoken"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: the condition on traces, or what is wrong with it."""

    params: QueryDict
    condition: Q
    errors: Mapping[str, str] = field(default_factory=dict)

    def query(self, **changes: str) -> str:
        """The filters as a query string, with some replaced (an empty value removes)."""
        params = self.params.copy()
        for name, value in changes.items():
            if value:
                params[name] = value
            else:
                params.pop(name, None)
        return params.urlencode()

    def leading(self) -> str:
        """The filters as the beginning of a query string that goes on."""
        query = self.query()
        return f"{query}&" if query else ""

    def without(self, name: str, value: str) -> str:
        params = self.params.copy()
        params.setlist(name, [other for other in params.getlist(name) if other != value])
        return params.urlencode()

    def adding(self, name: str, value: str) -> str:
        params = self.params.copy()
        if value not in params.getlist(name):
            params.appendlist(name, value)
        return params.urlencode()


def unseen(asked: Asked, hidden: Q) -> Asked:
    """Without the traces that the reader judges blind, where the filters speak of scores and the like."""
    if withholding.asks_for_signals(asked.params):
        return replace(asked, condition=asked.condition & ~hidden)
    return asked


def ask(given: QueryDict) -> Asked:
    params = QueryDict(mutable=True)
    for name, values in given.lists():
        if name not in OWN or name == "range":
            params.setlist(name, [value for value in dict.fromkeys(map(str.strip, values)) if value])
    for name in [name for name in params if not params.getlist(name)]:
        del params[name]
    errors = {}
    condition = Q()
    try:
        condition = filters.select(params, besides=OWN) & _range(params.get("range", ""))
        _check_order(params)
    except Refused as refused:
        errors = {str(error["field"]): str(error["error"]) for error in refused.errors}
    return Asked(params, condition, errors)


def _check_order(params: QueryDict) -> None:
    """Nothing lies between a time and an earlier one: a slip, which an empty list would not tell."""
    if "from" in params and "to" in params and _moment_of("from", params) >= _moment_of("to", params):
        raise Refused([{"field": "from", "error": "is after To"}])


def _moment_of(name: str, params: QueryDict) -> datetime:
    """The instant that a time bound means, as the filter reads it."""
    bound: Any = filters.FILTERS[name].condition(str(params[name])).children[0]
    moment: datetime = bound[1]
    return moment


def _range(name: str) -> Q:
    if not name:
        return Q()
    if name not in RANGES:
        raise Refused([{"field": "range", "error": f"must be one of {', '.join(RANGES)}"}])
    return Q(started_at__gte=Now() - RANGES[name][1])
