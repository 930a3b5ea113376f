"""In which dialects can a span be written, and which one takes precedence?

A dialect is one module with `read(view)`, its answer or None. A span may carry attributes of several: each
field is taken from the first row that fills it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ingest.otlp.dialects import (
    genai,
    general,
    google_adk,
    langfuse,
    langsmith,
    litellm,
    mlflow,
    openinference,
    openllmetry,
    pydantic_ai,
    vercel,
    wrappers,
)
from ingest.otlp.facts import Facts, SpanView, merge


class Dialect(NamedTuple):
    """`heads`: the first words of its attributes' names; a span without any is not read by it, and a dialect
    without heads is always asked. `indexed`: the prefixes of its numbered keys. `claims`: attributes that
    the rows below must not read where this dialect has answered, since it means something else by them."""

    name: str
    read: Callable[[SpanView], Facts | None]
    heads: frozenset[str] = frozenset()
    indexed: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


PRECEDENCE: tuple[Dialect, ...] = (
    Dialect("general", general.read),
    Dialect("langsmith", langsmith.read, frozenset({"langsmith"}), claims=langsmith.CLAIMS),
    Dialect("genai", genai.read, indexed=genai.INDEXED),
    Dialect("vercel", vercel.read, frozenset({"ai"})),
    Dialect("pydantic_ai", pydantic_ai.read, pydantic_ai.HEADS),
    Dialect("litellm", litellm.read, frozenset({"hidden_params", "metadata", "llm"})),
    Dialect("openinference", openinference.read, openinference.HEADS, openinference.INDEXED),
    Dialect("langfuse", langfuse.read, frozenset({"langfuse"})),
    Dialect("openllmetry", openllmetry.read, frozenset({"traceloop", "llm"}), openllmetry.INDEXED),
    Dialect("mlflow", mlflow.read, frozenset({"mlflow"})),
    Dialect("google_adk", google_adk.read, frozenset({"gcp"})),
    Dialect("wrappers", wrappers.read, wrappers.HEADS),
)

_INDEXED = tuple(prefix for dialect in PRECEDENCE for prefix in dialect.indexed)


def read_span(view: SpanView) -> Facts:
    """What the span says, after all dialects were asked."""
    view.indexed = {key: value for key, value in view.attributes.items() if key.startswith(_INDEXED)}
    heads = {key.partition(".")[0].partition(":")[0] for key in view.attributes}
    answers = []
    for dialect in PRECEDENCE:
        if dialect.heads and dialect.heads.isdisjoint(heads):
            continue
        facts = dialect.read(view)
        if facts is None:
            continue
        answers.append(facts)
        if dialect.claims:
            view.attributes = {
                key: value for key, value in view.attributes.items() if key not in dialect.claims
            }
    return merge(answers)
