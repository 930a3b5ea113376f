"""Reads a request's body within the limits, whatever its encoding."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

from ingest import limits, zstandard
from ingest.problems import Problem

_GZIP = 16 + zlib.MAX_WBITS
_CHUNK = limits.MIB


def read(request: HttpRequest) -> bytes:
    """The body, inflated.

    Raises Problem: 413 over a limit, before or after inflation; 415 for an encoding other than gzip, zstd
    or identity; 400 for what is not so packed or breaks off.
    """
    wire = _read_wire(request)
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding in ("", "identity"):
        return wire
    if encoding in ("gzip", "x-gzip"):
        return b"".join(_inflate(wire))
    if encoding == "zstd":
        return _unpack(wire)
    raise Problem(415, f"Content-Encoding {encoding!r} is not supported; send gzip, zstd or identity.")


def _read_wire(request: HttpRequest) -> bytes:
    allowed = settings.MAX_BODY_MB * limits.MIB
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise Problem(400, "Content-Length is not a number.") from None
    if announced > allowed:
        raise _too_large()
    try:
        return request.body
    except RequestDataTooBig:
        raise _too_large() from None
    except UnreadablePostError:
        raise Problem(400, "The body ended before its announced length.") from None


def _too_large() -> Problem:
    return Problem(413, f"The body is larger than {settings.MAX_BODY_MB} MiB; send smaller batches.")


def _allowed(wire: bytes) -> int:
    return min(limits.INFLATED_BYTES, max(limits.RATIO_FREE_BYTES, len(wire) * limits.INFLATION_RATIO))


def _inflated_too_large(allowed: int) -> Problem:
    return Problem(413, f"The body inflates to more than {allowed} bytes; send smaller batches.")


def _unpack(wire: bytes) -> bytes:
    """Zstandard, as LangSmith's SDK sends."""
    allowed = _allowed(wire)
    try:
        content = zstandard.unpack(wire, allowed + 1)
    except OSError as error:
        raise Problem(400, f"The body is not zstd: {error}") from None
    if len(content) > allowed:
        raise _inflated_too_large(allowed)
    return content


def _inflate(wire: bytes) -> Iterator[bytes]:
    allowed = _allowed(wire)
    total = members = 0
    pending = wire
    try:
        # A gzip body may be several members one after the other.
        while pending:
            # Each costs a copy of the rest, so many empty ones would cost the square of their number.
            members += 1
            if members > limits.GZIP_MEMBERS:
                raise Problem(413, f"The gzip body has more than {limits.GZIP_MEMBERS} members.")
            member = zlib.decompressobj(_GZIP)
            while not member.eof:
                chunk = member.decompress(pending, _CHUNK)
                pending = member.unconsumed_tail
                if not chunk and not member.eof:
                    raise Problem(400, "The gzip body is incomplete.")
                total += len(chunk)
                if total > allowed:
                    raise _inflated_too_large(allowed)
                yield chunk
            pending = member.unused_data.lstrip(b"\x00")
    except zlib.error as error:
        raise Problem(400, f"The body is not gzip: {error}") from None


def bound_values(body: bytes, marks: bytes, most: int) -> None:
    """Refuse, unparsed, what would take far more memory parsed: each value begins with one of `marks`."""
    if len(body) > most and sum(body.count(mark) for mark in marks) > most:
        raise Problem(413, f"The body holds more than {most} values; send smaller batches.")
