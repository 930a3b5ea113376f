"""Which JSON documents does a request body hold? One object, a list, an envelope around one, or NDJSON."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from ingest import half_characters, limits
from ingest.body import bound_values
from ingest.problems import Problem

JSON = "application/json"
NDJSON = "application/x-ndjson"
LINES = frozenset(
    {
        NDJSON,
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonl",
        "application/jsonlines",
        "application/x-jsonlines",
        "application/json-lines",
    }
)
# A string, and whether it is a key. The possessive quantifiers keep the search linear.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"\s*+(:?)', re.DOTALL)


class Malformed(ValueError):
    """What is not JSON, or not JSON that every reader understands alike."""


@dataclass(frozen=True, slots=True)
class Documents:
    """`items` are decoded values, or Malformed in the place of a line that is not JSON.

    `bulk` is False for a body that is a single object, whose sender expects an answer about that one.
    """

    items: list[Any]
    bulk: bool


def read(body: bytes, content_type: str | None, *, envelope: str, most: int) -> Documents:
    """The documents of a body; `envelope` names the key under which a list may lie.

    Raises Problem: 415 for another content type, 400 for what is not JSON, 413 for more than `most` items.
    """
    if content_type and content_type != JSON and content_type not in LINES:
        raise Problem(415, f"Content-Type {content_type!r} is not supported; send {JSON} or {NDJSON}.")
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not body:
        raise Problem(400, "The body is empty; send a JSON object, a list, or one object per line.")
    bound_values(body, b",", limits.VALUES)
    documents = _documents(body, content_type in LINES, envelope, most)
    if len(documents.items) > most:
        raise Problem(413, f"The body holds more than {most} items; send smaller batches.")
    if not documents.items:
        raise Problem(400, "The body holds no items.")
    return documents


def _documents(body: bytes, lines: bool, envelope: str, most: int) -> Documents:
    if lines:
        return Documents(_lines(body, most), bulk=True)
    try:
        value = parse(body)
    except Malformed as error:
        # NDJSON is often sent under the name of JSON: then the first line is a document of its own.
        if (
            body.startswith(b"{")
            and b"\n" in body
            and not isinstance(_line(body.split(b"\n", 1)[0]), Malformed)
        ):
            return Documents(_lines(body, most), bulk=True)
        raise Problem(400, f"The body is not JSON: {error}") from None
    if isinstance(value, dict) and isinstance(value.get(envelope), list) and len(value) == 1:
        return Documents(value[envelope], bulk=True)
    return Documents(value, bulk=True) if isinstance(value, list) else Documents([value], bulk=False)


def _lines(body: bytes, most: int) -> list[Any]:
    """The lines' documents, up to the first one too many."""
    lines = (line for line in io.BytesIO(body) if line.strip())
    return [_line(line) for line in islice(lines, most + 1)]


def _line(line: bytes) -> Any:
    try:
        return parse(line)
    except Malformed as error:
        return error


def parse(body: bytes) -> Any:
    """The JSON value. Raises Malformed, also for a repeated key and for what is nested beyond the limit."""
    try:
        value, body = half_characters.decode(msgspec.json.decode, body)
        keys = _count_keys(value, limits.NESTING)
    except UnicodeDecodeError:
        raise Malformed("it is not UTF-8") from None
    except RecursionError:
        raise Malformed(f"it is nested deeper than {limits.NESTING} levels") from None
    except msgspec.MsgspecError as error:
        raise Malformed(str(error).removeprefix("JSON is malformed: ")) from None
    # The decoder takes the last of equal keys and says nothing, so the keys are counted on both sides.
    if keys != _STRING.findall(body).count(b":"):
        raise Malformed("an object has the same key twice")
    return value


def _count_keys(value: Any, levels: int) -> int:
    if isinstance(value, dict):
        children: Any = value.values()
        count = len(value)
    elif isinstance(value, list):
        children, count = value, 0
    else:
        return 0
    if not levels:
        raise Malformed(f"it is nested deeper than {limits.NESTING} levels")
    for child in children:
        if isinstance(child, dict | list):
            count += _count_keys(child, levels - 1)
    return count
