"""The page of changes, for leads: what changed, what was done about it, and a form to report one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from evaluation.changes import finding, following_up, telling
from evaluation.changes.models import ChangeKind
from reviewapp.access import MemberRequest, session
from reviewapp.models import Role

A_PAGE = 50


class ChangeForm(forms.Form):
    kind = forms.ChoiceField(
        choices=[
            (kind.value, kind.label)
            for kind in (ChangeKind.DEPLOY, ChangeKind.MODEL, ChangeKind.PROMPT, ChangeKind.OTHER)
        ]
    )
    value = forms.CharField(max_length=200, label="What it is now", help_text="Such as a version or a tag.")
    words = forms.CharField(
        max_length=300,
        required=False,
        label="In words",
        help_text="Charts show them, at the time at which you report.",
    )


@session(Role.LEAD)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def changes(request: MemberRequest) -> HttpResponse:
    form = ChangeForm(request.POST or None)
    if form.is_valid():
        _tell(request, form.cleaned_data)
        return redirect("changes", request.project.slug)
    pages = Paginator(telling.changes(request.project), A_PAGE)
    context = {
        "page": pages.get_page(request.GET.get("page")),
        "form": form,
        "boost": following_up.running(request.project),
    }
    return render(request, "changes/changes.html", context, status=422 if form.is_bound else 200)


def _tell(request: MemberRequest, told: dict[str, Any]) -> None:
    finding.note(
        request.project.pk,
        told["kind"],
        told["value"],
        timezone.now(),
        words=told["words"],
        told_by=request.user.username,
    )
    messages.success(request, "Noted. Within a minute the worker decides whether to look closer.")
