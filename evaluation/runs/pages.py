"""The pages of CI runs: all of them, one of them, and each case over time."""

from __future__ import annotations

import shlex
import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode

from evaluation.golden.addressed import dataset_or_404
from evaluation.golden.draft import withheld
from evaluation.runs import history, reports, run_page
from evaluation.runs.models import CiRun, Decision
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role

RUNS_A_PAGE = 50


def run_or_404(request: MemberRequest, run_id: str) -> CiRun:
    try:
        wanted = uuid.UUID(run_id)
    except ValueError:
        raise Http404 from None
    found = (
        CiRun.objects.filter(public_id=wanted, version__dataset__project=request.project)
        .select_related("version__dataset__project", "baseline", "token")
        .first()
    )
    if found is None:
        raise Http404
    return found


@session(Role.REVIEWER)
def runs(request: MemberRequest) -> HttpResponse:
    asked = {
        name: request.GET.get(name, "").replace("\0", "")[:200] for name in ("dataset", "branch", "decision")
    }
    found = history.runs_of(request.project, **asked)
    page = Paginator(found, RUNS_A_PAGE).get_page(request.GET.get("page"))
    datasets = list(request.project.golden_datasets.order_by("name").values_list("name", flat=True))
    query = urlencode({name: value for name, value in asked.items() if value})
    context = {
        "page": page,
        "asked": asked,
        "query": f"{query}&" if query else "",
        "datasets": datasets,
        "decisions": Decision.choices,
        "flips": history.flip_rate(request.project, asked["dataset"] or (datasets[0] if datasets else "")),
        "api": request.build_absolute_uri("/api/v1/ci/touchstone.py"),
    }
    return render(request, "runs/list.html", context)


@session(Role.REVIEWER)
def run(request: MemberRequest, run_id: str) -> HttpResponse:
    found = run_or_404(request, run_id)
    baseline = found.answer["baseline"] or {"broken": [], "fixed": []}
    failing = run_page.failing(found)
    broken = baseline["broken"]
    others = [name for name in failing if name not in broken]
    kept = withheld.from_member(request.membership, found.version.dataset)
    counts = {"broken": len(broken), "fixed": len(baseline["fixed"]), "others": len(others)}
    context = {
        "run": found,
        "answer": found.answer,
        "sentence": run_page.sentence(found),
        "bar": run_page.bar(found),
        "checks": run_page.checks(found),
        "broken": run_page.cases(found, broken, kept),
        "fixed": run_page.cases(found, baseline["fixed"], kept),
        "others": run_page.cases(found, others, kept),
        "withheld_words": withheld.WORDS,
        "counts": counts,
        "hidden": {name: run_page.hidden(number) for name, number in counts.items()},
        "digest": bytes(found.version.digest).hex(),
        # To be copied into a shell: a key is a text that somebody sent.
        "quoted_key": shlex.quote(found.run_key),
        "uploads": found.uploads.order_by("pk"),
    }
    return render(request, "runs/run.html", context)


@session(Role.REVIEWER)
def run_report(request: MemberRequest, run_id: str, kind: str) -> HttpResponse:
    """The reports for someone signed in."""
    found = run_or_404(request, run_id)
    if kind == "junit.xml":
        kept = withheld.from_member(request.membership, found.version.dataset)
        if found.version.entries.filter(case__case_id__in=kept).exists():
            messages.info(request, withheld.OF_FILES)
            return redirect("run", request.project.slug, run_id)
        return HttpResponse(
            reports.junit(found),
            content_type="application/xml; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="junit.xml"'},
        )
    if kind != "report.md":
        raise Http404
    words = reports.markdown(found, request.build_absolute_uri(request.path.rpartition("/")[0]))
    return HttpResponse(words, content_type="text/plain; charset=utf-8")


@session(Role.REVIEWER)
def run_matrix(request: MemberRequest, name: str) -> HttpResponse:
    dataset = dataset_or_404(request, name)
    branch = request.GET.get("branch", "").replace("\0", "")[:200]
    context = {"dataset": dataset, "branch": branch, "matrix": history.matrix(dataset, branch)}
    return render(request, "runs/matrix.html", context)
