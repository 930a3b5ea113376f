"""How long may an answer take, and how large may it be? Bounds for what comes over the wire."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import httpx

LARGEST_BODY = 4_000_000


def client() -> httpx.Client:
    """A client that asks what the operator has listed, and not what that leads to. Answers come as they are:
    packed ones may be a thousand times as large as they look."""
    return httpx.Client(
        event_hooks={"request": [_begin], "response": [_bound]},
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
    )


def _begin(request: httpx.Request) -> None:
    request.extensions["began"] = time.monotonic()


def _bound(response: httpx.Response) -> None:
    """httpx's time-out is of each read: at a letter a second an answer would never end."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise httpx.DecodingError("the answer is packed, which was not asked for", request=response.request)
    extensions = response.request.extensions
    seconds = extensions.get("timeout", {}).get("read")
    until = math.inf if seconds is None else extensions["began"] + seconds
    assert isinstance(response.stream, httpx.SyncByteStream)
    response.stream = _Bounded(response.stream, until)


class _Bounded(httpx.SyncByteStream):
    """A body that has to end in time, and to be no larger than an answer can be."""

    def __init__(self, body: httpx.SyncByteStream, until: float) -> None:
        self._body, self._until = body, until

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._body:
            size += len(part)
            if time.monotonic() > self._until:
                raise httpx.ReadTimeout("the whole answer did not come in time")
            if size > LARGEST_BODY:
                raise httpx.ReadError("the answer is too large")
            yield part

    def close(self) -> None:
        self._body.close()
