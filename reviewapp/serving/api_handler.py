"""What does a request to the API pass through? All that stands before a page but what only pages need.

Sessions, the guard of forms, who is signed in, messages, htmx and static files cost half a millisecond a
request, and nothing below the API asks for them: its callers bring a token.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from django.conf import settings
from django.core.handlers.exception import response_for_exception
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from ingest.documents import JSON
from reviewapp.serving.admission import Application, Environ, StartResponse
from reviewapp.serving.failures import API_PREFIXES

# The answer to some requests, without Django; None to the others.
AtOnce = Callable[[Environ], tuple[HTTPStatus, bytes] | None]
OF_PAGES = frozenset(
    {
        "csp.middleware.CSPMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
        # What these say is the same in every answer: see `always`.
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    }
)
# A page below the API's addresses, in the shell of whoever is signed in.
PAGES = frozenset({"/api/v1/docs"})
# Any subdomain may be allowed, and clients choose what they write.
MOST_HOSTS = 100


def content_policy() -> str:
    """The Content-Security-Policy of every answer that no page's own nonce stands in."""
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())


def always(said_by_a_proxy: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers of every answer of the API: its policy, and what Django's own middleware says of any.

    No address of the API is redirected to HTTPS: its client has sent its token already.
    """
    request = WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/api/", "wsgi.input": io.BytesIO()})
    request.META.update(said_by_a_proxy)
    response = HttpResponse()
    del response.headers["Content-Type"]
    for middleware in (SecurityMiddleware, XFrameOptionsMiddleware):
        middleware(lambda _: response)(request)
    return [("Content-Security-Policy", content_policy()), *response.items()]


class ApiRequest(WSGIRequest):
    """It is asked for its host before anything else, by `CommonMiddleware`."""

    # As clients wrote them. Which ones are allowed stays the same while the server runs.
    allowed: ClassVar[set[str]] = set()

    def get_host(self) -> str:
        """Raises DisallowedHost, for the one that Django looks at."""
        host: str = self._get_raw_host()  # type: ignore[attr-defined]
        if host not in self.allowed:
            super().get_host()
            if len(self.allowed) < MOST_HOSTS:
                self.allowed.add(host)
        return host


class ApiHandler(WSGIHandler):
    request_class = ApiRequest

    def __init__(self, at_once: AtOnce) -> None:
        self.at_once = at_once
        # Over HTTPS there is one more, which must not be said elsewhere.
        self.name, self.https = settings.SECURE_PROXY_SSL_HEADER or ("", "")
        self.plain, self.secure = always({}), always({self.name: self.https})
        super().__init__()

    def __call__(  # type: ignore[override]
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        # Of several proxies the first one heard from the client, as Django reads it.
        said = environ.get(self.name, "").partition(",")[0].strip()
        is_secure = bool(self.name) and said == self.https
        further = self.secure if is_secure else self.plain

        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, headers + further, *more)

        # A host that Django has not looked at yet is for Django.
        if environ.get("HTTP_HOST") in ApiRequest.allowed and (told := self._told_at_once(environ)):
            status, headers, content = told
            begin(f"{status.value} {status.phrase}", [*headers, ("Content-Length", str(len(content)))])
            return [content]
        response: HttpResponseBase = super().__call__(environ, begin)
        return response

    def _told_at_once(self, environ: Environ) -> tuple[HTTPStatus, list[tuple[str, str]], bytes] | None:
        """Status, headers and body. What fails is told as Django tells it of an operation."""
        try:
            told = self.at_once(environ)
        except Exception as error:
            failed = response_for_exception(self.request_class(environ), error)
            return HTTPStatus(failed.status_code), list(failed.items()), failed.content
        if told is None:
            return None
        status, content = told
        return status, [("Content-Type", JSON)], content

    def load_middleware(self, is_async: bool = False) -> None:
        everything = settings.MIDDLEWARE
        settings.MIDDLEWARE = [name for name in everything if name not in OF_PAGES]
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = everything


def beside(pages: Application, api: Application) -> Application:
    """The one application that answers both."""

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        handler = api if path.startswith(API_PREFIXES) and path not in PAGES else pages
        return handler(environ, start_response)

    return answer
