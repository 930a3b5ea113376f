"""The WSGI application, behind a door that makes every request body one Django can read and bounds its size.

WSGI knows no chunked bodies: Django reads one without Content-Length as empty, and would answer 200 to an
exporter whose spans it never saw. The body is therefore read here, up to MAX_BODY_MB.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
PIECE = 64 * 1024
# Most clients hear an answer only once they have sent all: so much of a refused body is read and dropped.
DROPPED_BYTES = 64 * 1024 * 1024


class BodyDoor:
    def __init__(self, application: Application, limit: int, policy: str) -> None:
        self.application = application
        self.limit = limit
        self.policy = policy

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or ""
        if length.isdecimal() and int(length) > self.limit:
            return self._refuse(environ, start_response)
        if not length and "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = self._read(environ["wsgi.input"])
            if body is None:
                return self._refuse(environ, start_response)
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return self.application(environ, start_response)

    def _read(self, source: Any) -> bytes | None:
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

    def _refuse(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        self._drop(environ["wsgi.input"])
        detail = f"The body is larger than {self.limit} bytes."
        problem = {"type": "about:blank", "title": "Content Too Large", "status": 413, "detail": detail}
        body = json.dumps(problem).encode()
        headers = [
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", self.policy),
            ("Connection", "close"),
        ]
        start_response("413 Content Too Large", headers)
        return [body]


def make_application() -> Application:
    application = get_wsgi_application()
    from django.conf import settings

    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    policy = "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())
    return BodyDoor(application, settings.DATA_UPLOAD_MAX_MEMORY_SIZE, policy)


application = make_application()
