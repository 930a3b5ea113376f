"""The pages of judges, for leads: all of them, and the calibration of one."""

from __future__ import annotations

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from evaluation.judges.against_people import disagreements, pairs
from evaluation.judges.against_people.recalibrated import Recalibrated
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.calls import votes
from evaluation.judges.judgments import running
from evaluation.judges.making import versions
from evaluation.judges.models import PREFERENCE, Judge, Kind, Stage
from evaluation.judges.pages import contents, drift_panel, since
from evaluation.judges.pages import pairwise as pairwise_views
from evaluation.judges.pages.contents import Asked
from evaluation.judges.trust import asked, calibration, certificates, kept_figures, overview, stages, watching
from evaluation.judges.trust.kept_figures import Kept
from ingest.json_objects import json_response
from ingest.problems import Problem
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role
from reviewapp.review.models import Cause


@session(Role.LEAD)
@never_cache
@require_safe
def judges(request: MemberRequest) -> HttpResponse:
    return render(request, "judges/judges.html", {"judges": overview.tell(request.project)})


@session(Role.LEAD)
@never_cache
@require_safe
def judge(request: MemberRequest, name: str) -> HttpResponse:
    found, scope = _asked(request, name)
    if scope is None:
        return render(request, "judges/unversioned.html", {"judge": found})
    around = _around(request, found, scope)
    if scope.version.criterion == PREFERENCE:
        return render(request, "judges/pairwise.html", around | pairwise_views.context(scope.version))
    kept = kept_figures.look(scope)
    if kept.figures is None:
        return render(request, "judges/computing.html", around)
    context = contents.tell(scope, Asked.of(request.GET), kept) | around
    whole = kept if scope.is_whole else kept_figures.look(Scope(scope.version))
    context["panel"] = _panel(scope, whole)
    context["validation"] = stages.told(scope.version, whole.figures)
    context["certificate"] = certificate = certificates.newest(scope.version)
    context["certified"] = certificates.state_of(certificate) if certificate else ""
    if scope.version.stage == Stage.LIVE:
        context["watch"] = watching.watch(kept.figures)
    if scope.is_whole and scope.version == versions.choose(found):
        context["changed"] = since.last_look(request.user, scope, kept)
    return render(request, "judges/judge.html", context)


def _panel(scope: Scope, whole: Kept) -> drift_panel.Panel:
    """Of all that there is: rounds know no window and no slice."""
    further = (whole.figures or {}).get("page", {})
    return drift_panel.tell(scope.version, further.get("system"), further.get("sampling", ""))


def _around(request: MemberRequest, found: Judge, scope: Scope) -> dict[str, object]:
    """The judge with its versions, and what of the address the page's own links keep."""
    kept = {name: request.GET.get(name, "") for name in ("version", "window", "slice", "measure", "width")}
    return {
        "judge": found,
        "version": scope.version,
        "versions": list(versions.of(found)),
        "identity": calibration.identity(scope.version),
        "parameters": contents.parameters(scope.version),
        "windows": calibration.WINDOWS,
        "window": kept["window"] or "all",
        "slice": kept["slice"],
        "kept": {name: value for name, value in kept.items() if value},
        "causes": Cause.choices,
        "runs_here": scope.version.kind != Kind.IMPORTED,
        "queues": running.queues_for(scope.version),
        "samples": votes.samples(scope.version.parameters),
        "of_pairs": scope.version.criterion == PREFERENCE,
    }


@session(Role.LEAD)
@never_cache
@require_safe
def judge_pairs(request: MemberRequest, name: str) -> StreamingHttpResponse:
    """All pairs of the version as CSV, with what was left out and why."""
    found, scope = _asked(request, name)
    if scope is None:
        raise Http404
    further = kept_figures.of(scope)["page"]
    return StreamingHttpResponse(
        pairs.as_csv(scope, further["sampling"], Recalibrated(further["curves"])),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{_file(found)}-pairs.csv"'},
    )


@session(Role.LEAD)
@never_cache
@require_safe
def judge_certificate(request: MemberRequest, name: str) -> HttpResponse:
    found, scope = _asked(request, name)
    if scope is None:
        raise Http404
    response = json_response(certificates.as_dict(certificates.current(scope.version)))
    response.headers["Content-Disposition"] = f'attachment; filename="{_file(found)}-certificate.json"'
    return response


@session(Role.LEAD)
@require_POST
def name_cause(request: MemberRequest, name: str) -> HttpResponse:
    """Say what was wrong where judge and people disagree."""
    found, scope = _asked(request, name)
    cause, trace = request.POST.get("cause", ""), request.POST.get("trace", "")
    if scope is None or cause not in Cause.values or not (trace.isdecimal() and len(trace) < 19):
        raise Http404
    disagreements.name_cause(scope.version, int(trace), Cause(cause), request.user)
    if request.htmx:
        return render(request, "judges/_cause.html", {"cause": Cause(cause).label})
    return redirect(f"{reverse('judge', args=[request.project.slug, found.name])}#disagreements")


def _asked(request: MemberRequest, name: str) -> tuple[Judge, Scope | None]:
    """The judge, and what of it the address asks for; what cannot be read is a page that is not there."""
    found = None if "\0" in name else versions.find(request.project, name)
    if found is None:
        raise Http404
    try:
        return found, asked.scope_of(found, request.GET)
    except Problem as problem:
        raise Http404(problem.detail) from None


def _file(judge: Judge) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in judge.name)
