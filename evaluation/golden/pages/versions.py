"""One version with its cases and files, two versions side by side, withdrawal and restoring."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from evaluation.golden import asked
from evaluation.golden.addressed import dataset_or_404, leads
from evaluation.golden.content import formats
from evaluation.golden.curating import differences, overview
from evaluation.golden.draft import drafts, withheld
from evaluation.golden.models import GoldenDataset, GoldenVersion
from evaluation.golden.published import serving, versions
from ingest.problems import Problem
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role

CASES_A_PAGE = 100


def version_or_404(dataset: GoldenDataset, number: int | str) -> GoldenVersion:
    """Also one that is withdrawn."""
    known = (
        dataset.versions.filter(number=int(number))
        if str(number).isdecimal() and len(str(number)) < 10
        else None
    )
    found = known.first() if known is not None else None
    if found is None:
        raise Http404
    found.dataset = dataset
    return found


@session(Role.REVIEWER)
def golden_version(request: MemberRequest, name: str, pk: int) -> HttpResponse:
    version = version_or_404(dataset_or_404(request, name), pk)
    entries = version.entries.select_related("case", "revision").order_by("case__case_id")
    context = {
        "dataset": version.dataset,
        "version": version,
        "digest": versions.digest_text(version),
        "page": Paginator(entries, CASES_A_PAGE).get_page(request.GET.get("page")),
        "bodies": version.bodies.defer("content").order_by("format"),
        "runs": version.runs.order_by("-created_at")[:10],
        "address": request.build_absolute_uri(
            f"/api/v1/golden/{version.dataset.name}/versions/{version.number}"
        ),
        "leads": leads(request),
        "withheld": withheld.from_member(request.membership, version.dataset),
    }
    return render(request, "golden/version.html", context)


@session(Role.REVIEWER)
def download_golden(request: MemberRequest, name: str, pk: int, format: str) -> HttpResponseBase:
    """The stored bytes for someone signed in, as the API gives them."""
    version = version_or_404(dataset_or_404(request, name), pk)
    if format not in formats.FORMATS or version.withdrawn_at is not None:
        raise Http404
    kept = withheld.from_member(request.membership, version.dataset)
    if version.entries.filter(case__case_id__in=kept).exists():
        messages.info(request, withheld.OF_FILES)
        return redirect("golden_version", request.project.slug, name, version.number)
    try:
        return serving.answer(request, asked.representation(version, str(pk), format, asked.Selection()))
    except Problem as problem:
        raise Http404 from problem


@session(Role.LEAD)
@require_POST
def withdraw_golden(request: MemberRequest, name: str, pk: int) -> HttpResponse:
    version = version_or_404(dataset_or_404(request, name), pk)
    try:
        versions.withdraw(version, request.POST.get("reason", ""), request.user.username)
        messages.success(
            request, f"Version {version.number} is withdrawn: requests for it get 410 and the reason."
        )
    except ValueError as refusal:
        messages.error(request, str(refusal))
    return redirect("golden_version", request.project.slug, version.dataset.name, version.number)


@session(Role.LEAD)
@require_POST
def restore_golden(request: MemberRequest, name: str, pk: int) -> HttpResponse:
    version = version_or_404(dataset_or_404(request, name), pk)
    versions.restore(version)
    messages.success(
        request, f"The draft holds what version {version.number} holds. Publish it when it is right."
    )
    return redirect("golden_dataset", request.project.slug, version.dataset.name)


@session(Role.REVIEWER)
def compare_golden(request: MemberRequest, name: str) -> HttpResponse:
    """Any two versions; without a choice the newest two."""
    dataset = dataset_or_404(request, name)
    known = list(dataset.versions.order_by("-number"))
    context = {"dataset": dataset, "versions": known}
    if known:
        numbers = {str(each.number): each for each in known}
        after = numbers.get(request.GET.get("to", ""), known[0])
        before = numbers.get(request.GET.get("from", ""), known[1] if len(known) > 1 else known[0])
        difference = drafts.between(before, after)
        page = overview.paged(difference.changes, request.GET.get("page"))
        context |= {
            "before": before,
            "after": after,
            "difference": difference,
            "page": page,
            "query": f"from={before.number}&to={after.number}&",
            "changes": differences.described(page, withheld.from_member(request.membership, dataset)),
            "withheld_words": withheld.WORDS,
        }
    return render(request, "golden/compare.html", context)
