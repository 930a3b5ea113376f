"""Where may judges be asked? The operator's list (JUDGES_FILE); no page or request can name another place.

[[endpoint]]
name = "orion"
model = "openai/orion-mini-2026-08-11"
base_url = "https://models.example/v1"
key = "ORION_API_KEY"            # the environment variable that holds the key
input_price = 0.15               # dollars for a million tokens
output_price = 0.60
timeout = 30
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from django.conf import settings

# A snapshot names a date or a revision; an alias may point elsewhere tomorrow.
PINNED = re.compile(r"\d{4}-?\d{2}-?\d{2}|@[0-9a-f]{7,}|-\d{3,4}$")

# What stands before the slash of a model. Of these a test shows that an answer is bounded and a call is one
# request; litellm asks others by ways of its own, or again by itself.
KINDS = (
    "openai", "anthropic", "azure", "azure_ai", "cerebras", "cohere", "cohere_chat", "databricks", "deepseek",
    "fireworks_ai", "gemini", "groq", "hosted_vllm", "huggingface", "litellm_proxy", "llamafile", "lm_studio",
    "mistral", "openrouter", "perplexity", "together_ai", "vercel_ai_gateway", "xai",
)  # fmt: skip
# An attempt's lease is longer (claims.LEASE_SECONDS), so nobody asks again while the first call may answer.
LONGEST_CALL = 110.0
Price = Annotated[float, msgspec.Meta(ge=0)]


class Endpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    model: str
    base_url: str = ""
    key: str = ""
    input_price: Price = 0.0
    output_price: Price = 0.0
    timeout: Annotated[float, msgspec.Meta(gt=0, le=LONGEST_CALL)] = 30.0
    family: str = ""

    @property
    def kind(self) -> str:
        return self.model.partition("/")[0] if "/" in self.model else ""

    @property
    def is_paid(self) -> bool:
        return self.input_price > 0 or self.output_price > 0

    @property
    def is_pinned(self) -> bool:
        return bool(PINNED.search(self.model))

    def secret(self) -> str:
        return os.environ.get(self.key, "") if self.key else ""


class Misconfigured(ValueError):
    """The operator's list cannot be read; the text says where, for the operator."""


@dataclass(frozen=True, slots=True)
class _Read:
    changed_at: float
    endpoints: dict[str, Endpoint]


_read: dict[str, _Read] = {}


def known() -> dict[str, Endpoint]:
    """By name; read again when the file has changed. Raises Misconfigured."""
    path = str(settings.JUDGES_FILE)
    if not path:
        return {}
    try:
        changed_at = Path(path).stat().st_mtime
        if path not in _read or _read[path].changed_at != changed_at:
            _read[path] = _Read(changed_at, _parse(Path(path).read_bytes()))
    except OSError as error:
        raise Misconfigured(f"JUDGES_FILE cannot be read: {error.strerror}") from None
    return _read[path].endpoints


def _parse(raw: bytes) -> dict[str, Endpoint]:
    try:
        listed = tomllib.loads(raw.decode()).get("endpoint", [])
        found = msgspec.convert(listed, list[Endpoint])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Misconfigured(f"JUDGES_FILE is not as described: {error}") from None
    named = {each.name: each for each in found}
    if len(named) < len(found):
        raise Misconfigured("JUDGES_FILE is not as described: two endpoints have the same name")
    for each in found:
        if each.kind not in KINDS:
            raise Misconfigured(
                f"JUDGES_FILE: the model of {each.name} begins with none of the kinds that can be asked "
                f"({', '.join(KINDS)}). Whatever speaks OpenAI's protocol can be asked as openai/{each.model}"
            )
    return named
