"""Which checks run on this project's traces, how often do they fail, and what would a change do?

Everybody of the project reads; leads change.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from ingest.trace_checks import settings
from ingest.trace_checks.catalogue import CHECKS
from ingest.trace_checks.rehearsal import rehearse
from ingest.trace_checks.tallies import WINDOWS, Window
from reviewapp.access import SAFE_METHODS, MemberRequest, session
from reviewapp.models import Role
from reviewapp.trace_checks import overview, page
from reviewapp.trace_checks.form import CheckForm


@session(Role.REVIEWER)
@never_cache
@require_safe
def checks(request: MemberRequest) -> HttpResponse:
    context = {
        "overview": overview.of_project(request.project, window_of(request)),
        "windows": WINDOWS.values(),
    }
    return render(request, "checks/checks.html", context)


@session(Role.REVIEWER)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: MemberRequest, name: str) -> HttpResponse:
    """The page of one check; its form saves, or with `try` tells what the change would do."""
    known = CHECKS.get(name)
    if known is None:
        raise Http404
    may_edit = Role(request.membership.role).allows(Role.LEAD)
    if request.method not in SAFE_METHODS and not may_edit:
        raise PermissionDenied("Only leads can change checks.")
    setting = settings.of_project(request.project).get(name)
    form = CheckForm(known, setting, request.POST or None)
    tried = None
    if request.method == "POST" and form.is_valid():
        if "try" not in request.POST:
            enabled = form.cleaned_data["enabled"]
            settings.change(request.project, known, enabled=enabled, values=form.parameters)
            messages.success(request, "Saved. It applies to traces that settle from now on.")
            return redirect("check", request.project.slug, name)
        tried = page.seen(request.membership, rehearse(request.project, known, form.parameters))
    context: dict[str, Any] = {
        "form": form,
        "tried": tried,
        "may_edit": may_edit,
        "setting": setting,
        "windows": WINDOWS.values(),
    }
    if request.htmx.target == "editor":
        return render(request, "checks/_editor.html", {"page": {"check": known}, **context})
    context["page"] = page.of_check(request.membership, known, window_of(request))
    return render(request, "checks/check.html", context, status=422 if form.errors else 200)


def window_of(request: MemberRequest) -> Window:
    return WINDOWS.get(request.GET.get("window", ""), WINDOWS["7d"])
