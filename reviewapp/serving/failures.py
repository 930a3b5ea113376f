"""What does a client see when a request fails? Problem details or a page, and never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import loader

from ingest.problems import Problem

API_PREFIXES = ("/api/", "/v1/")
RETRY_AFTER_SECONDS = "2"


class ProblemResponses:
    """Turns every error that Django itself answers below the API (400, 404, 405...) into problem details."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code < 400 or not request.path_info.startswith(API_PREFIXES):
            return response
        if "json" in response.headers.get("Content-Type", ""):
            return response
        kept = {name: response.headers[name] for name in ("Allow", "Retry-After") if name in response.headers}
        problem = Problem(response.status_code, HTTPStatus(response.status_code).description, headers=kept)
        return problem.response()


def server_error(request: HttpRequest) -> HttpResponse:
    """The answer to an exception that nothing caught: 503 when the database is away, else 500."""
    # Django calls this while it handles the exception, so it is still the current one.
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        status, detail = (
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database does not answer at the moment. Try again.",
        )
        headers = {"Retry-After": RETRY_AFTER_SECONDS}
    else:
        status, detail = (
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "The server failed on this request; the error is logged.",
        )
        headers = {}
    if request.path_info.startswith(API_PREFIXES):
        return Problem(status, detail, headers=headers).response()
    # Without the request's context: that would ask the database who is signed in.
    page = loader.render_to_string(f"{status.value}.html", {"detail": detail})
    return HttpResponse(page, status=status, headers=headers)
