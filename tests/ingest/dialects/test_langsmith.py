"""LangSmith's attributes, as its SDK writes them into spans."""

import json

from ingest.otlp.messages import Message
from tests.ingest.dialects.told import (
    ANSWER,
    ASKED,
    ASKED_MESSAGES,
    COMPLETION,
    QUESTION,
    SAID_MESSAGES,
    reading,
    the_call,
)
from tests.ingest.stored import span


def run(span_id="root", parent_id="", *, kind="llm", given=None, answered=None, **said):
    told = {"langsmith.span.kind": kind, "gen_ai.system": "openai"}
    told |= {"gen_ai.prompt": json.dumps(given)} if given is not None else {}
    told |= {"gen_ai.completion": json.dumps(answered)} if answered is not None else {}
    return span(span_id, parent_id, **(told | said))


def test_a_whole_request_and_response():
    call = the_call(run(given={"messages": ASKED, "model": "gpt-x"}, answered=COMPLETION))
    assert (call.input, call.output, call.finish) == (ASKED_MESSAGES, SAID_MESSAGES, ("stop",))


def test_the_responses_api():
    item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ANSWER}]}
    called = {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"}
    call = the_call(
        run(given={"input": QUESTION, "instructions": "Be brief."}, answered={"output": [item, called]})
    )
    assert call.input == ASKED_MESSAGES
    assert [message.text for message in call.output] == [ANSWER, ""]
    assert call.output[1].tool_calls[0].name == "f"


def test_langchains_generations():
    serialised = {"lc": 1, "kwargs": {"content": ANSWER, "type": "ai"}}
    call = the_call(
        run(answered={"generations": [[{"text": ANSWER, "message": serialised}]], "llm_output": None})
    )
    assert call.output == SAID_MESSAGES


def test_a_retriever_is_no_embedding_and_its_raw_output_no_answer():
    output = {"output": [{"page_content": "30 days", "type": "Document", "metadata": {"id": "kb/1"}}]}
    found = reading(
        run(
            kind="retriever",
            given={"q": QUESTION},
            answered=output,
            **{"gen_ai.operation.name": "embeddings"},
        )
    )
    assert found.calls == ()
    assert [(each.id, each.text) for each in found.documents] == [("kb/1", "30 days")]


def test_chains_and_their_metadata():
    said = {
        "langsmith.metadata.session_id": "s",
        "langsmith.metadata.ls_method": "traceable",
        "langsmith.span.tags": "prod, beta",
    }
    found = reading(run(kind="chain", given={"q": QUESTION}, answered={"output": ANSWER}, **said))
    assert (found.input, found.output, found.session_id) == (QUESTION, ANSWER, "s")
    assert found.tags == {"session_id": "s", "prod": True, "beta": True}


def test_a_failed_call_says_nothing():
    assert the_call(run(given={"messages": ASKED}, answered={"output": None})).output == ()


def test_a_gemini_answer():
    answer = {
        "candidates": [{"content": {"role": "model", "parts": [{"text": ANSWER}]}, "finishReason": "STOP"}]
    }
    call = the_call(
        run(given={"contents": [{"role": "user", "parts": [{"text": QUESTION}]}]}, answered=answer)
    )
    assert (call.input, call.output) == ((Message("user", QUESTION),), SAID_MESSAGES)
    assert call.finish == ("stop",)
