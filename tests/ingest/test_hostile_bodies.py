"""Bodies made to hurt: each is refused at once, or made harmless, in bounded memory; never with a 5xx."""

import gzip
import io
import re
import time
import zlib
from functools import cache
from pathlib import Path

import pyarrow
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest.models import Feedback, Scope, Score, Span, Trace
from tests.ingest import otlp

JSON, NDJSON, PROTOBUF = "application/json", "application/x-ndjson", "application/x-protobuf"
NATIVE = ("/api/v1/traces", "/api/v1/scores", "/api/v1/feedback")
OTLP = ("/v1/traces", "/v1/logs")
SECONDS = 1.0
# What one refused request may need beside the rest: the largest inflated body, its text and its values.
MEGABYTES = 250
REFUSED = range(400, 500)
MIB = 1024 * 1024


def zeros(megabytes):
    return bomb(bytes(MIB), megabytes)


@cache
def bomb(block, times):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as file:
        for _ in range(times):
            file.write(block)
    return out.getvalue()


def anywhere(value):
    """A JSON value where each of the routes looks at it."""
    span = b'[{"scopeSpans": [{"spans": [{"name": "a", "traceId": "aa", "startTimeUnixNano": %s}]}]}]' % value
    log = b'[{"scopeLogs": [{"logRecords": [{"eventName": "a", "timeUnixNano": %s}]}]}]' % value
    return b'{"id": %s, "resourceSpans": %s, "resourceLogs": %s}' % (value, span, log)


@cache
def many_spans(form):
    if form == JSON:
        one = b'{"traceId": "%s", "spanId": "%s"}' % (b"aa" * 16, b"11" * 8)
        return b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b",".join([one] * 100_000) + b"]}]}]}"
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    scope.spans.add(span_id=b"1" * 8, trace_id=b"2" * 16, start_time_unix_nano=otlp.START)
    scope.spans.extend([scope.spans[0]] * 99_999)
    return request.SerializeToString()


def deep_protobuf(levels):
    """An AnyValue in an AnyValue in ..., written by hand, since the library refuses to build it."""
    value = b"\x0a\x01x"
    for _ in range(levels):
        array = field(0x0A, value)
        value = field(0x2A, array)
    attribute = field(0x0A, b"k") + field(0x12, value)
    return field(0x0A, field(0x12, field(0x12, field(0x4A, attribute))))


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(tag, content):
    return bytes([tag]) + varint(len(content)) + content


def huge_list(item, times):
    """A span with one attribute: a list of so many items, each of which takes far more memory parsed."""
    attribute = field(0x0A, b"k") + field(0x12, field(0x2A, item * times))
    span = field(0x0A, b"a" * 16) + field(0x12, b"b" * 8) + field(0x4A, attribute)
    return field(0x0A, field(0x12, field(0x12, span)))


@cache
def zstandard(body):
    return pyarrow.Codec("zstd").compress(body, asbytes=True)


@cache
def padded_gzip(body):
    """Gzip whose header is so long that the ratio of the whole stays under 200."""
    packed = bytearray(gzip.compress(body, 6))
    packed[3] |= 8  # a file name follows
    name = b"x" * (len(body) // 200 + 10)
    return bytes(packed[:10] + name + b"\0" + packed[10:])


GZIP, ZSTD = {"Content-Encoding": "gzip"}, {"Content-Encoding": "zstd"}
# name: (content type, headers, body)
EVERYWHERE = {
    "empty": (JSON, {}, lambda: b""),
    "gzip bomb": (JSON, GZIP, lambda: zeros(256)),
    "gzip of a gzip bomb": (JSON, GZIP, lambda: gzip.compress(zeros(256))),
    "ratio above 200": (JSON, GZIP, lambda: bomb(b'[{"a":"' + b"x" * MIB + b'"}]', 10)),
    "bomb in the second member": (JSON, GZIP, lambda: gzip.compress(b"[") + zeros(256)),
    "truncated gzip": (JSON, GZIP, lambda: gzip.compress(b'{"id": "t"}' * 1000)[:-9]),
    "not gzip": (JSON, GZIP, lambda: b'{"id": "t"}'),
    "gzip with a false checksum": (JSON, GZIP, lambda: gzip.compress(b'{"id": "t"}')[:-8] + b"12345678"),
    "zlib called gzip": (JSON, GZIP, lambda: zlib.compress(b'{"id": "t"}')),
    "zstd bomb": (JSON, ZSTD, lambda: zstandard(b"[" + b" " * (256 * MIB))),
    "truncated zstd": (JSON, ZSTD, lambda: zstandard(b'{"id": "t"}' * 1000)[:-9]),
    "not zstd": (JSON, ZSTD, lambda: b'{"id": "t"}'),
    "unknown encoding": (JSON, {"Content-Encoding": "br"}, lambda: b"{}"),
    "two encodings": (JSON, {"Content-Encoding": "gzip, gzip"}, lambda: b"{}"),
    "unknown content type": ("application/xml", {}, lambda: b"<a/>"),
    "form": ("application/x-www-form-urlencoded", {}, lambda: b"a=1&" * 1_000_000),
    "multipart": ("multipart/form-data; boundary=x", {}, lambda: b'--x\r\nContent-Disposition: form-data'),
    "too large on the wire": (JSON, {}, lambda: b" " * (8 * MIB + 1)),
    "nested arrays": (JSON, {}, lambda: b"[" * 100_000 + b"]" * 100_000),
    "nested objects": (JSON, {}, lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "nested and unclosed": (JSON, {}, lambda: b"[" * 4_000_000),
    "truncated": (JSON, {}, lambda: b'{"resourceSpans": [{"id": "t"'),
    "not utf-8": (JSON, {}, lambda: anywhere(b'"\xff\xfe"')),
    "utf-16": (JSON, {}, lambda: '{"id": "t"}'.encode("utf-16")),
    "a million lone surrogates": (JSON, {}, lambda: anywhere(b'"' + b"\\ud800" * 1_000_000 + b'"')),
    "lone surrogate and line ends": (JSON, {}, lambda: anywhere(b'"\\ud800' + b"a\\n" * 2_000_000)),
    "NaN": (JSON, {}, lambda: anywhere(b"NaN")),
    "10,000 digits": (JSON, {}, lambda: anywhere(b"9" * 10_000)),
    "digits of a mebibyte": (JSON, {}, lambda: anywhere(b"9" * MIB)),
    "wrong top level": (JSON, {}, lambda: b'"text"'),
    "binary called json": (JSON, {}, lambda: bytes(range(256)) * 1000),
}  # fmt: skip
NATIVELY = {
    "duplicate keys": (JSON, {}, lambda: b'{"id": "t", "id": "u"}'),
    "duplicate keys by escape": (JSON, {}, lambda: b'{"id": "t", "\\u0069d": "u"}'),
    "a million keys": (JSON, {}, lambda: b"{" + b",".join(b'"%d":1' % n for n in range(900_000)) + b"}"),
    "a million lists": (JSON, {}, lambda: b"[" + b"[]," * 2_000_000 + b"[]]"),
    "twenty million lists": (JSON, GZIP, lambda: bomb(b"[]," * 350_000, 60)),
    "a million lines": (NDJSON, {}, lambda: b"{}\n" * 2_000_000),
    "a text of one key": (JSON, {}, lambda: b'{"' + b"k" * (7 * MIB) + b'": 1}'),
    "NUL in an id": (JSON, {}, lambda: b'{"id": "a\\u0000b"}'),
    "time out of range": (JSON, {}, lambda: b'{"id": "t", "started_at": "9999-12-31T23:59:59-14:00"}'),
    "time as a huge number": (JSON, {}, lambda: b'{"id": "t", "started_at": 1e308}'),
    "quotes": (JSON, {}, lambda: b'{"id": "' + b'\\"' * 3_000_000),
    "strings": (JSON, {}, lambda: b"[" + b'"",' * 2_000_000 + b'""]'),
    "blanks": (JSON, {}, lambda: b"{" + b" " * (7 * MIB)),
}
IN_OTLP = {
    "truncated protobuf": (PROTOBUF, {}, lambda: otlp.traces_body([otlp.Span()] * 10)[:-7]),
    "random protobuf": (PROTOBUF, {}, lambda: bytes(range(256)) * 4000),
    "protobuf of a false length": (PROTOBUF, {}, lambda: b"\x0a\xff\xff\xff\xff\x0f"),
    "JSON called protobuf": (PROTOBUF, {}, lambda: b'{"resourceSpans": []}'),
    "bomb called protobuf": (PROTOBUF, GZIP, lambda: zeros(256)),
}
SPANS_ONLY = {
    "100,000 spans in protobuf": (PROTOBUF, {}, lambda: many_spans(PROTOBUF)),
    "100,000 spans in JSON": (JSON, GZIP, lambda: gzip.compress(many_spans(JSON), 1)),
    "thirty million values in protobuf": (
        PROTOBUF,
        GZIP,
        lambda: padded_gzip(huge_list(b"\x0a\x00", 30_000_000)),
    ),
    "twenty million values in JSON": (
        JSON,
        GZIP,
        lambda: padded_gzip(
            b'{"resourceSpans":[{"resource":{"attributes":[{"value":{"arrayValue":{"values":[%s{}]}}}]}}]}'
            % (b"{}," * 20_000_000)
        ),
    ),
    "deep protobuf": (PROTOBUF, {}, lambda: deep_protobuf(2_000)),
}
CASES = [
    pytest.param(route, *case, id=f"{name} to {route}")
    for routes, cases in [
        (NATIVE + OTLP, EVERYWHERE),
        (NATIVE, NATIVELY),
        (OTLP, IN_OTLP),
        (OTLP[:1], SPANS_ONLY),
    ]
    for route in routes
    for name, case in cases.items()
]


class Peak:
    """The most memory this process held since `start`, in megabytes, as Linux counts it."""

    def __init__(self):
        self.path = Path("/proc/self/clear_refs")

    def start(self):
        self.path.write_text("5")
        self.before = self.read("VmRSS")

    def read(self, name):
        status = Path("/proc/self/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024

    def grown(self):
        return self.read("VmHWM") - self.before


def stored():
    return [model.objects.count() for model in (Trace, Span, Score, Feedback)]


@pytest.mark.parametrize(("route", "content_type", "headers", "body"), CASES)
def test_hostile_bodies_are_refused_at_once(api, route, content_type, headers, body):
    client, content, peak = api(Scope.INGEST), body(), Peak()
    peak.start()
    started = time.thread_time()
    response = client.post(route, content, content_type=content_type, headers=headers)
    taken = time.thread_time() - started
    assert response.status_code in REFUSED
    assert response.headers["Content-Type"] == "application/problem+json"
    assert len(response.content) < 10_000
    assert taken < SECONDS
    assert peak.grown() < MEGABYTES
    assert stored() == [0, 0, 0, 0]


HARMLESS = {
    "NUL and marks": b'{"id": "t", "input": "a\\u0000b\\u202e", "tags": {"\\u0000": "\\u0000"}}',
    "integers beyond 64 bits": b'{"id": "t", "tags": {"n": 9999999999999999999, "m": -9999999999999999999}}',
    "the largest floats": b'{"id": "t", "cost_usd": 1.7e308, "latency_ms": 5e-324}',
    "a long text": b'{"id": "t", "input": "%s"}' % (b"x" * 7_000_000),
    "many tags": b'{"id": "t", "tags": {%s}}' % b",".join(b'"%d":1' % n for n in range(100_000)),
    "nesting at the limit": b'{"id": "t", "tags": {"a": %s}}' % (b"[" * 62 + b"]" * 62),
    "keys of Python and SQL": b'{"id": "t", "tags": {"__class__": 1, "%s": "%(x)s", "\'; --": "\\\\"}}',
}


@pytest.mark.parametrize("body", HARMLESS.values(), ids=HARMLESS)
def test_odd_but_readable_bodies_are_made_harmless(api, body):
    client = api()
    response = client.post("/api/v1/traces", body, content_type=JSON)
    assert response.status_code == 200
    told = client.get("/api/v1/traces/t").content.decode()
    assert "\\u0000" not in told
    assert len(told) < 2_000_000
    assert client.get("/api/v1/traces?q=x").status_code == 200
