from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor
from work import client, provider, work

made = provider()
OpenAIInstrumentor().instrument(tracer_provider=made)
with made.get_tracer("app").start_as_current_span("POST /chat"):
    with using_attributes(session_id="sess-42", user_id="user-7"):
        work(client())
made.force_flush()
