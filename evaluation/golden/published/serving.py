"""How are a version's bytes sent? Ranges, validators, digests (RFC 9110, 9530); long bodies in slices."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags

from evaluation.golden.models import GoldenVersion
from evaluation.golden.published import slices
from evaluation.golden.published.versions import digest_text
from ingest.problems import Problem

IMMUTABLE = "private, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
_RANGE = re.compile(r"bytes=\s*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes of a row, read when they are sent."""

    pk: int
    sha256: bytes
    size: int

    def read(self, start: int, end: int) -> bytes:
        return slices.between(self.pk, start, end - start)

    def stream(self, start: int, end: int) -> Iterator[bytes]:
        return slices.stream(self.pk, start, end)


class Rendered:
    """Bytes made for this request."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.sha256 = hashlib.sha256(content).digest()
        self.size = len(content)

    def read(self, start: int, end: int) -> bytes:
        return self.content[start:end]

    def stream(self, start: int, end: int) -> Iterator[bytes]:
        yield self.content[start:end]


Body = Stored | Rendered


@dataclass(frozen=True, slots=True)
class Representation:
    """One format of one version, or of the part of it that was asked for."""

    version: GoldenVersion
    body: Body
    media_type: str
    items: int
    file_name: str
    # Where these very bytes stay, when they were asked for as the latest.
    location: str = ""

    @property
    def etag(self) -> str:
        return f'"{self.body.sha256.hex()}"'

    def headers(self) -> dict[str, str]:
        """What every answer about it carries, a 304 too."""
        found = {
            "ETag": self.etag,
            "Cache-Control": ASK_AGAIN if self.location else IMMUTABLE,
            "X-Golden-Version": str(self.version.number),
            "X-Golden-Items": str(self.items),
            "X-Golden-Digest": digest_text(self.version),
        }
        return found | ({"Content-Location": self.location} if self.location else {})

    def digest(self) -> str:
        return f"sha-256=:{base64.b64encode(self.body.sha256).decode()}:"


def answer(request: HttpRequest, shown: Representation) -> HttpResponseBase:
    if not _precondition_holds(request, shown):
        raise Problem(412, "If-Match names other bytes than these.")
    if _is_known(request, shown):
        unchanged = HttpResponse(status=304, headers=shown.headers())
        del unchanged["Content-Type"]
        return unchanged
    start, end, status = 0, shown.body.size, 200
    if request.method == "GET" and (asked := _range(request, shown)):
        start, end = asked
        status = 206
    headers = shown.headers() | {
        "Accept-Ranges": "bytes",
        "Repr-Digest": shown.digest(),
        "Content-Length": str(end - start),
        "Content-Disposition": f'attachment; filename="{shown.file_name}"',
    }
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{shown.body.size}"
    return _response(request, shown, (start, end), status, headers)


def _response(
    request: HttpRequest,
    shown: Representation,
    span: tuple[int, int],
    status: int,
    headers: dict[str, str],
) -> HttpResponseBase:
    start, end = span
    if request.method == "HEAD" or start == end:
        return HttpResponse(status=status, headers=headers, content_type=shown.media_type)
    if end - start <= slices.AT_ONCE:
        try:
            content = shown.body.read(start, end)
        except slices.Gone:
            raise Problem(410, f"Version {shown.version.number} was withdrawn just now.") from None
        return HttpResponse(content, status=status, headers=headers, content_type=shown.media_type)
    streamed = shown.body.stream(start, end)
    return StreamingHttpResponse(streamed, status=status, headers=headers, content_type=shown.media_type)


def _precondition_holds(request: HttpRequest, shown: Representation) -> bool:
    given = request.headers.get("If-Match", "").strip()
    return not given or given == "*" or shown.etag in parse_etags(given)


def _is_known(request: HttpRequest, shown: Representation) -> bool:
    """Weak comparison, as If-None-Match asks for."""
    given = request.headers.get("If-None-Match", "").strip()
    if not given:
        return False
    return given == "*" or shown.etag in {each.removeprefix("W/") for each in parse_etags(given)}


def _range(request: HttpRequest, shown: Representation) -> tuple[int, int] | None:
    """The one part asked for; None for all of it, as for several parts or what is no range of bytes.

    Raises Problem 416 for a range beyond the end.
    """
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    unless = request.headers.get("If-Range", "").strip()
    if not found or (unless and unless != shown.etag):
        return None
    size = shown.body.size
    first, last, tail = found.groups()
    if tail is not None:
        start, end = max(0, size - int(tail)), size
        start = size if int(tail) == 0 else start
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            return None
    if start >= size:
        raise Problem(
            416,
            f"The body has {size} bytes; this range lies beyond its end.",
            headers={"Content-Range": f"bytes */{size}", **shown.headers()},
        )
    return start, end
