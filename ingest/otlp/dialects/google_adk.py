"""Google's Agent Development Kit: the whole request and response in `gcp.vertex.agent.*`."""

from __future__ import annotations

from ingest.otlp.facts import Facts, Kind, SpanView, finish_reason
from ingest.otlp.payloads import read_request, read_response, readable, usage
from ingest.otlp.values import first_text, mapping, text

_OWN = "gcp.vertex.agent."


def read(view: SpanView) -> Facts | None:
    attributes = view.attributes
    if not any(key.startswith(_OWN) for key in attributes):
        return None
    request = mapping(attributes.get(f"{_OWN}llm_request"))
    response = mapping(attributes.get(f"{_OWN}llm_response"))
    input_tokens, output_tokens = usage(response.get("usage_metadata"))
    stopped = text(response.get("finish_reason"))
    return Facts(
        # Its request span was once called `call_llm` and has no operation.
        implied_kind=Kind.GENERATION if request or response else "",
        model=first_text(request, "model"),
        response_model=first_text(response, "model_version"),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        finish=(finish_reason(stopped),) if stopped else (),
        input=read_request(request) if request else (),
        output=read_response(response.get("content")) if response.get("content") else (),
        input_text=readable(attributes.get(f"{_OWN}tool_call_args"), "user"),
        output_text=readable(attributes.get(f"{_OWN}tool_response"), "assistant"),
        conversation_id=first_text(attributes, f"{_OWN}session_id"),
        user_id=first_text(attributes, f"{_OWN}user_id"),
    )
