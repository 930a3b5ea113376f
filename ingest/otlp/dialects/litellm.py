"""LiteLLM's OpenTelemetry callback: the GenAI conventions, and cost, keys and metadata in names of its own.

Below each request it records the raw exchange once more (`raw_gen_ai_request`); that is no call.
"""

from __future__ import annotations

import ast
from typing import Any

from ingest import sanitising
from ingest.json_objects import Json
from ingest.otlp import associations
from ingest.otlp.facts import Facts, Kind, SpanView, merge
from ingest.otlp.values import first_number, first_text, mapping

_RAW = "raw_gen_ai_request"
_LONGEST = 20_000
# Of its many metadata of keys and budgets, those that say something of the request.
_TAGS = ("user_api_key_alias", "user_api_key_team_alias", "user_api_key_team_id", "user_api_key_org_id")


def read(view: SpanView) -> Facts | None:
    attributes = view.attributes
    if view.span.name == _RAW and any(key.startswith("llm.") for key in attributes):
        return Facts(kind=Kind.OTHER)
    if "hidden_params" not in attributes and not any(
        key.startswith("metadata.user_api_key") for key in attributes
    ):
        return None
    metadata = {
        key: value for key, value in associations.under(attributes, "metadata.").items() if value != "None"
    }
    hidden = _object(attributes.get("hidden_params"))
    told = Facts(
        cost_usd=_cost(attributes, hidden),
        user_id=first_text(attributes, "llm.user") or first_text(metadata, "user_api_key_end_user_id"),
        tags={key: metadata[key] for key in _TAGS if metadata.get(key)},
    )
    own = associations.read(
        {key: value for key, value in metadata.items() if not key.startswith("user_api_key")}
    )
    requester = associations.read(_object(metadata.get("requester_metadata")))
    own.tags = requester.tags
    answers = [told, own, requester]
    return merge([*answers, Facts(user_id=first_text(metadata, "user_api_key_user_id"))])


def _cost(attributes: Json, hidden: Json) -> float | None:
    stated = first_number(attributes, "gen_ai.cost.total_cost", "llm.response.cost")
    return stated if stated is not None else first_number(hidden, "response_cost")


def _object(value: Any) -> Json:
    """An object in JSON, or as Python prints it."""
    found = mapping(value)
    if found or not isinstance(value, str) or not value.startswith("{") or len(value) > _LONGEST:
        return found
    try:
        printed = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    if not isinstance(printed, dict):
        return {}
    plain = {
        key: each
        for key, each in printed.items()
        if isinstance(key, str) and isinstance(each, str | int | float)
    }
    found = sanitising.json_value(plain, set())
    return found if isinstance(found, dict) else {}
