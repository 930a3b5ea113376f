"""LiteLLM's attributes: cost, user, metadata, and a raw exchange that is no call."""

import json

from tests.ingest.dialects.told import reading
from tests.ingest.stored import chat, span


def request(**said):
    told = {"hidden_params": json.dumps({"response_cost": 0.25}), "metadata.user_api_key_hash": ""}
    return chat(**(told | said))


def test_cost_and_user():
    found = reading(request(**{"llm.user": "u"}))
    assert (found.cost_usd, found.user_id) == (0.25, "u")
    assert reading(request(**{"gen_ai.cost.total_cost": 0.5})).cost_usd == 0.5


def test_metadata_in_python_or_json():
    for written in ("{'session_id': 's', 'plan': 'pro'}", '{"session_id": "s", "plan": "pro"}'):
        found = reading(request(**{"metadata.requester_metadata": written}))
        assert (found.session_id, found.tags["plan"]) == ("s", "pro")
    assert reading(request(**{"metadata.requester_metadata": "{broken"})).session_id == ""
    assert reading(request(**{"metadata.user_api_key_user_id": "None"})).user_id == ""


def test_the_raw_exchange_is_no_call():
    raw = span(
        "raw", "root", name="raw_gen_ai_request", **{"llm.openai.model": "gpt-x", "llm.openai.id": "x"}
    )
    assert [call.span_id for call in reading(request(), raw).calls] == ["root"]


def test_a_function_call_in_numbered_keys():
    found = reading(
        request(
            **{
                "gen_ai.completion.0.function_call.name": "f",
                "gen_ai.completion.0.function_call.arguments": "{}",
            }
        )
    )
    assert [(each.name, each.arguments) for each in found.calls[0].output[0].tool_calls] == [("f", {})]
