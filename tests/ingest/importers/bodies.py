"""Bodies as the other systems write them: one conversation each, made by hand from their public shapes."""

from typing import Any

START, END = "2026-09-01T12:00:00.000Z", "2026-09-01T12:00:02.000Z"
QUESTION, ANSWER = "How long do I have to return an item?", "30 days."
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]
SAID = {"role": "assistant", "content": ANSWER}

LANGFUSE_EVENTS: dict[str, Any] = {
    "batch": [
        {
            "id": "e1",
            "type": "trace-create",
            "timestamp": START,
            "body": {
                "id": "lf-1",
                "timestamp": START,
                "name": "answer",
                "input": {"question": QUESTION},
                "output": ANSWER,
                "sessionId": "s-1",
                "userId": "u-1",
                "tags": ["prod"],
                "metadata": {"plan": "pro"},
                "environment": "production",
            },
        },
        {
            "id": "e2",
            "type": "generation-create",
            "timestamp": START,
            "body": {
                "id": "lf-gen",
                "traceId": "lf-1",
                "name": "chat",
                "startTime": START,
                "model": "gpt-x",
                "input": ASKED,
                "promptName": "support",
                "promptVersion": 3,
            },
        },
        {
            "id": "e3",
            "type": "generation-update",
            "timestamp": END,
            "body": {
                "id": "lf-gen",
                "traceId": "lf-1",
                "endTime": END,
                "output": SAID,
                "usage": {"input": 12, "output": 3, "unit": "TOKENS"},
                "costDetails": {"total": 0.02},
            },
        },
        {
            "id": "e4",
            "type": "score-create",
            "timestamp": END,
            "body": {"id": "sc-1", "traceId": "lf-1", "name": "user_thumbs", "value": 0,
                     "dataType": "BOOLEAN", "comment": "wrong"},
        },
        {
            "id": "e5",
            "type": "score-create",
            "timestamp": END,
            "body": {"id": "sc-2", "traceId": "lf-1", "observationId": "lf-gen", "name": "tone",
                     "value": "neutral", "dataType": "CATEGORICAL", "source": "EVAL"},
        },
    ],
    "metadata": {"batch_size": 5},
}  # fmt: skip

LANGFUSE_EXPORT: dict[str, Any] = {
    "data": [
        {
            "id": "lf-2",
            "timestamp": START,
            "input": {"messages": ASKED},
            "output": SAID,
            "userId": "u-2",
            "observations": [
                {"id": "o-1", "traceId": "lf-2", "type": "GENERATION", "startTime": START, "endTime": END,
                 "model": "gpt-x", "input": ASKED, "output": SAID, "promptTokens": 12, "completionTokens": 3,
                 "level": "ERROR", "statusMessage": "cut off"},
                {"id": "o-2", "traceId": "lf-2", "type": "SPAN", "name": "lookup", "startTime": START,
                 "parentObservationId": "o-1"},
            ],
            "scores": [{"id": "sc-3", "name": "quality", "value": 0.5, "source": "ANNOTATION"}],
        }
    ],
    "meta": {"page": 1, "totalPages": 1},
}  # fmt: skip

RUN, CHILD = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
LANGSMITH_ROOT: dict[str, Any] = {
    "id": RUN,
    "trace_id": RUN,
    "dotted_order": f"20260901T120000000000Z{RUN}",
    "name": "handle",
    "run_type": "chain",
    "start_time": "2026-09-01T12:00:00",
    "inputs": {"question": QUESTION},
    "extra": {"metadata": {"session_id": "s-1", "user_id": "u-1", "LANGSMITH_PROJECT": "p"}},
    "tags": ["prod"],
    "session_name": "default",
}
LANGSMITH_CHILD: dict[str, Any] = {
    "id": CHILD,
    "trace_id": RUN,
    "parent_run_id": RUN,
    "dotted_order": f"20260901T120000000000Z{RUN}.20260901T120000100000Z{CHILD}",
    "name": "ChatOpenAI",
    "run_type": "llm",
    "inputs": {"messages": ASKED},
    "outputs": {
        "id": "chatcmpl-9",
        "model": "gpt-x-2026",
        "choices": [{"index": 0, "message": SAID, "finish_reason": "stop"}],
        "usage_metadata": {"input_tokens": 12, "output_tokens": 3},
    },
    "extra": {"invocation_params": {"model": "gpt-x"}},
    "end_time": END,
}
LANGSMITH_BATCH: dict[str, Any] = {
    "post": [LANGSMITH_ROOT, LANGSMITH_CHILD],
    "patch": [{"id": RUN, "trace_id": RUN, "end_time": END, "outputs": {"output": ANSWER}}],
}
LANGSMITH_FEEDBACK: dict[str, Any] = {
    "id": "fb-1",
    "created_at": END,
    "run_id": RUN,
    "trace_id": RUN,
    "key": "user_thumbs",
    "score": 0,
    "value": "down",
    "comment": "wrong",
    "correction": {"answer": "14 days"},
    "feedback_source": {"type": "api", "metadata": {"user": "u-1"}},
}

PHOENIX_TRACE, PHOENIX_SPAN = "d254ac6f9f6c389dd66054498f1cbaf7", "89fc62c1ab634f8c"
PHOENIX_SPANS: dict[str, Any] = {
    "data": [
        {
            "id": "U3Bhbjox",
            "name": "ChatCompletion",
            "context": {"trace_id": PHOENIX_TRACE, "span_id": PHOENIX_SPAN},
            "span_kind": "LLM",
            "parent_id": None,
            "start_time": START,
            "end_time": END,
            "status_code": "OK",
            "status_message": "",
            "attributes": {
                "llm.model_name": "gpt-x",
                "llm.token_count.prompt": 12,
                "llm.token_count.completion": 3,
                "llm": {
                    "input_messages": [{"message": {"role": "user", "content": QUESTION}}],
                    "output_messages": [{"message": {"role": "assistant", "content": ANSWER}}],
                },
                "session.id": "s-1",
            },
            "events": [],
        }
    ],
    "next_cursor": None,
}
PHOENIX_ANNOTATIONS: dict[str, Any] = {
    "data": [
        {"name": "correctness", "annotator_kind": "HUMAN", "span_id": PHOENIX_SPAN, "identifier": "rev-1",
         "result": {"label": "incorrect", "score": 0.0, "explanation": "wrong policy"}, "metadata": {"q": 1}},
        {"name": "toxicity", "annotator_kind": "LLM", "span_id": PHOENIX_SPAN,
         "result": {"label": "ok", "score": 0.1}},
        {"name": "user_feedback", "annotator_kind": "HUMAN", "trace_id": PHOENIX_TRACE,
         "result": {"label": "thumbs_down", "score": 0.0}},
    ]
}  # fmt: skip

BRAINTRUST_ROWS: list[dict[str, Any]] = [
    {
        "id": "row-1",
        "span_id": "bt-1",
        "root_span_id": "bt-1",
        "is_root": True,
        "span_parents": None,
        "span_attributes": {"name": "handle", "type": "task"},
        "input": QUESTION,
        "output": ANSWER,
        "expected": "14 days.",
        "scores": {"Factuality": 0.25, "Skipped": None},
        "metadata": {"user_id": "u-1", "session_id": "s-1", "plan": "pro"},
        "tags": ["prod"],
        "metrics": {"start": 1788264000.0, "end": 1788264002.0},
        "created": START,
    },
    {
        "id": "row-2",
        "span_id": "bt-2",
        "root_span_id": "bt-1",
        "span_parents": ["bt-1"],
        "span_attributes": {"name": "Chat Completion", "type": "llm"},
        "input": ASKED,
        "output": [{"index": 0, "message": SAID, "finish_reason": "stop"}],
        "metadata": {"model": "gpt-x"},
        "metrics": {"start": 1788264000.5, "end": 1788264001.5, "prompt_tokens": 12, "completion_tokens": 3},
        "created": START,
    },
]

HELICONE_ROWS: dict[str, Any] = {
    "data": [
        {
            "request_id": "he-1",
            "request_created_at": START,
            "response_created_at": END,
            "request_body": {"model": "gpt-x", "messages": ASKED},
            "response_body": {
                "id": "chatcmpl-7",
                "model": "gpt-x-2026",
                "choices": [{"index": 0, "message": SAID, "finish_reason": "length"}],
                "usage": {"prompt_tokens": 12, "completion_tokens": 3},
            },
            "response_status": 200,
            "request_user_id": "u-1",
            "request_properties": {"Helicone-Session-Id": "s-1", "plan": "pro"},
            "provider": "OPENAI",
            "delay_ms": 2000,
            "cost_usd": 0.02,
            "scores": {"helpful": {"value": 1, "valueType": "number"}},
            "feedback_rating": False,
        }
    ],
    "error": None,
}
