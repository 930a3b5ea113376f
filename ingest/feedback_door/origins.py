"""Which pages may send feedback to this project from their own origin (CORS)?

A preflight carries no token, so it is answered for an origin that any project allows; the request itself
then needs one of the project of its token. Cookies are never allowed, and no origin stands for all.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from ingest.feedback_door.rows import FeedbackDoor

PREFLIGHT_KEPT_SECONDS = 600
MOST_ORIGINS = 50
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\]")
_PORTS = {"http": 80, "https": 443}


class OriginRefused(ValueError):
    """What was typed is no origin; the message says what one looks like."""


def normal(typed: str) -> str:
    """The origin as browsers spell it: scheme, host, and a port that is not the scheme's own."""
    example = "an origin looks like https://shop.example.org, without a path"
    try:
        parts = urlsplit(typed.strip().lower())
        port = parts.port
    except ValueError:
        raise OriginRefused(f"“{typed}”: {example}.") from None
    host = parts.netloc.rpartition("@")[2].removesuffix(f":{port}")
    if "*" in typed:
        raise OriginRefused(f"“{typed}”: name each origin; there is no wildcard.")
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host) or "@" in parts.netloc:
        raise OriginRefused(f"“{typed}”: {example}.")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise OriginRefused(f"“{typed}”: {example}.")
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != _PORTS[parts.scheme] else "")


def is_known(origin: str) -> bool:
    return FeedbackDoor.objects.filter(origins__contains=[origin]).exists()


def of(request: HttpRequest) -> str:
    return request.headers.get("Origin", "")[:300].replace("\0", "")


def is_preflight(request: HttpRequest) -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def preflight(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(status=204)
    patch_vary_headers(response, ["Origin"])
    origin = of(request)
    if origin and is_known(origin):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Methods"] = "POST"
        response["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response["Access-Control-Max-Age"] = str(PREFLIGHT_KEPT_SECONDS)
    return response


def open_to(response: HttpResponseBase, origin: str) -> None:
    """Let the page of this origin read the answer, and how long it should wait."""
    response["Access-Control-Allow-Origin"] = origin
    response["Access-Control-Expose-Headers"] = "Retry-After"
