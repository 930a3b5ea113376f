"""The WSGI application; before it every request body is made one that Django can read, and bounded.

WSGI knows no chunked bodies: Django reads one without Content-Length as empty, and would answer 200 to an
exporter whose spans it never saw. The body is therefore read here, up to MAX_BODY_MB.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from django.core.wsgi import get_wsgi_application

from reviewapp.serving.admission import (
    READERS,
    RUNNING,
    WAITING,
    Admission,
    Application,
    Environ,
    Places,
    StartResponse,
    leave_connections_to_turns,
    refuse,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")

PIECE = 64 * 1024
# Most clients hear an answer only once they have sent all: so much of a refused body is read and dropped.
DROPPED_BYTES = 64 * 1024 * 1024


class BodyDoor:
    def __init__(self, application: Application, limit: int, policy: str) -> None:
        self.application = application
        self.limit = limit
        self.policy = policy
        # Fewer than the threads: requests without a body are served however many senders are slow.
        self.readers = Places(READERS)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or ""
        announced = int(length) if length.isdecimal() else 0
        if announced > self.limit:
            return self._refuse_long(environ, start_response)
        chunked = not length and "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if not announced and not chunked:
            return self.application(environ, start_response)
        if not self.readers.take():
            detail = "Too many requests are being uploaded. Send the request again."
            return self._refuse(start_response, HTTPStatus.SERVICE_UNAVAILABLE, detail)
        try:
            body = self._read_body(environ["wsgi.input"], announced)
        finally:
            self.readers.give_back()
        if body is None:
            return self._refuse_long(environ, start_response)
        if len(body) < announced:
            detail = "The body ended before its announced length."
            return self._refuse(start_response, HTTPStatus.BAD_REQUEST, detail)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        return self.application(environ, start_response)

    def _read_body(self, source: Any, announced: int) -> bytes | None:
        return self._read(source, announced) if announced else self._read_chunks(source)

    def _read(self, source: Any, length: int) -> bytes:
        """As much of the announced body as comes."""
        pieces = []
        while length and (piece := source.read(length)):
            length -= len(piece)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_chunks(self, source: Any) -> bytes | None:
        """The whole body, or None when it is longer than allowed."""
        pieces, left = [], self.limit
        while piece := source.read(min(PIECE, left + 1)):
            left -= len(piece)
            if left < 0:
                return None
            pieces.append(piece)
        return b"".join(pieces)

    def _drop(self, source: Any) -> None:
        left = DROPPED_BYTES
        while left > 0 and (piece := source.read(PIECE)):
            left -= len(piece)

    def _refuse_long(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        self._drop(environ["wsgi.input"])
        detail = f"The body is larger than {self.limit} bytes."
        return self._refuse(start_response, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)

    def _refuse(self, start_response: StartResponse, status: HTTPStatus, detail: str) -> list[bytes]:
        headers = {"Content-Security-Policy": self.policy, "Connection": "close"}
        return refuse(start_response, status, detail, headers)


def make_application() -> Application:
    pages = get_wsgi_application()
    from django.conf import settings

    from reviewapp.review.api import at_once
    from reviewapp.serving.api_handler import ApiHandler, beside, content_policy

    leave_connections_to_turns()
    policy = content_policy()
    application = beside(pages, ApiHandler(at_once.answer))
    admission = Admission(application, RUNNING, WAITING, {"Content-Security-Policy": policy})
    return BodyDoor(admission, settings.DATA_UPLOAD_MAX_MEMORY_SIZE, policy)


application = make_application()
