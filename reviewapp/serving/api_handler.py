"""What does a request to the API pass through? All that stands before a page but what only pages need.

Sessions, the guard of forms, who is signed in, messages, htmx and static files cost half a millisecond a
request, and nothing below the API asks for them: its callers bring a token.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from reviewapp.serving.admission import Application, Environ, StartResponse
from reviewapp.serving.failures import API_PREFIXES

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
    }
)
# A page below the API's addresses, in the shell of whoever is signed in.
PAGES = frozenset({"/api/v1/docs"})


def content_policy() -> str:
    """The Content-Security-Policy of every answer that no page's own nonce stands in."""
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())


class ApiHandler(WSGIHandler):
    def __init__(self) -> None:
        self.policy = content_policy()
        super().__init__()

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = super().get_response(request)
        response.headers["Content-Security-Policy"] = self.policy
        return response

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
