import os

from opentelemetry import trace
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import workflow
from work import QUESTION, client, work

Traceloop.init(
    app_name="support",
    api_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
    telemetry_enabled=False,
)


@workflow(name="support_workflow")
def answer(question):
    Traceloop.set_association_properties({"user_id": "user-7", "session_id": "sess-42"})
    work(client())
    return "done"


answer(QUESTION)
trace.get_tracer_provider().force_flush()
