"""Which named parts does a multipart body hold? Its JSON is read; files and attachments are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingest import documents, limits
from ingest.problems import Problem

_NAME = re.compile(rb'name="([^"]{1,400})"')


def parts(body: bytes, parameters: Mapping[str, str | bytes]) -> Iterator[tuple[str, Any]]:
    """Name and JSON value of each part, in order; Malformed in the place of what is not JSON."""
    boundary = parameters.get("boundary", b"")
    boundary = boundary.encode() if isinstance(boundary, str) else boundary
    if not boundary:
        raise Problem(400, "The multipart body names no boundary.")
    sections = body.split(b"--" + boundary)
    if len(sections) > 4 * limits.SPANS:
        raise Problem(413, f"The body has more than {4 * limits.SPANS} parts; send smaller batches.")
    for section in sections[1:]:
        head, _, content = section.lstrip(b"\r\n").partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name and b"application/json" in head.lower():
            yield name[1].decode("utf-8", "replace"), _json(content.removesuffix(b"\r\n"))


def _json(content: bytes) -> Any:
    try:
        return documents.parse(content)
    except documents.Malformed as error:
        return error
