"""May this request's API token do that? Issues tokens, authenticates them, and guards API views.

A token reads `ts_<public id>_<secret>`. The secret has 256 bits and is stored as its SHA-256 only, so a
stolen table opens nothing and a slow password hash is not needed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import inspect
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, wraps
from typing import Any, Concatenate, ParamSpec

from django.db import InterfaceError, OperationalError
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from ninja.operation import Operation, PathView
from ninja.security.http import HttpAuthBase

from ingest import prepared
from ingest.access import PUBLIC, Access, Declaration, Door, declare
from ingest.models import ApiToken, Project, Scope
from ingest.problems import Problem

P = ParamSpec("P")
PREFIX = "ts"
FORMAT = re.compile(rf"{PREFIX}_([0-9a-f]{{16}})_([0-9a-f]{{64}})")
# Names under which clients put a credential into an address, where logs and proxies would keep it.
QUERY_NAMES = frozenset({"access_token", "api_key", "apikey", "authorization", "token"})
CHALLENGE = 'Bearer realm="Touchstone"'
USE_IS_WRITTEN_EVERY = timedelta(minutes=1)

# `admin` includes every scope except the one that lets a token act as a person.
IMPLIED: dict[str, frozenset[str]] = {Scope.ADMIN: frozenset(Scope.values) - {Scope.IMPERSONATE}}


@dataclass(frozen=True, slots=True)
class Beside:
    """What an address names, asked for in the token's own statement: one question less for each request.

    `join` hangs it on the row `project`; its one %s is the address's argument of this name.
    """

    argument: str
    columns: str
    join: str

    def of(self, request: HttpRequest) -> object:
        assert request.resolver_match is not None
        return request.resolver_match.kwargs[self.argument]


@dataclass(frozen=True, slots=True)
class Caller:
    """The token behind a request, and the one project it belongs to.

    `beside` holds the values of the guard's `Beside.columns`: all None when the project has no such thing.
    """

    token: ApiToken
    project: Project
    beside: Sequence[Any]

    def may(self, *scopes: str) -> bool:
        """Whether the token has any one of these scopes, given or implied."""
        return not granted(self.token.scopes).isdisjoint(scopes)


class TokenRequest(HttpRequest):
    """What a view behind `@token` receives."""

    caller: Caller


@dataclass(frozen=True, slots=True)
class Credential:
    public_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token and its full text, which exists nowhere but here."""

    token: ApiToken
    text: str


def granted(scopes: Iterable[str]) -> frozenset[str]:
    given = frozenset(scopes)
    return given.union(*(IMPLIED.get(scope, frozenset()) for scope in given))


def issue(
    project: Project,
    name: str,
    scopes: Sequence[str],
    *,
    branches: Sequence[str] = (),
    expires_at: datetime | None = None,
    created_by: str = "",
    trusted_for_reviews: bool = False,
) -> Issued:
    secret = secrets.token_hex(32)
    token = ApiToken.objects.create(
        project=project,
        public_id=secrets.token_hex(8),
        secret_sha256=digest(secret),
        name=name,
        scopes=sorted(set(scopes), key=Scope.values.index),
        branches=list(branches),
        expires_at=expires_at,
        created_by=created_by,
        trusted_for_reviews=trusted_for_reviews,
    )
    return Issued(token, f"{PREFIX}_{token.public_id}_{secret}")


def revoke(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=Now())


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def authenticate(credential: Credential, beside: Beside | None = None, named: object = None) -> Caller | None:
    """The caller behind a credential, in one query; None when it is unknown, wrong, revoked or expired."""
    caller = live_caller(credential.public_id, beside, named)
    if caller is None:
        return None
    if not is_its_secret(caller.token, credential.secret):
        return None
    note_use(caller.token)
    return caller


def is_its_secret(token: ApiToken, secret: str) -> bool:
    return hmac.compare_digest(bytes(token.secret_sha256), digest(secret))


# What no request asks of its token and project; it is read where it is asked for after all.
UNREAD = ("created_at", "created_by", "expires_at", "revoked_at")


@cache
def read_of(model: type[ApiToken] | type[Project]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if field.name not in UNREAD]


@cache
def live_token_sql(beside: Beside | None) -> str:
    columns = [f"token.{column}" for column in read_of(ApiToken)]
    columns += [f"project.{column}" for column in read_of(Project)]
    columns += [beside.columns] if beside else []
    join = beside.join if beside else ""
    return (
        f"SELECT {', '.join(columns)} FROM {ApiToken._meta.db_table} token "  # noqa: S608 - names of columns
        f"JOIN {Project._meta.db_table} project ON project.id = token.project_id {join} "
        "WHERE token.public_id = %s AND token.revoked_at IS NULL "
        "AND (token.expires_at IS NULL OR token.expires_at > now())"
    )


def live_caller(public_id: str, beside: Beside | None, named: object) -> Caller | None:
    """By hand: building the query anew was a third of a small request's cost."""
    row = prepared.one(live_token_sql(beside), [named, public_id] if beside else [public_id])
    if row is None:
        return None
    of_token, of_project = read_of(ApiToken), read_of(Project)
    end = len(of_token) + len(of_project)
    token = prepared.made(ApiToken, of_token, row[: len(of_token)])
    project = prepared.made(Project, of_project, row[len(of_token) : end])
    prepared.link(token, "project", project)
    return Caller(token, project, row[end:])


def note_use(token: ApiToken) -> None:
    """Write `last_used_at` when the known one is a minute old; of many requests at once, one does."""
    if not is_noted(token):
        limit = timezone.now() - USE_IS_WRITTEN_EVERY
        unused = Q(last_used_at=None) | Q(last_used_at__lt=limit)
        ApiToken.objects.filter(unused, pk=token.pk).update(last_used_at=Now())


def is_noted(token: ApiToken) -> bool:
    """Whether its use was written in the last minute."""
    return token.last_used_at is not None and token.last_used_at >= timezone.now() - USE_IS_WRITTEN_EVERY


def credential_of(request: HttpRequest, *, basic: bool) -> Credential | None:
    """What the Authorization header says; Basic (public id : secret) counts only where it is allowed."""
    authorization = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, value = authorization.partition(" ")
    if basic and scheme.lower() == "basic":
        return basic_credential(value.strip())
    return bearer(authorization)


def bearer(authorization: str) -> Credential | None:
    """What such a header names."""
    scheme, _, value = authorization.partition(" ")
    match = FORMAT.fullmatch(value.strip()) if scheme.lower() == "bearer" else None
    return Credential(*match.groups()) if match else None


def basic_credential(value: str) -> Credential | None:
    try:
        public_id, _, secret = base64.b64decode(value, validate=True).decode("ascii").partition(":")
    except ValueError:
        return None
    # The secret's part alone, or the whole token where a client asks for two keys and its user has one.
    match = FORMAT.fullmatch(f"{PREFIX}_{public_id}_{secret}") or FORMAT.fullmatch(secret)
    return Credential(*match.groups()) if match else None


def refuse_token_in_query(request: HttpRequest) -> None:
    if not request.META.get("QUERY_STRING"):
        return
    for name, values in request.GET.lists():
        if name.lower() in QUERY_NAMES or any(FORMAT.search(value) for value in values):
            raise Problem(
                400,
                "Send the token in the Authorization header. A token in an address ends up in logs; "
                "if this one is real, revoke it.",
            )


def admit(
    request: HttpRequest, scopes: Sequence[str], *, basic: bool = False, beside: Beside | None = None
) -> Caller:
    """The caller, if its token may pass here; a Problem of status 400, 401, 403 or 503 otherwise."""
    refuse_token_in_query(request)
    credential = credential_of(request, basic=basic)
    if credential is None:
        raise unauthorized("Send `Authorization: Bearer ts_…` with a token of the project.", basic=basic)
    caller = authenticate(credential, beside, beside and beside.of(request))
    if caller is None:
        raise unauthorized("This token is unknown, revoked or expired.", basic=basic)
    if not caller.may(*scopes):
        raise Problem(403, f"This token lacks the scope: it needs {' or '.join(scopes)}.")
    return caller


def unauthorized(detail: str, *, basic: bool) -> Problem:
    challenge = f'{CHALLENGE}, Basic realm="Touchstone"' if basic else CHALLENGE
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})


def unavailable() -> Problem:
    return Problem(503, "The database does not answer. Send the request again.", headers={"Retry-After": "2"})


def token(
    *scopes: Scope, basic: bool = False
) -> Callable[[Callable[Concatenate[Any, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Guard a plain Django view: the token needs any one of these scopes; `request.caller` is set.

    A Problem raised by the view becomes its response, and a database that is away a 503.
    """

    def guard(view: Callable[Concatenate[Any, P], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @csrf_exempt
        @wraps(view)
        def guarded(request: TokenRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            try:
                request.caller = admit(request, scopes, basic=basic)
                return view(request, *args, **kwargs)
            except Problem as problem:
                return problem.response()
            except (OperationalError, InterfaceError):
                return unavailable().response()

        return declare(guarded, Access(Door.TOKEN, scopes=scopes))

    return guard


class TokenAuth(HttpAuthBase):
    """The same for django-ninja: `auth=TokenAuth(Scope.TRACES_READ)`; the API maps Problem to a response."""

    openapi_scheme = "bearer"

    def __init__(self, *scopes: Scope, basic: bool = False, beside: Beside | None = None) -> None:
        super().__init__()
        self.scopes = scopes
        self.basic = basic
        self.beside = beside

    def __call__(self, request: HttpRequest) -> Caller:
        try:
            caller = admit(request, self.scopes, basic=self.basic, beside=self.beside)
        except (OperationalError, InterfaceError) as error:
            raise unavailable() from error
        request.caller = caller  # type: ignore[attr-defined]
        return caller


def declare_api(urls: tuple[list[Any], str, str]) -> tuple[list[Any], str, str]:
    """Carry an API's guards over to its views: `path("api/v1/", declare_api(api.urls))`.

    An operation without TokenAuth stays undeclared, so it is not served. The OpenAPI document and its
    page are public: they hold nothing of any project.
    """
    for pattern in urls[0]:
        declare_operations(pattern)
    return urls


def declare_operations(pattern: URLPattern) -> None:
    if pattern.name in {"openapi-json", "openapi-view", "api-root"}:
        declare(pattern.callback, PUBLIC)
        return
    # django-ninja's view is a closure over the PathView that knows the operations.
    path_view = inspect.getclosurevars(pattern.callback).nonlocals["self"]
    if declaration := operations_access(path_view):
        declare(pattern.callback, declaration)


def operations_access(path_view: PathView) -> Declaration:
    """Declared by method; empty when any operation of the address has no TokenAuth."""
    guards = [(operation, token_auth(operation)) for operation in path_view.operations]
    if any(auth is None for _, auth in guards):
        return {}
    return {
        method: Access(Door.TOKEN, scopes=auth.scopes)
        for operation, auth in guards
        if auth is not None
        for method in operation.methods
    }


def token_auth(operation: Operation) -> TokenAuth | None:
    callbacks = list(operation.auth_callbacks)
    return callbacks[0] if len(callbacks) == 1 and isinstance(callbacks[0], TokenAuth) else None
