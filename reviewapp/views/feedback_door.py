"""How browsers may send feedback to this project: origins, pace, signatures. For admins."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from ingest.feedback_door import links, settings
from reviewapp.access import MemberRequest, session
from reviewapp.doors.forms import FeedbackDoorForm
from reviewapp.models import Role


@session(Role.ADMIN)
@never_cache
def feedback_settings(request: MemberRequest) -> HttpResponse:
    door = settings.read(request.project)
    form = FeedbackDoorForm(request.POST) if request.method == "POST" else FeedbackDoorForm.showing(door)
    if form.is_bound and form.is_valid():
        settings.save(request.project, **form.cleaned_data)
        messages.success(request, "Saved. Browsers pick it up within ten minutes.")
        return redirect("feedback_settings", request.project.slug)
    context = {
        "form": form,
        "key": links.key_of(door),
        "endpoint": request.build_absolute_uri("/api/v1/feedback"),
    }
    return render(request, "feedback_door/settings.html", context, status=422 if form.errors else 200)


@session(Role.ADMIN)
@require_POST
def change_feedback_key(request: MemberRequest) -> HttpResponse:
    settings.change_key(request.project)
    messages.success(request, "The key has changed: links that were signed with the old one are refused.")
    return redirect("feedback_settings", request.project.slug)
