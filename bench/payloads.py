"""What do the clients send? Realistic GenAI spans as ready-made OTLP bodies, five spans to a trace.

A span is encoded once as a template; for each trace its ids and times are put in place, so that making many
thousands takes seconds and happens before the clock starts.
"""

from __future__ import annotations

import json
import random
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE, OWN, PARENT = b"T" * 16, b"S" * 8, b"P" * 8
START, END = 0x1111111111111111, 0x2222222222222222
SPANS_A_TRACE = 5
NAMES = (
    "chat gpt-5-mini",
    "execute_tool get_order",
    "chat gpt-5-mini",
    "retrieval knowledge-base",
    "POST /v1/chat",
)
WORDS = re.findall(
    r"\w+",
    "order parcel refund jacket delivery return window label size tent stove the of is with and to customer "
    "warehouse express carrier invoice gift card warranty zip seam repair days working please thanks account",
)


@dataclass(frozen=True)
class Batch:
    """One export request, and a trace that it completes (or empty)."""

    body: bytes
    spans: int
    completes: str


def attribute(key: str, value: str | int | float) -> KeyValue:
    if isinstance(value, str):
        return KeyValue(key=key, value=AnyValue(string_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    return KeyValue(key=key, value=AnyValue(double_value=value))


def prose(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words))


def message(role: str, content: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def template(place: int, variant: int) -> bytes:
    """A span of about 1.8 KB with 20 attributes; the last place is the root."""
    rng = random.Random(f"{place}/{variant}")
    question = prose(rng, 28) + (" chandelier" if variant == 0 else "")
    asked = [message("system", prose(rng, 60)), message("user", question)]
    answered = [message("assistant", prose(rng, 45))]
    attributes: dict[str, str | int | float] = {
        "gen_ai.operation.name": ("chat", "execute_tool", "chat", "retrieval", "invoke_agent")[place],
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 600,
        "gen_ai.request.top_p": 0.95,
        "gen_ai.response.model": "gpt-5-mini-2026-07-18",
        "gen_ai.response.id": f"chatcmpl-{rng.randrange(16**12):012x}",
        "gen_ai.usage.input_tokens": rng.randrange(50, 900),
        "gen_ai.usage.output_tokens": rng.randrange(10, 300),
        "gen_ai.usage.cache_read.input_tokens": 8,
        "gen_ai.conversation.id": f"conv-{variant}",
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps(answered),
        "server.address": "api.openai.example",
        "server.port": 443,
        "session.id": f"sess-{variant}",
        "user.id": f"user-{variant % 37}",
        "touchstone.route": ("refunds", "shipping", "orders", "product")[variant % 4],
        "touchstone.prompt.version": ("v6", "v7")[variant % 2],
    }
    span = Span(
        trace_id=TRACE,
        span_id=OWN,
        parent_span_id=b"" if place == SPANS_A_TRACE - 1 else PARENT,
        name=NAMES[place],
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=START,
        end_time_unix_nano=END,
        attributes=[attribute(key, value) for key, value in attributes.items()],
    )
    return span.SerializeToString()


VARIANTS = 40
TEMPLATES = [[template(place, variant) for place in range(SPANS_A_TRACE)] for variant in range(VARIANTS)]
RESOURCE = Resource(
    attributes=[
        attribute("service.name", "bench"),
        attribute("service.version", "1.4.2"),
        attribute("deployment.environment.name", "production"),
    ]
).SerializeToString()
SCOPE = InstrumentationScope(name="opentelemetry.instrumentation.genai.openai").SerializeToString()


def field(number: int, data: bytes) -> bytes:
    """A length-delimited protobuf field."""
    size, length = len(data), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | 2]) + bytes(length) + data


def spans(days: float) -> Iterator[tuple[str, bytes]]:
    """An endless stream of encoded spans, children before their root, started within the last `days`."""
    now = time.time_ns()
    old_start, old_end = START.to_bytes(8, "little"), END.to_bytes(8, "little")
    while True:
        trace, root = secrets.token_bytes(16), secrets.token_bytes(8)
        begin = now - random.randrange(int(days * 86_400e9) + 1)
        made = random.choice(TEMPLATES)
        for place, encoded in enumerate(made):
            own = root if place == SPANS_A_TRACE - 1 else secrets.token_bytes(8)
            start = (begin + place * 1_000_000).to_bytes(8, "little")
            end = (begin + 900_000_000 + place * 1_000_000).to_bytes(8, "little")
            placed = encoded.replace(TRACE, trace, 1).replace(OWN, own, 1).replace(PARENT, root, 1)
            yield trace.hex(), placed.replace(old_start, start, 1).replace(old_end, end, 1)


def batches(size: int, count: int, days: float = 0.0) -> list[Batch]:
    """Requests of `size` spans cut from the stream, as a batch processor cuts them."""
    stream = spans(days)
    made = []
    place = 0
    for _ in range(count):
        scope, completed = field(1, SCOPE), ""
        for _ in range(size):
            trace, encoded = next(stream)
            scope += field(2, encoded)
            place += 1
            completed = trace if place % SPANS_A_TRACE == 0 else completed
        body = field(1, field(1, RESOURCE) + field(2, scope))
        made.append(Batch(body, size, completed))
    return made
