"""The audit log of a project, page by page. For admins."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render

from reviewapp.access import MemberRequest, session
from reviewapp.audit import events_of, read
from reviewapp.models import Role

ENTRIES_A_PAGE = 50


@session(Role.ADMIN)
def audit(request: MemberRequest) -> HttpResponse:
    page = Paginator(events_of(request.project), ENTRIES_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "audit/audit.html", {"page": page, "entries": read(page.object_list)})
