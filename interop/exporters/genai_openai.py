from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from work import client, provider, work

made = provider()
logs = LoggerProvider()
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))

import importlib.metadata

[entry] = [
    each
    for each in importlib.metadata.entry_points(group="opentelemetry_instrumentor")
    if "openai" in each.name
]
entry.load()().instrument(tracer_provider=made, logger_provider=logs)
who = {"session.id": "sess-42", "user.id": "user-7"}
with made.get_tracer("app").start_as_current_span("POST /chat", attributes=who):
    work(client())
made.force_flush()
logs.force_flush()
