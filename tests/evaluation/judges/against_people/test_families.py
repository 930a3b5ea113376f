"""Families are told by name, and what is not known says so."""

from __future__ import annotations

import pytest

from evaluation.judges.against_people import families


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o-2024-08-06", "openai"),
        ("openai/gpt-4.1-mini", "openai"),
        ("azure/gpt-35-turbo", "openai"),
        ("o3-mini", "openai"),
        ("openrouter/openai/o1", "openai"),
        ("claude-3-5-sonnet-20241022", "anthropic"),
        ("bedrock/anthropic.claude-3-haiku-20240307-v1:0", "anthropic"),
        ("vertex_ai/gemini-2.5-pro", "google"),
        ("gemma-2-27b-it", "google"),
        ("meta-llama/Llama-3.3-70B-Instruct", "meta"),
        ("groq/llama3-8b-8192", "meta"),
        ("mixtral-8x7b-32768", "mistral"),
        ("codestral-2405", "mistral"),
        ("Qwen2.5-72B-Instruct", "qwen"),
        ("deepseek-chat", "deepseek"),
        ("deepseek-r1-distill-llama-70b", "deepseek"),
        ("command-r-plus-08-2024", "cohere"),
        ("xai/grok-2", "xai"),
        ("bedrock/amazon.nova-pro-v1:0", "amazon"),
        ("microsoft/Phi-4", "microsoft"),
        ("openai/orion-mini-2026-08-11", ""),
        ("protocol-o2x", ""),
        ("solar-pro", ""),
        ("groking-1", ""),
        ("", ""),
    ],
)
def test_names_tell_their_family(model: str, family: str) -> None:
    assert families.of(model) == family
    assert families.words(family or "x")


def test_the_provider_decides_where_the_name_says_nothing() -> None:
    assert families.of("ft-7", "openai") == "openai"
    assert families.of("ft-7", "aws.bedrock") == ""
    assert families.of("", "openai") == ""


def test_one_family_is_warned_of_and_what_is_unknown_is_said() -> None:
    same = families.kinship("openai", [("openai", 30), ("meta", 10)])
    assert same.same is True
    assert "30 of 40 judged answers come from OpenAI" in same.warning
    other = families.kinship("anthropic", [("openai", 30)])
    assert (other.same, other.warning, other.note) == (False, "", "")
    assert families.kinship("anthropic", [("openai", 30), ("", 3)]).same is None
    assert families.kinship("", [("openai", 3)]).note.startswith("The family of this judge")
    assert families.kinship("anthropic", []).same is None
    assert families.kinship("", [("openai", 3)], has_model=False).same is False
