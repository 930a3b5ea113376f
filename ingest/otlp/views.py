"""The OTLP/HTTP doors: `/v1/traces`, `/v1/logs` and `/v1/metrics`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from django.http import HttpResponse
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


@token(Scope.INGEST)
def traces(request: TokenRequest) -> HttpResponse:
    decoder = _decode(request, "traces")
    answer = ExportTraceServiceResponse()
    if decoder.reason:
        answer.partial_success.rejected_spans = decoder.rejected
        answer.partial_success.error_message = decoder.reason
    return _answer(request, answer)


@token(Scope.INGEST)
def logs(request: TokenRequest) -> HttpResponse:
    decoder = _decode(request, "logs")
    answer = ExportLogsServiceResponse()
    if decoder.reason:
        answer.partial_success.rejected_log_records = decoder.rejected
        answer.partial_success.error_message = decoder.reason
    return _answer(request, answer)


@token(Scope.INGEST)
def metrics(request: TokenRequest) -> HttpResponse:
    """Metrics are taken and dropped, so that an exporter of all three signals is content."""
    _form(request)
    body.read(request)
    return _answer(request, ExportMetricsServiceResponse())


def _decode(request: TokenRequest, signal: str) -> Decoder:
    walk: Walker = getattr(_form(request), signal)
    decoder = Decoder(policies.redactor_of(request.caller.project))
    walk(body.read(request), decoder)
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
