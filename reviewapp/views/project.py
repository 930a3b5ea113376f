"""Where someone starts: their projects, and a project's first steps until traces have arrived."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from ingest.models import Trace
from reviewapp.access import MemberRequest, SignedInRequest, session
from reviewapp.forms import ProjectForm
from reviewapp.models import Membership, Role


@session()
def start(request: SignedInRequest) -> HttpResponse:
    memberships = list(Membership.objects.of(request.user))
    if len(memberships) == 1:
        return redirect("project", memberships[0].project.slug)
    return render(request, "project/choose.html", {"memberships": memberships})


@session(Role.REVIEWER)
def project(request: MemberRequest) -> HttpResponse:
    if Trace.objects.filter(project=request.project).exists():
        return redirect("traces", request.project.slug)
    endpoint = request.build_absolute_uri("/").rstrip("/")
    return render(request, "project/first_steps.html", {"endpoint": endpoint})


@session(Role.ADMIN)
def settings(request: MemberRequest) -> HttpResponse:
    form = ProjectForm(request.POST or None, instance=request.project)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect(reverse("settings", args=[request.project.slug]))
    return render(request, "project/settings.html", {"form": form})
