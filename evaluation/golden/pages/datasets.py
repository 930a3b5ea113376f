"""The datasets of a project; one dataset with its draft, candidates and coverage; publishing; its health."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.validators import validate_slug
from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from evaluation.golden.addressed import dataset_or_404, leads
from evaluation.golden.content import formats
from evaluation.golden.curating import asked_in_production, coverage, differences, growth, health, overview
from evaluation.golden.draft import cases, drafts, withheld
from evaluation.golden.models import NAME_CHARACTERS, CaseState, GoldenDataset
from evaluation.golden.published import versions
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role


class DatasetForm(forms.Form):
    name = forms.CharField(
        max_length=NAME_CHARACTERS,
        validators=[validate_slug],
        help_text="Appears in addresses and lock files, so it cannot be changed: support-core.",
    )


class LimitsForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = GoldenDataset
        fields = ["description", "threshold", "most_errors"]
        labels = {"threshold": "Least pass rate", "most_errors": "Most errors"}
        help_texts = {
            "threshold": "Between 0 and 1. The gate compares the one-sided 95 % bounds with it.",
            "most_errors": "The share of cases that may end in an error before a run is inconclusive.",
        }


@session(Role.REVIEWER)
def golden(request: MemberRequest) -> HttpResponse:
    form = DatasetForm(request.POST or None)
    if request.method == "POST":
        if not leads(request):
            raise PermissionDenied("Creating a dataset needs the role lead.")
        if form.is_valid():
            made = cases.open_dataset(request.project, form.cleaned_data["name"], request.user.username)
            return redirect("golden_dataset", request.project.slug, made.name)
    found = request.project.golden_datasets.annotate(
        active=Count("cases", filter=Q(cases__state=CaseState.ACTIVE), distinct=True),
        latest=Max("versions__number", filter=Q(versions__withdrawn_at=None)),
    ).order_by("name")
    context = {"datasets": found, "form": form, "leads": leads(request)}
    return render(request, "golden/list.html", context, status=422 if form.errors else 200)


@session(Role.REVIEWER)
def golden_dataset(request: MemberRequest, name: str) -> HttpResponse:
    dataset = dataset_or_404(request, name)
    difference = drafts.draft(dataset)
    all_versions = overview.versions_of(dataset)
    candidates = overview.candidates_of(request.membership)
    latest = next((each for each in all_versions if each.withdrawn_at is None), None)
    page = overview.paged(difference.changes, request.GET.get("page"))
    context = {
        "dataset": dataset,
        "leads": leads(request),
        "composition": overview.composition(dataset),
        "versions": all_versions,
        "latest": latest,
        "next_number": all_versions[0].number + 1 if all_versions else 1,
        "difference": difference,
        "page": page,
        "changes": differences.described(page, withheld.from_member(request.membership, dataset)),
        "withheld_words": withheld.WORDS,
        "candidates": list(candidates[: overview.MOST_CANDIDATES]),
        "candidate_count": candidates.count(),
        "slices": coverage.routes(dataset),
        "growth": growth.steps(all_versions),
        "formats": formats.FORMATS,
        "api": request.build_absolute_uri(f"/api/v1/golden/{dataset.name}/versions/"),
    }
    return render(request, "golden/dataset.html", context)


@session(Role.LEAD)
@require_POST
def publish_golden(request: MemberRequest, name: str) -> HttpResponse:
    dataset = dataset_or_404(request, name)
    changelog = request.POST.get("changelog", "")[:10_000]
    if not changelog.strip():
        messages.error(request, "Say in a few words what changed; it stays with the version permanently.")
        return redirect("golden_dataset", request.project.slug, dataset.name)
    try:
        version = versions.publish(dataset, request.user.username, changelog)
        messages.success(request, f"Version {version.number} is published: its bytes never change.")
    except versions.NothingToPublish as refusal:
        messages.error(request, str(refusal))
    return redirect("golden_dataset", request.project.slug, dataset.name)


@session(Role.LEAD)
def golden_settings(request: MemberRequest, name: str) -> HttpResponse:
    dataset = dataset_or_404(request, name)
    form = LimitsForm(request.POST or None, instance=dataset)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved. The next run is judged with these settings.")
        return redirect(reverse("golden_settings", args=[request.project.slug, dataset.name]))
    context = {"dataset": dataset, "form": form}
    return render(request, "golden/settings.html", context, status=422 if form.errors else 200)


@session(Role.REVIEWER)
def golden_health(request: MemberRequest, name: str) -> HttpResponse:
    dataset = dataset_or_404(request, name)
    return render(request, "golden/health.html", {"dataset": dataset, "health": health.of(dataset)})


@session(Role.REVIEWER)
def golden_clusters(request: MemberRequest, name: str) -> HttpResponse:
    """A page of its own, and the part of the health page that takes a moment."""
    dataset = dataset_or_404(request, name)
    context = {"dataset": dataset, "coverage": asked_in_production.coverage(dataset)}
    return render(request, f"golden/{'_clusters' if request.htmx else 'clusters'}.html", context)
