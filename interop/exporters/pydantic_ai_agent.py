from pydantic_ai import Agent
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from work import ORDER, SYSTEM, provider

made = provider()
seen = Instrumentation(settings=InstrumentationSettings(tracer_provider=made))
agent = Agent(OpenAIChatModel("gpt-5-mini"), system_prompt=SYSTEM, name="support", capabilities=[seen])


@agent.tool_plain
def get_order(order_id: str) -> str:
    """Look up."""
    return "shipped"


who = {"session.id": "sess-42", "user.id": "user-7"}
with made.get_tracer("app").start_as_current_span("POST /chat", attributes=who):
    agent.run_sync(ORDER)
made.force_flush()
