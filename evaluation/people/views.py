"""How far people agree: beside the reviewers, beside each queue, and on a page of its own. For leads."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from evaluation.people import agreement, by_queue
from evaluation.people.agreement import Week
from evaluation.statistics.people import Concord
from evaluation.weeks import datum
from reviewapp import numerals
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.screen import queue_list
from reviewapp.trends import Trend, trend

# What can be asked for, with its words; the first of each is taken otherwise.
OFFERED = {
    "measure": {"agreement": "agreement", "alpha": "α", "kappa": "κ", "ac1": "AC1"},
    "sample": {"audit": "audit items", "all": "all items"},
    "days": {"90": "90 days", "30": "30 days", "365": "a year"},
}


class Choice(NamedTuple):
    label: str
    query: str
    is_current: bool


@session(Role.LEAD)
@never_cache
@require_safe
def human_agreement(request: MemberRequest) -> HttpResponse:
    asked = {name: _asked(request, name) for name in OFFERED}
    told = agreement.tell(request.project, int(asked["days"]), asked["sample"])
    context = {
        "told": told,
        "lines": [(each, figures_of(each.concord)) for each in told.criteria],
        "chart": chart(told.weeks, asked["measure"]),
        "weeks": [(each, traces_of(each), figures_of(each.verdict)) for each in told.weeks],
        "choices": {name: _choices(asked, name) for name in OFFERED},
        "measure": OFFERED["measure"][asked["measure"]],
    }
    name = "people/_agreement.html" if request.htmx else "people/agreement.html"
    return render(request, name, context)


@session(Role.LEAD)
@never_cache
@require_safe
def queue_agreement(request: MemberRequest) -> HttpResponse:
    """Kappa of the queues that the list shows, each for its place in it."""
    asked = [numerals.whole(each, 18) for each in request.GET.getlist("queue")]
    told = by_queue.tell(request.project, queue_list.DAYS, [pk for pk in asked if pk is not None])
    figures = [(pk, figure.as_dict()) for pk, figure in told.items()]
    return render(request, "people/_queues.html", {"figures": figures, "days": queue_list.DAYS})


def figures_of(found: Concord) -> list[dict[str, float | int | str | None]]:
    """In the order of the tables' columns."""
    return [figure.as_dict() for figure in (found.agreement, found.kappa, found.ac1, found.alpha)]


def traces_of(week: Week) -> str:
    return urlencode({"from": week.start.isoformat(), "to": week.end.isoformat()})


def chart(weeks: tuple[Week, ...], measure: str) -> Trend:
    line = [datum(each.start, each.end, getattr(each.verdict, measure).as_dict()) for each in weeks]
    return trend([line], least=-1.0)


def _asked(request: MemberRequest, name: str) -> str:
    said = request.GET.get(name, "")
    return said if said in OFFERED[name] else next(iter(OFFERED[name]))


def _choices(asked: dict[str, str], name: str) -> list[Choice]:
    return [
        Choice(label, urlencode({**asked, name: key}), key == asked[name])
        for key, label in OFFERED[name].items()
    ]
