"""The queues of a project: what waits, how old it is, who works it. For every member."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from reviewapp.access import MemberRequest, session
from reviewapp.models import Role


@session(Role.REVIEWER)
@never_cache
@require_safe
def queues(request: MemberRequest) -> HttpResponse:
    return render(request, "queues/queues.html", {})
