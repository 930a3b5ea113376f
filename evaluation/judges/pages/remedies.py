"""The next steps that the calibration page offers; for leads."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from evaluation.judges.models import JudgeVersion
from evaluation.judges.pages.versions import back_to, version_of
from evaluation.judges.stability import anchors
from evaluation.judges.trust import remedies
from ingest.models import Trace
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role

VERDICTS = ("pass", "fail")


@session(Role.LEAD)
@require_POST
def label_more(request: MemberRequest, pk: int) -> HttpResponse:
    """A small queue of drawn traces, as many as the label budget asks for."""
    version = version_of(request, pk)
    number = request.POST.get("labels", "")
    wanted = int(number) if number.isascii() and number.isdecimal() and len(number) < 7 else 0
    try:
        made = remedies.label_more(version, wanted, request.user.username)
    except remedies.Refused as refused:
        messages.error(request, str(refused))
        return back_to(request, version, "budget")
    messages.success(request, made.words)
    return redirect("queues", request.project.slug)


@session(Role.LEAD)
@require_POST
def add_anchor(request: MemberRequest, pk: int) -> HttpResponse:
    version = version_of(request, pk)
    trace, verdict = _judged(request, version), request.POST.get("verdict", "")
    if verdict not in VERDICTS:
        raise Http404
    try:
        made = anchors.add(version, trace, verdict, request.user.username)
    except anchors.NoneFrozen as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{trace.trace_id} is an anchor that should {verdict}, in {made.name}.")
    return back_to(request, version, "disagreements")


@session(Role.LEAD)
@require_POST
def second_reviewer(request: MemberRequest, pk: int) -> HttpResponse:
    version = version_of(request, pk)
    try:
        item = remedies.ask_again(version, _judged(request, version), request.user.username)
    except remedies.Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"Another round for it waits in {item.queue.name}.")
    return back_to(request, version, "disagreements")


def _judged(request: MemberRequest, version: JudgeVersion) -> Trace:
    """A trace of the project that this version has judged."""
    pk = request.POST.get("trace", "")
    known = Trace.objects.filter(project=request.project, judgments__version=version).defer("search")
    found = known.filter(pk=int(pk)).first() if pk.isascii() and pk.isdecimal() and len(pk) < 19 else None
    if found is None:
        raise Http404
    return found
