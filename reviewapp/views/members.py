"""Who is in this project, with which role: add, change, remove. For admins."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from reviewapp import members as people
from reviewapp.access import MemberRequest, session
from reviewapp.forms import MemberForm, RoleForm
from reviewapp.members import AlreadyMember, Joined, LastAdmin
from reviewapp.models import Membership, Role

MEMBERS_A_PAGE = 50


@session(Role.ADMIN)
@never_cache
def members(request: MemberRequest) -> HttpResponse:
    form = MemberForm(request.POST or None)
    joined: Joined | None = None
    if request.method == "POST" and form.is_valid():
        username, role = form.cleaned_data["username"], Role(form.cleaned_data["role"])
        try:
            joined = people.add(request.project, username, role)
            form = MemberForm()
        except AlreadyMember as refusal:
            form.add_error("username", str(refusal))
    return listed(request, form, joined)


def listed(request: MemberRequest, form: MemberForm, joined: Joined | None) -> HttpResponse:
    words = request.GET.get("q", "").replace("\0", "").strip()
    found = request.project.memberships.matching(words).select_related("user").order_by("user__username")
    page = Paginator(found, MEMBERS_A_PAGE).get_page(request.GET.get("page"))
    query = f"{urlencode({'q': words})}&" if words else ""
    context = {
        "form": form,
        "joined": joined,
        "page": page,
        "q": words,
        "query": query,
        "roles": Role.choices,
    }
    return render(request, "members/members.html", context, status=422 if form.errors else 200)


@session(Role.ADMIN)
@require_POST
def change_role(request: MemberRequest, pk: int) -> HttpResponse:
    membership = member_or_404(request, pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role.")
        return redirect("members", request.project.slug)
    role = Role(form.cleaned_data["role"])
    try:
        people.change_role(membership, role)
        messages.success(request, f"{membership.user} now has the role {role.label.lower()}.")
    except LastAdmin as refusal:
        messages.error(request, str(refusal))
    return after(request, membership)


@session(Role.ADMIN)
@require_POST
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    membership = member_or_404(request, pk)
    try:
        people.remove(membership)
        messages.success(request, f"{membership.user} was removed. The account itself still exists.")
    except LastAdmin as refusal:
        messages.error(request, str(refusal))
    return after(request, membership)


def member_or_404(request: MemberRequest, pk: int) -> Membership:
    return get_object_or_404(Membership.objects.select_related("user"), pk=pk, project=request.project)


def after(request: MemberRequest, membership: Membership) -> HttpResponse:
    """Back to the list, or away from it for whoever gave up the right to see it."""
    if membership.user_id == request.user.pk and (membership.pk is None or membership.role != Role.ADMIN):
        return redirect("start")
    return redirect("members", request.project.slug)
