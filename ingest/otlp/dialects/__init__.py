"""In which dialects can a span speak, and whose word counts first?

A dialect is one module with `INDEXED`, the prefixes of its numbered keys, and `read(view)`, its answer or
None. A span may carry attributes of several: each field is taken from the first row that fills it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ingest.otlp.dialects import genai, general, openinference
from ingest.otlp.facts import Facts, SpanView, merge


class Dialect(NamedTuple):
    name: str
    read: Callable[[SpanView], Facts | None]
    indexed: tuple[str, ...]


PRECEDENCE: tuple[Dialect, ...] = (
    Dialect("general", general.read, general.INDEXED),
    Dialect("genai", genai.read, genai.INDEXED),
    Dialect("openinference", openinference.read, openinference.INDEXED),
)

_INDEXED = tuple(prefix for dialect in PRECEDENCE for prefix in dialect.indexed)


def read_span(view: SpanView) -> Facts:
    """What the span says, after all dialects were asked."""
    view.indexed = {key: value for key, value in view.attributes.items() if key.startswith(_INDEXED)}
    return merge([facts for dialect in PRECEDENCE if (facts := dialect.read(view)) is not None])
