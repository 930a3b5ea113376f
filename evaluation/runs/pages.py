"""The pages of CI runs."""

from __future__ import annotations

from django.http import Http404, HttpResponse

from reviewapp.access import MemberRequest, session
from reviewapp.models import Role


@session(Role.REVIEWER)
def run(request: MemberRequest, run_id: str) -> HttpResponse:
    raise Http404
