"""What every Python exporter below records: a question, a tool call and its answer, a stream, a failure."""

SYSTEM = "You are a support agent for Acme."
QUESTION = "How long do I have to return an item?"
ORDER = "Where is order A-1001?"
PARAMETERS = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
TOOLS = [
    {
        "type": "function",
        "function": {"name": "get_order", "description": "Look up", "parameters": PARAMETERS},
    }
]


def work(client):
    ask = client.chat.completions.create
    system = {"role": "system", "content": SYSTEM}
    ask(model="gpt-5-mini", messages=[system, {"role": "user", "content": QUESTION}])
    messages = [system, {"role": "user", "content": ORDER}]
    called = ask(model="gpt-5-mini", messages=messages, tools=TOOLS).choices[0].message
    messages.append(called.model_dump(exclude_none=True))
    messages.append(
        {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": '{"status":"shipped"}'}
    )
    ask(model="gpt-5-mini", messages=messages, tools=TOOLS)
    stream = ask(
        model="gpt-5-mini",
        messages=[system, {"role": "user", "content": QUESTION}],
        stream=True,
        stream_options={"include_usage": True},
    )
    for _ in stream:
        pass
    try:
        ask(model="bad-model", messages=[{"role": "user", "content": "hi"}])
    except Exception:  # the failure is what is to be recorded
        pass


def client():
    import openai

    return openai.OpenAI(max_retries=0)


def provider():
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    made = TracerProvider()
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(made)
    return made
