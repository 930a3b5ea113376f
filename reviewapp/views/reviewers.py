"""Who reviews: pace and agreement. A reviewer sees the own figures and the medians, a lead everyone's."""

from __future__ import annotations

from statistics import median

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from reviewapp import numerals
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import reviewers as reading
from reviewapp.review.models import Label
from reviewapp.review.reviewers import Pace
from reviewapp.screen import person

LEAST_TOLD = 3
SPANS = {"7": "7 days", "30": "30 days", "90": "90 days"}


@session(Role.REVIEWER)
@never_cache
@require_safe
def reviewers(request: MemberRequest) -> HttpResponse:
    days = request.GET.get("days", "30")
    days = days if days in SPANS else "30"
    is_lead = Role(request.membership.role).allows(Role.LEAD)
    paces = reading.paces(request.project, int(days), told=not is_lead)
    context = {
        "spans": SPANS,
        "days": days,
        "is_lead": is_lead,
        "paces": [pace for pace in paces if is_lead or pace.user_id == request.user.pk],
        "medians": medians(paces),
        "has_labels": has_labels(request),
    }
    return render(request, "reviewers/reviewers.html", context)


@session(Role.REVIEWER)
@never_cache
@require_safe
def reviewer(request: MemberRequest, pk: int) -> HttpResponse:
    found = person.find(request.membership, pk)
    if found is None:
        raise Http404
    before = numerals.whole(request.GET.get("before", ""), 18)
    is_lead = Role(request.membership.role).allows(Role.LEAD)
    context = {"told": person.tell(request.membership, found, before), "is_lead": is_lead}
    return render(request, "reviewers/reviewer.html", context)


def medians(paces: list[Pace]) -> dict[str, float | None]:
    """Over the reviewers with any; none with fewer than three, where a median tells on someone."""
    labels = [pace.labels for pace in paces if pace.labels]
    seconds = [pace.median_seconds for pace in paces if pace.median_seconds is not None]
    return {
        "labels": median(labels) if len(labels) >= LEAST_TOLD else None,
        "seconds": median(seconds) if len(seconds) >= LEAST_TOLD else None,
    }


def has_labels(request: MemberRequest) -> bool:
    return Label.objects.of_project(request.project).standing().filter(reviewer=request.user).exists()
