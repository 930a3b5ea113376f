"""May this person open this page? Roles behind browser views, and the refusal of every undeclared view."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlsplit

import pghistory
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from ingest.access import Access, Door, declaration_of, declare
from ingest.models import Project
from reviewapp.models import Membership, Role, User
from reviewapp.review import rows

P = ParamSpec("P")
View = Callable[..., HttpResponseBase]
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SignedInRequest(HttpRequest):
    """What a view behind `@session()` receives."""

    user: User
    htmx: HtmxDetails


class MemberRequest(SignedInRequest):
    """What a view behind `@session(Role.X)` receives."""

    project: Project
    membership: Membership


class DenyByDefault:
    """Answers 404 for any view that does not say who may call it."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, args: Any, kwargs: Any) -> None:
        if not declaration_of(view):
            raise Http404


def session(
    role: Role | None = None, *, keeps_history: bool = True
) -> Callable[[Callable[Concatenate[Any, P], HttpResponseBase]], View]:
    """Guard a browser view: someone signed in, and with a role: a member of the project in the address.

    The address's `slug` is taken here and not handed on: the view finds `request.project` and
    `request.membership`. Whoever is not a member gets the same 404 as for a project that is not there;
    a member of a lesser role gets 403.

    A view that writes no table with a history says so: what tells the history who is at work keeps each
    statement of the view from being planned once and for all, and a reviewer waits for that.
    """

    def guard(view: Callable[Concatenate[Any, P], HttpResponseBase]) -> View:
        @wraps(view)
        def guarded(request: Any, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return sign_in(request)
            if role is not None:
                enter(request, kwargs.pop("slug"), role)
            with recorded(request) if keeps_history else nullcontext():
                return view(request, *args, **kwargs)

        return declare(guarded, Access(Door.SESSION, role=role or ""))

    return guard


def enter(request: MemberRequest, slug: str, role: Role) -> None:
    """Set the request's project and membership, or refuse."""
    found = rows.one(MEMBERSHIP, [request.user.pk, slug])
    if found is None:
        raise Http404
    width = len(rows.fields(Membership))
    membership, project = rows.made(Membership, found[:width]), rows.made(Project, found[width:])
    if not Role(membership.role).allows(role):
        raise PermissionDenied(f"This page needs the role {role.label.lower()}.")
    membership.user, membership.project = request.user, project
    request.project, request.membership = project, membership


MEMBERSHIP = (
    f"SELECT {rows.columns(Membership, 'm')}, {rows.columns(Project, 'p')} FROM reviewapp_membership m "  # noqa: S608 - our own names
    "JOIN ingest_project p ON p.id = m.project_id WHERE m.user_id = %s AND p.slug = %s"
)


def sign_in(request: HttpRequest) -> HttpResponse:
    """To the login page and back; for a part of a page, the whole page goes there.

    A page that holds unsaved text asks with X-In-Place: it stays, and signs in where it is. The cookie that
    signing in needs may have ended with the session.
    """
    if "X-In-Place" in request.headers:
        get_token(request)
        return HttpResponse(status=401)
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    if not htmx:
        return redirect_to_login(_page_of(request))
    page = htmx.current_url_abs_path or "/"
    return HttpResponseClientRedirect(redirect_to_login(page).url)


def _page_of(request: HttpRequest) -> str:
    """Where to go on after signing in: not a form's own address, since that is only posted to."""
    if request.method in SAFE_METHODS:
        return request.get_full_path()
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        return "/"
    page = urlsplit(referer)._replace(scheme="", netloc="", fragment="").geturl()
    return page if url_has_allowed_host_and_scheme(page, None) else "/"


def recorded(request: SignedInRequest) -> AbstractContextManager[Any]:
    """Who changes something, and through which address: pghistory's triggers keep it with each event.

    It stands here and not in a middleware, since that would also add a statement to every write of the
    ingest routes.
    """
    if request.method in SAFE_METHODS:
        return nullcontext()
    route = request.resolver_match.route if request.resolver_match else request.path
    return pghistory.context(user=request.user.pk, username=request.user.username, route=route)
