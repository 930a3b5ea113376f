"""The OTLP/HTTP doors: `/v1/traces`, `/v1/logs` and `/v1/metrics`, and the same under Langfuse's address."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ingest import body, intake
from ingest.models import Scope
from ingest.otlp import jsonform, protobuf
from ingest.otlp.decoding import Decoder
from ingest.problems import Problem
from ingest.redaction import policies
from ingest.tokens import TokenRequest, token

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

Walker = Callable[[bytes, Decoder], None]


class Form(NamedTuple):
    """How a content type is read: its walkers for traces and logs."""

    traces: Walker
    logs: Walker


FORMS = {
    PROTOBUF: Form(protobuf.decode_traces, protobuf.decode_logs),
    "application/protobuf": Form(protobuf.decode_traces, protobuf.decode_logs),
    JSON: Form(jsonform.decode_traces, jsonform.decode_logs),
}


class Signal(NamedTuple):
    """What OTLP carries: how a form reads it (None: taken and dropped) and the answer that says so."""

    name: str
    walk: Callable[[Form], Walker | None]
    answer: type[Message]
    rejected: str = ""


TRACES = Signal("traces", lambda form: form.traces, ExportTraceServiceResponse, "rejected_spans")
LOGS = Signal("logs", lambda form: form.logs, ExportLogsServiceResponse, "rejected_log_records")
# Dropped, so that an exporter of all three signals is content.
METRICS = Signal("metrics", lambda form: None, ExportMetricsServiceResponse)


def door(signal: Signal, *, basic: bool = False) -> Callable[..., HttpResponseBase]:
    """The view of a signal; `basic` also lets Basic auth in, which Langfuse's SDKs send."""

    @token(Scope.INGEST, basic=basic)
    def receive(request: TokenRequest) -> HttpResponse:
        walk = signal.walk(_form(request))
        sent = body.read(request)
        answer = signal.answer()
        if walk is not None:
            decoder = _store(request, walk, sent)
            if decoder.reason:
                setattr(answer.partial_success, signal.rejected, decoder.rejected)  # type: ignore[attr-defined]
                answer.partial_success.error_message = decoder.reason  # type: ignore[attr-defined]
        return _answer(request, answer)

    return receive


def urls(base: str, *, basic: bool = False) -> list[URLPattern]:
    """The three addresses below a base, as exporters append them."""
    return [path(f"{base}/{each.name}", door(each, basic=basic)) for each in (TRACES, LOGS, METRICS)]


def _store(request: TokenRequest, walk: Walker, sent: bytes) -> Decoder:
    decoder = Decoder(policies.redactor_of(request.caller.project))
    walk(sent, decoder)
    intake.store(request.caller.project, decoder.batch())
    return decoder


def _form(request: TokenRequest) -> Form:
    if request.method != "POST":
        raise Problem(405, "Send OTLP with POST.", headers={"Allow": "POST"})
    form = FORMS.get(request.content_type or "")
    if form is None:
        raise Problem(415, f"Content-Type {request.content_type!r} is not OTLP; send {PROTOBUF} or {JSON}.")
    return form


def _answer(request: TokenRequest, message: Message) -> HttpResponse:
    if request.content_type == JSON:
        return HttpResponse(MessageToJson(message, indent=None), content_type=JSON)
    return HttpResponse(message.SerializeToString(), content_type=PROTOBUF)
