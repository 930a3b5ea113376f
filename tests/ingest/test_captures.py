"""Requests captured from published instrumentation packages, read as the notes beside them expect.

`expected.json` was derived by a script. Where a capture says more than the script saw, CORRECTIONS says so.
"""

import gzip
import json
from datetime import UTC, datetime
from functools import cache
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ingest.otlp import protobuf
from ingest.otlp.decoding import Decoder
from ingest.reading import Call, Reading, read
from ingest.records import Batch, LogEntry, SpanRecord, SpanRow
from ingest.redaction.masking import OFF

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "otlp"
FOLDERS = [
    "otel-genai-openai-span",
    "otel-genai-openai-span-event",
    "otel-openai-v2-legacy-content",
    "openinference-langchain",
    "otel-evaluation-result",
    "traceloop-openai",
    "vercel-ai-sdk",
    "langfuse-sdk",
    "pydantic-evals-online",
]

pytestmark = pytest.mark.skipif(
    not CAPTURES.is_dir(), reason=f"the captured requests are not beside this repository: {CAPTURES}"
)

TOOL_RESULT = '{"status":"shipped","shipped":"2026-03-03"}'
CORRECTIONS: dict[str, dict[str, Any]] = {
    # The tool's answer stands in the part's `response`, which the script did not read.
    "690b9eeff1a3ad1d": {"tool": TOOL_RESULT},
    "c3afc91514a183ed": {"tool": TOOL_RESULT},
    "5c80528f73f7e9ae": {"tool": TOOL_RESULT},
    "678199f26c87d9c0": {"tool": '{"status": "shipped"}'},
    # Finish reasons are normalised.
    "d1452bcab02bf033": {"finish": ["tool_calls"]},
    "2f0f30c51cb0623c": {"finish": ["tool_calls"]},
    # A streamed call: the span has no finish reasons, but its choice event has.
    "c35b985ce7b7e14c": {"finish": ["stop"]},
    # The failed call has an assistant message without any content, and empty texts are dropped.
    "ce078e090ac48cba": {"output": []},
}
# No leaf model calls: a retriever, whose documents are the trace's, and spans around recorded calls.
NO_CALLS = {"320703d3135cac1d", "173b815e6d8656e1", "c7ef4170102cedda", "3440067e87ae5fbe"}


@cache
def request_paths(folder: str) -> tuple[Path, ...]:
    return tuple(sorted((CAPTURES / folder).glob("*.body")))


@cache
def expected(folder: str) -> dict[str, Any]:
    return json.loads((CAPTURES / folder / "expected.json").read_text())


@cache
def decoded(path: Path) -> Batch:
    decoder = Decoder(OFF)
    decode = protobuf.decode_traces if "traces" in path.name else protobuf.decode_logs
    decode(gzip.decompress(path.read_bytes()), decoder)
    assert decoder.rejected == 0
    return decoder.batch()


def stored(row: SpanRow) -> SpanRecord:
    values = row._asdict()
    start, end = values.pop("start_ns"), values.pop("end_ns")
    for name in ("attributes", "events", "resource"):
        values[name] = json.loads(values[name])
    moments = [datetime.fromtimestamp(ns // 1000 / 1e6, UTC) if ns else None for ns in (start, end)]
    return SpanRecord(started_at=moments[0], ended_at=moments[1], **values)


def replay(paths: tuple[Path, ...], random: Random | None = None) -> dict[str, Reading]:
    """The readings of all traces with spans after these requests, in this order."""
    spans: dict[str, dict[str, SpanRecord]] = {}
    logs: dict[str, dict[bytes, LogEntry]] = {}
    for path in paths:
        batch = decoded(path)
        for row in batch.spans:
            spans.setdefault(row.trace_id, {})[row.span_id] = stored(row)
        for entry in batch.logs:
            logs.setdefault(entry.trace_id, {})[entry.sha256] = entry
    readings = {}
    for trace_id in spans:
        rows = list(spans[trace_id].values()), list(logs.get(trace_id, {}).values())
        if random:
            random.shuffle(rows[0])
            random.shuffle(rows[1])
        readings[trace_id] = read(*rows, ())
    return readings


def calls_of(readings: dict[str, Reading]) -> dict[str, tuple[Call, Reading]]:
    return {call.span_id: (call, reading) for reading in readings.values() for call in reading.calls}


def corrected(call: dict[str, Any]) -> dict[str, Any]:
    correction = dict(CORRECTIONS.get(call["span_id"], {}))
    tool = correction.pop("tool", None)
    messages = [
        each | {"text": tool} if tool and each["role"] == "tool" else each for each in call.get("input", [])
    ]
    return {"finish": [], "system": "", "output": []} | call | {"input": messages} | correction


def in_the_notes_words(call: Call, reading: Reading) -> dict[str, Any]:
    plain = ("span_id", "name", "op", "provider", "model", "response_model", "input_tokens", "output_tokens")
    values = {name: getattr(call, name) for name in (*plain, "system", "response_id")}
    values |= {"finish": list(call.finish), "error": bool(call.error), "error_type": call.error}
    values |= {"session": reading.session_id, "user": reading.user_id}
    values["prompt_version"] = reading.prompt_version
    for side in ("input", "output"):
        values[side] = [
            {"role": message.role, "text": message.text}
            | (
                {"tools": [{"name": each.name, "arguments": each.arguments} for each in message.tool_calls]}
                if message.tool_calls
                else {}
            )
            for message in getattr(call, side)
        ]
    return values


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_calls_are_read_as_expected(folder):
    found = calls_of(replay(request_paths(folder)))
    wanted = {
        each["span_id"]: corrected(each)
        for each in expected(folder)["calls"]
        if each["span_id"] not in NO_CALLS
    }
    assert list(found) == list(wanted)
    for span_id, call in wanted.items():
        words = in_the_notes_words(*found[span_id])
        assert {key: words[key] for key in call} == call


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_traces_are_counted_as_expected(folder):
    readings = replay(request_paths(folder))
    notes = expected(folder)
    assert sorted(readings) == notes["trace_ids"]
    assert sum(reading.span_count for reading in readings.values()) == notes["span_count"]
    assert sum(reading.error_count for reading in readings.values()) == notes["error_spans"]
    assert sorted(reading.name for reading in readings.values()) == notes["root_spans"]
    for side in ("input_tokens", "output_tokens"):
        wanted = sum(call.get(side, 0) for call in notes["calls"] if call["span_id"] not in NO_CALLS)
        assert sum(getattr(reading, side) or 0 for reading in readings.values()) == wanted


@pytest.mark.parametrize("folder", FOLDERS)
def test_any_order_and_repetition_of_requests_and_rows_reads_alike(folder):
    paths = request_paths(folder)
    first = replay(paths)
    for number, order in enumerate(permutations(paths)):
        assert replay(order + order[:1], Random(number)) == first


@pytest.mark.parametrize(
    ("folder", "source"), [("otel-genai-openai-span", "calls"), ("openinference-langchain", "root")]
)
def test_session_environment_and_texts_of_the_trace(folder, source):
    reading = replay(request_paths(folder))[expected(folder)["trace_ids"][0]]
    assert reading.input == "How long do I have to return an item?"
    assert reading.output == "You can return an item within 30 days of delivery."
    assert reading.io_source == source
    assert (reading.session_id, reading.user_id, reading.environment) == ("sess-42", "user-7", "production")
    assert (reading.model, reading.provider, reading.status) == ("gpt-5-mini-2026-07-18", "openai", "ok")
    assert reading.root_ended


def test_the_documents_of_a_retriever_and_the_error_of_a_chain():
    answered, failed = replay(request_paths("openinference-langchain")).values()
    wanted = next(each["docs"] for each in expected("openinference-langchain")["calls"] if "docs" in each)
    assert [document.text for document in answered.documents] == wanted
    assert [(document.id, document.score) for document in answered.documents] == [
        ("kb/returns.md", 0.91),
        ("kb/gift.md", 0.72),
    ]
    assert failed.status == "error"
    assert failed.error.endswith(
        "OpenAIModelNotFoundError: Error code: 404 - The model `bad-model` does not exist"
    )


@pytest.mark.parametrize("folder", ["otel-evaluation-result", "pydantic-evals-online"])
def test_evaluation_events_become_scores(folder):
    found = [score for path in request_paths(folder) for score in decoded(path).scores]
    wanted = expected(folder)["evaluations"]
    told = [
        {
            "trace": score.target.key if score.target.kind == "trace" else None,
            "span": score.target.span_id or None,
            "response": score.target.key if score.target.kind == "response" else None,
            "name": score.name,
            "value": score.value,
            "label": score.label,
            "error": score.error_type,
        }
        for score in found
    ]
    for note in wanted:
        assert {
            "trace": note.get("event_trace"),
            "span": note.get("event_span"),
            "response": note.get("response_id"),
            "name": note["name"],
            "value": note.get("value"),
            "label": note.get("label", ""),
            "error": note.get("error", ""),
        } in told
    assert len(found) == len(wanted)
    assert {score.source for score in found if score.name == "user_feedback"} <= {"user"}
