"""Which dataset does a page's address name, and may this member change it?"""

from __future__ import annotations

from django.http import Http404

from evaluation.golden.draft import cases
from evaluation.golden.models import GoldenDataset
from reviewapp.access import MemberRequest
from reviewapp.models import Role


def dataset_or_404(request: MemberRequest, name: str) -> GoldenDataset:
    found = cases.find_dataset(request.project, name) if "\0" not in name else None
    if found is None:
        raise Http404
    found.project = request.project
    return found


def leads(request: MemberRequest) -> bool:
    return Role(request.membership.role).allows(Role.LEAD)
