"""Slots of the review screens: the judge beside the people, and what one's labels caused."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from evaluation.revealing import caused, judged, opening
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import labels
from reviewapp.review.actors import Actor
from reviewapp.review.models import Queue


@session(Role.REVIEWER)
@never_cache
@require_safe
def judge_reveal(request: MemberRequest, pk: int) -> HttpResponse:
    """Empty where nothing may be seen yet: that other queues wait for the same person is nobody's to tell."""
    item = opening.item_or_404(request, pk)
    if not opening.is_open_to(request.membership, item):
        return HttpResponse()
    mine = opening.own(request.membership, item)
    if mine:
        labels.reveal(item, Actor(request.user))
    said = judged.tell(item, mine.display_order if mine else "ab")
    return render(request, "revealing/judge.html", {"judges": said})


@session(Role.REVIEWER)
@never_cache
@require_safe
def labels_caused(request: MemberRequest, queue: str) -> HttpResponse:
    found = get_object_or_404(Queue, project=request.project, slug=queue)
    return render(request, "revealing/caused.html", {"caused": caused.tell(found, request.user)})
