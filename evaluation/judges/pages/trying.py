"""Trying a version before it exists: what it would be told, what that costs, and its verdict on a trace."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from evaluation.judges.calls import questions
from evaluation.judges.calls.protocol import PairQuestion, Question
from evaluation.judges.making import drafts, estimates, trying
from evaluation.judges.models import FINAL, PREFERENCE, TryOut
from evaluation.judges.pages.forms import TryForm
from evaluation.judges.pages.versions import editor
from ingest.models import Trace
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review import blindness, snapshots

JUDGING = "You are judging this trace yourself just now: hand it in or release it first."


@session(Role.LEAD)
@require_POST
def try_version(request: MemberRequest) -> HttpResponse:
    """The estimate, and with `do=try` a try-out as well."""
    form = TryForm(request.project, request.POST)
    draft, trace = _draft(form), _trace(request)
    if draft is None or trace is None:
        if not form.errors:
            form.add_error("trace", "There is no such trace in this project.")
        return _shown(request, form, {}, status=422)
    if request.POST.get("do") == "try" and blindness.hides(request.membership, [trace]):
        form.add_error("trace", JUDGING)
        return _shown(request, form, {}, status=422)
    context: dict[str, Any] = {
        "estimate": estimates.estimate(request.project, draft, _question(draft, trace)),
        "tried_trace": trace,
    }
    if request.POST.get("do") == "try" and draft.criterion != PREFERENCE:
        tryout = trying.start(draft, trace, request.user.username)
        if not request.htmx:
            return redirect("judge_tryout", request.project.slug, tryout.pk)
        context |= _told(request, tryout)
    return _shown(request, form, context)


def _draft(form: TryForm) -> drafts.Draft | None:
    if not form.is_valid():
        return None
    try:
        return drafts.drafted(**form.pinned())
    except drafts.Refused as refused:
        form.add_error(refused.field, str(refused))
        return None


def _trace(request: MemberRequest) -> Trace | None:
    """The one that was chosen, else the newest."""
    found = Trace.objects.filter(project=request.project)
    chosen = request.POST.get("trace", "").strip().replace("\0", "")
    return found.filter(trace_id=chosen).first() if chosen else found.order_by("-started_at", "-pk").first()


def _question(draft: drafts.Draft, trace: Trace) -> Question | PairQuestion:
    question = questions.of_view(snapshots.view(trace), trace)
    if draft.criterion != PREFERENCE:
        return question
    return PairQuestion("", question.input, question.output, question.output)


def _shown(request: MemberRequest, form: TryForm, context: dict[str, Any], status: int = 200) -> HttpResponse:
    context |= {"form": form, "is_tried": True}
    if request.htmx:
        # htmx swaps nothing in after an error, and what is wrong has to be read.
        return render(request, "judges/_tryout.html", context)
    return render(request, "judges/new_version.html", context | editor(request), status=status)


@session(Role.LEAD)
@never_cache
@require_safe
def tryout(request: MemberRequest, pk: int) -> HttpResponse:
    found = TryOut.objects.filter(project=request.project, pk=pk).select_related("trace").first()
    if found is None:
        raise Http404
    page = "judges/_said.html" if request.htmx else "judges/tryout.html"
    return render(request, page, _told(request, found))


def _told(request: MemberRequest, tryout: TryOut) -> dict[str, Any]:
    said = trying.result(tryout.votes) if tryout.progress in ("done", "invalid") else None
    withheld = ""
    if said is not None and not blindness.opens(request.membership, tryout.trace, is_told=True):
        said, withheld = None, JUDGING
    return {
        "tryout": tryout,
        "is_open": tryout.progress not in FINAL,
        "said": said,
        "withheld": withheld,
    }
