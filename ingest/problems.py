"""Refusals as problem details (RFC 9457): one exception that every API door turns into JSON."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, JsonResponse


class Problem(Exception):
    """A refused request: its HTTP status, and in `detail` what to do about it."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: list[dict[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
        members: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        # More than RFC 9457 names, as it allows: what this kind of refusal has to tell besides.
        self.members = members or {}

    def response(self) -> HttpResponse:
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors is not None:
            body["errors"] = self.errors
        body |= self.members
        return JsonResponse(
            body, status=self.status, headers=self.headers, content_type="application/problem+json"
        )
