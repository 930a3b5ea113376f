"""Which family does a model belong to? Judges prefer their own, so a judge should be of another family.

By name alone, without asking anyone. What is not known is "", and is told as not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

WORDS = {
    "openai": "OpenAI (GPT)",
    "anthropic": "Anthropic (Claude)",
    "google": "Google (Gemini, Gemma)",
    "meta": "Meta (Llama)",
    "mistral": "Mistral",
    "qwen": "Qwen",
    "deepseek": "DeepSeek",
    "cohere": "Cohere (Command)",
    "xai": "xAI (Grok)",
    "amazon": "Amazon (Nova, Titan)",
    "microsoft": "Microsoft (Phi)",
    "nvidia": "NVIDIA (Nemotron)",
    "ai21": "AI21 (Jamba)",
    "moonshot": "Moonshot (Kimi)",
    "zhipu": "Zhipu (GLM)",
    "minimax": "MiniMax",
}
# The first that is found in a name counts; a distilled model is of the family that taught it.
_NAMES = (
    ("deepseek", r"deepseek"),
    ("nvidia", r"nemotron"),
    ("anthropic", r"claude"),
    ("openai", r"chatgpt|gpt-?\d|gpt-oss|davinci|babbage|(?<![a-z0-9])o[1-9](?![a-z0-9])"),
    ("google", r"gemini|gemma|palm-?2|(?<![a-z])bison|learnlm"),
    ("mistral", r"mistral|mixtral|ministral|codestral|magistral|pixtral|devstral"),
    ("qwen", r"qwen|(?<![a-z])qwq"),
    ("cohere", r"command-?(?:r|a|light|nightly|text)|(?<![a-z])command$|(?<![a-z])aya(?![a-z])"),
    ("xai", r"(?<![a-z])grok(?![a-z])"),
    ("amazon", r"(?<![a-z])nova-(?:micro|lite|pro|premier|\d)|amazon\.|titan-text"),
    ("microsoft", r"(?<![a-z])phi-?\d"),
    ("ai21", r"jamba|jurassic"),
    ("moonshot", r"kimi|moonshot"),
    ("zhipu", r"(?<![a-z])(?:chat)?glm-?\d"),
    ("minimax", r"minimax"),
    ("meta", r"llama"),
)
# Where the name says nothing, who serves it; those who serve models of others say nothing.
_PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "google": "google",
    "mistral": "mistral",
    "mistralai": "mistral",
    "deepseek": "deepseek",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "xai": "xai",
    "x-ai": "xai",
    "x_ai": "xai",
    "meta": "meta",
    "meta-llama": "meta",
    "meta_llama": "meta",
    "qwen": "qwen",
    "alibaba": "qwen",
    "dashscope": "qwen",
    "amazon": "amazon",
    "ai21": "ai21",
    "moonshot": "moonshot",
}
_PATTERNS = tuple((family, re.compile(pattern)) for family, pattern in _NAMES)


def of(model: str, provider: str = "") -> str:
    """The family of a model by its name, as `gpt-4o` or `bedrock/anthropic.claude-3-haiku`; "" if unknown.

    An endpoint that speaks a protocol is named like its maker ("openai/orion-mini"), so a prefix of a judge's
    own litellm name decides nothing; the provider that a trace states does.
    """
    name = model.strip().lower().replace("_", "-").replace(" ", "-")
    for family, pattern in _PATTERNS:
        if pattern.search(name):
            return family
    return _PROVIDERS.get(provider.strip().lower().rpartition(".")[2], "") if model else ""


def words(family: str) -> str:
    return WORDS.get(family, family)


@dataclass(frozen=True, slots=True)
class Kinship:
    """A judge beside what it judges. `same` is None where it is not known; `judged` counts traces by family,
    the greatest first, "" for those of which none is known."""

    judge: str
    judged: tuple[tuple[str, int], ...]
    same: bool | None
    warning: str = ""
    note: str = ""


def kinship(judge: str, judged: Iterable[tuple[str, int]], *, has_model: bool = True) -> Kinship:
    """Of a judge's family, and of the families of judged traces with their numbers."""
    counts: Counter[str] = Counter()
    for family, n in judged:
        counts[family] += n
    told = tuple(counts.most_common())
    if not has_model:
        return Kinship("", told, same=False, note="This judge is not a model, so it belongs to no family.")
    own, unknown, total = counts[judge] if judge else 0, counts[""], counts.total()
    if own:
        share = f"{own:,} of {total:,} judged answers" if own < total else "all judged answers"
        return Kinship(
            judge,
            told,
            same=True,
            warning=f"Judge and judged model are of the same family: {share} come from {words(judge)}, "
            "and judges tend to prefer their own. Use a judge of another family, or read the self-preference "
            "probe.",
        )
    if not judge:
        return Kinship("", told, same=None, note="The family of this judge cannot be told from its name.")
    if unknown or not total:
        return Kinship(
            judge, told, same=None, note="The family of the judged model cannot be told from its name."
        )
    return Kinship(judge, told, same=False)
