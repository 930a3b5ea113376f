"""Which API tokens does this project have: issue, revoke, and see when each was last used. For admins."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from ingest.models import ApiToken
from ingest.tokens import Issued, issue
from ingest.tokens import revoke as revoke_token
from reviewapp.access import MemberRequest, session
from reviewapp.forms import TokenForm
from reviewapp.models import Role

TOKENS_A_PAGE = 50


@session(Role.ADMIN)
@never_cache
def tokens(request: MemberRequest) -> HttpResponse:
    form = TokenForm(request.POST or None)
    issued: Issued | None = None
    if request.method == "POST" and form.is_valid():
        issued = issue(
            request.project,
            form.cleaned_data["name"],
            form.cleaned_data["scopes"],
            branches=form.cleaned_data["branches"],
            expires_at=form.expires_at(),
            created_by=request.user.username,
            trusted_for_reviews=form.cleaned_data["trusted_for_reviews"],
        )
        form = TokenForm()
    return listed(request, form, issued)


def listed(request: MemberRequest, form: TokenForm, issued: Issued | None) -> HttpResponse:
    found = request.project.tokens.order_by(F("revoked_at").desc(nulls_first=True), "-created_at", "-pk")
    page = Paginator(found, TOKENS_A_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "issued": issued, "page": page, "now": timezone.now()}
    return render(request, "tokens/tokens.html", context, status=422 if form.errors else 200)


@session(Role.ADMIN)
@require_POST
def revoke(request: MemberRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, project=request.project)
    revoke_token(token)
    messages.success(request, f"{token.name} is revoked: its next request is refused.")
    return redirect("tokens", request.project.slug)
