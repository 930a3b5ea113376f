"""OpenLLMetry's wrappers, MLflow, Google's kit and the packages of one table."""

import json

import pytest

from tests.ingest.dialects.told import (
    ANSWER,
    ASKED,
    ASKED_MESSAGES,
    COMPLETION,
    QUESTION,
    SAID,
    SAID_MESSAGES,
    reading,
    the_call,
)
from tests.ingest.stored import chat, span


def test_a_workflow_of_openllmetry():
    found = reading(
        span(
            **{
                "traceloop.span.kind": "workflow",
                "traceloop.workflow.name": "support",
                "traceloop.entity.input": json.dumps({"args": [QUESTION], "kwargs": {}}),
                "traceloop.entity.output": json.dumps(ANSWER),
                "traceloop.association.properties.session_id": "s",
                "traceloop.association.properties.user_id": "u",
                "traceloop.prompt.key": "greeting",
                "traceloop.prompt.version": 2,
            }
        ),
        chat("c", "root", start=0.1),
    )
    assert (found.input, found.output, found.io_source) == (QUESTION, ANSWER, "root")
    assert (found.session_id, found.user_id, found.route) == ("s", "u", "support")
    assert (found.prompt_name, found.prompt_version) == ("greeting", "2")


def test_openllmetry_before_the_conventions():
    call = the_call(
        span(
            **{
                "llm.request.type": "chat",
                "llm.vendor": "OpenAI",
                "llm.request.model": "gpt-x",
                "llm.response.model": "gpt-x-2026",
                "llm.usage.prompt_tokens": 12,
                "llm.usage.completion_tokens": 3,
                "llm.prompts.0.role": "system",
                "llm.prompts.0.content": "Be brief.",
                "llm.prompts.1.role": "user",
                "llm.prompts.1.content": QUESTION,
                "llm.completions.0.content": ANSWER,
                "llm.completions.0.finish_reason": "stop",
            }
        )
    )
    assert (call.provider, call.model, call.response_model) == ("OpenAI", "gpt-x", "gpt-x-2026")
    assert (call.input, call.output, call.finish) == (ASKED_MESSAGES, SAID_MESSAGES, ("stop",))
    assert (call.input_tokens, call.output_tokens) == (12, 3)


def test_openllmetrys_embeddings_are_no_generations():
    call = the_call(
        span(**{"llm.request.type": "embedding", "gen_ai.request.model": "e", "gen_ai.prompt.0.content": "x"})
    )
    assert not call.is_generation and call.op == "embedding"


def test_mlflow():
    root = span(
        **{
            "mlflow.spanType": '"CHAIN"',
            "mlflow.spanInputs": json.dumps({"q": QUESTION}),
            "mlflow.spanOutputs": json.dumps(ANSWER),
        }
    )
    call = span(
        "c",
        "root",
        start=0.1,
        **{
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": json.dumps({"messages": ASKED, "model": "gpt-x"}),
            "mlflow.spanOutputs": json.dumps(COMPLETION),
            "mlflow.chat.tokenUsage": '{"input_tokens": 12, "output_tokens": 3}',
        },
    )
    found = reading(root, call)
    assert (found.input, found.output, found.model) == (QUESTION, ANSWER, "gpt-x-2026")
    assert (found.input_tokens, found.output_tokens) == (12, 3)
    assert found.calls[0].input == ASKED_MESSAGES


def test_googles_kit():
    request = {
        "model": "gemini-x",
        "config": {"system_instruction": "Be brief."},
        "contents": [{"role": "user", "parts": [{"text": QUESTION}]}],
    }
    response = {
        "content": {"role": "model", "parts": [{"text": ANSWER}]},
        "finish_reason": "STOP",
        "usage_metadata": {"prompt_token_count": 12, "candidates_token_count": 3},
    }
    call = the_call(
        span(
            name="call_llm",
            **{
                "gcp.vertex.agent.llm_request": json.dumps(request),
                "gcp.vertex.agent.llm_response": json.dumps(response),
            },
        )
    )
    assert (call.model, call.input, call.output) == ("gemini-x", ASKED_MESSAGES, SAID_MESSAGES)
    assert (call.input_tokens, call.output_tokens, call.finish) == (12, 3, ("stop",))


@pytest.mark.parametrize(
    "said",
    [
        {"lmnr.span.type": "LLM", "lmnr.span.input": json.dumps(ASKED), "lmnr.span.output": json.dumps(SAID)},
        {
            "agentops.span.kind": "llm",
            "agentops.entity.input": json.dumps(ASKED),
            "agentops.entity.output": ANSWER,
        },
        {
            "braintrust.span_attributes": '{"type": "llm"}',
            "braintrust.input_json": json.dumps(ASKED),
            "braintrust.output_json": json.dumps([{"message": SAID, "finish_reason": "stop"}]),
        },
        {
            "langwatch.span.type": "llm",
            "langwatch.input": json.dumps({"type": "chat_messages", "value": ASKED}),
            "langwatch.output": json.dumps({"type": "chat_messages", "value": [SAID]}),
        },
        {
            "genkit:type": "action",
            "genkit:metadata:subtype": "model",
            "genkit:input": json.dumps({"messages": ASKED}),
            "genkit:output": json.dumps({"message": SAID}),
        },
        {
            "framework": "promptflow",
            "span_type": "LLM",
            "inputs": json.dumps({"messages": ASKED}),
            "output": json.dumps(COMPLETION),
        },
    ],
    ids=lambda said: next(iter(said)),
)
def test_a_call_in_each_packages_names(said):
    call = the_call(span(**said))
    assert (call.input, call.output) == (ASKED_MESSAGES, SAID_MESSAGES)


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        ("lmnr.span.input", "lmnr.span.output"),
        ("agentops.entity.input", "agentops.entity.output"),
        ("haystack.pipeline.input_data", "haystack.pipeline.output_data"),
        ("genkit:input", "genkit:output"),
    ],
)
def test_a_step_in_each_packages_names(given, answered):
    found = reading(
        span(**{given: json.dumps({"question": QUESTION}), answered: json.dumps({"answer": ANSWER})})
    )
    assert (found.input, found.output) == (QUESTION, ANSWER)
