"""Slots of the review screens: judge and people, similar items, what one's labels led to."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from evaluation.ranking import alike
from evaluation.revealing import caused, judged, opening
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import proposals
from reviewapp.review.models import Queue, ReviewItem
from reviewapp.review.refusals import NotAllowed


@session(Role.REVIEWER)
@never_cache
@require_safe
def judge_reveal(request: MemberRequest, pk: int) -> HttpResponse:
    """Empty where nothing may be seen yet; the screen itself says why."""
    item = opening.item_or_404(request, pk)
    if not opening.opens(request, item):
        return HttpResponse()
    mine = opening.own(request.membership, item)
    said = judged.tell(item, mine.display_order if mine else "ab")
    return render(request, "revealing/judge.html", {"judges": said})


@session(Role.REVIEWER)
@never_cache
@require_safe
def judged_lately(request: MemberRequest, queue: str) -> HttpResponse:
    """What the judge said of the reader's last decisions, each for its place in the rail."""
    found = get_object_or_404(Queue, project=request.project, slug=queue)
    context = {"said": judged.lately(request.membership, found)}
    return render(request, "revealing/lately.html", context)


@session(Role.REVIEWER)
@never_cache
@require_safe
def labels_caused(request: MemberRequest, queue: str) -> HttpResponse:
    found = get_object_or_404(Queue, project=request.project, slug=queue)
    context = {"caused": caused.tell(request.project, request.user, found), "queue": found}
    return render(request, "revealing/caused.html", context)


@session(Role.REVIEWER)
@never_cache
@require_safe
def all_labels_caused(request: MemberRequest) -> HttpResponse:
    """The same of all queues, for the reviewer's own page."""
    context = {"caused": caused.tell(request.project, request.user), "says_nothing": True}
    return render(request, "revealing/caused.html", context)


@session(Role.REVIEWER)
@never_cache
@require_safe
def items_alike(request: MemberRequest, pk: int) -> HttpResponse:
    item = opening.item_or_404(request, pk)
    if not opening.is_open_to(request.membership, item):
        return HttpResponse()
    return alike_of(request, item)


@session(Role.REVIEWER)
@require_POST
def propose_alike(request: MemberRequest, pk: int) -> HttpResponse:
    """The reviewer's own verdict as drafts on what is alike and waits."""
    item = opening.item_or_404(request, pk)
    mine = opening.own(request.membership, item)
    if mine is None or mine.current is None or not opening.is_open_to(request.membership, item):
        raise Http404
    made, held, refusal = 0, 0, ""
    try:
        fresh = proposals.propose(mine.current, alike.waiting_mates(item, request.user))
        made, held = len(fresh), proposals.hold(mine.current, fresh)
    except NotAllowed as refused:
        refusal = str(refused)
    if request.htmx:
        return alike_of(request, item, proposed=made, held=held, refusal=refusal)
    words = f"Proposed on {made} item{'s' * (made != 1)} as your draft."
    messages.add_message(request, messages.ERROR if refusal else messages.SUCCESS, refusal or words)
    return redirect("item", request.project.slug, item.pk)


def alike_of(request: MemberRequest, item: ReviewItem, **more: object) -> HttpResponse:
    mine = opening.own(request.membership, item)
    context = {
        "group": alike.group_of(item),
        "item": item,
        "label": mine.current if mine else None,
        "waiting": len(alike.waiting_mates(item, request.user)) if mine else 0,
        **more,
    }
    return render(request, "revealing/alike.html", context)
