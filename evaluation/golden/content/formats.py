"""How does a version read in each tool's own format? Pure functions from native lines to bytes.

Published bytes are made here once and stored. Text that a tool would treat as a template, a file name or a
formula is written so that it arrives as the text it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from evaluation.golden.content.flat import COLUMNS, row
from evaluation.golden.content.lines import content_text, expected_text, input_text, messages_of, parse
from evaluation.golden.content.promptfoo import test_of
from ingest.json_objects import Json

NATIVE = "native.jsonl"
_ENCODER = msgspec.json.Encoder()
_FORMULA = re.compile(r"^[=+\-@\t\r\n]")
# Printable for JSON, yet a line break or nothing at all for a YAML reader.
_YAML_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Format:
    name: str
    media_type: str
    write: Callable[[Sequence[str], Sequence[Json]], bytes]


def render(name: str, lines: Sequence[str]) -> bytes:
    """The lines (without line ends) in the format of this name."""
    return FORMATS[name].write(lines, [] if name == NATIVE else [parse(line) for line in lines])


def render_each(lines: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Every format with its name, the native one first, parsing each line once."""
    values: list[Json] = []
    for name, each in FORMATS.items():
        yield name, each.write(lines, values)
        values = values or [parse(line) for line in lines]


def _native(lines: Sequence[str], _: Sequence[Json]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _jsonl(of: Callable[[Json], Json]) -> Callable[[Sequence[str], Sequence[Json]], bytes]:
    def write(_: Sequence[str], values: Sequence[Json]) -> bytes:
        return _ENCODER.encode_lines([of(value) for value in values])

    return write


def _json_list(of: Callable[[Json], Json]) -> Callable[[Sequence[str], Sequence[Json]], bytes]:
    def write(_: Sequence[str], values: Sequence[Json]) -> bytes:
        return b"[\n" + b",\n".join(_ENCODER.encode(of(value)) for value in values) + b"\n]\n"

    return write


def _yaml(_: Sequence[str], values: Sequence[Json]) -> bytes:
    """JSON in block sequence: YAML all the same, and a tenth of the time."""
    if not values:
        return b"[]\n"
    items = (_YAML_UNSEEN.sub(_escape, _json(test_of(value))) for value in values)
    return "".join(f"- {item}\n" for item in items).encode()


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def _csv(_: Sequence[str], values: Sequence[Json]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in row(each).values()] for each in values)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """What a spreadsheet would run as a formula is quoted; lists are JSON."""
    text = value if isinstance(value, str) else "" if value is None else _json(value)
    return f"'{text}" if isinstance(value, str) and _FORMULA.match(text) else text


def _parquet(_: Sequence[str], values: Sequence[Json]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    texts = pyarrow.list_(pyarrow.string())
    kinds = {
        "tags": texts,
        "failure_modes": texts,
        "critical": pyarrow.bool_(),
        "case_revision": pyarrow.int64(),
    }
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in COLUMNS])
    sink = io.BytesIO()
    table = pyarrow.Table.from_pylist([row(value) for value in values], schema=schema)
    parquet.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _metadata(value: Json) -> Json:
    return {
        "case_id": value["id"],
        "split": value["split"],
        "tags": value["tags"],
        "critical": value["critical"],
        "assertions": value["assertions"],
        **value["metadata"],
    }


def _inspect(value: Json) -> Json:
    """A sample of json_dataset(); never its fields files, setup or sandbox, which act."""
    messages = [
        {"role": str(each.get("role", "user")), "content": _message_text(each)}
        for each in messages_of(value["input"])
    ]
    plain = len(messages) == 1 and messages[0]["role"] == "user"
    return {
        "id": value["id"],
        "input": messages[0]["content"] if plain else messages,
        "target": expected_text(value["expected"]),
        "metadata": _metadata(value),
    }


def _message_text(message: Json) -> str:
    return content_text(message.get("content"))


def _deepeval(value: Json) -> Json:
    """`source_file` holds the id: it is the one name that DeepEval's reader of JSON carries along."""
    return {
        "name": value["id"],
        "input": input_text(value["input"]),
        "actual_output": None,
        "expected_output": expected_text(value["expected"]) or None,
        "context": None,
        "retrieval_context": None,
        "comments": value["metadata"].get("note"),
        "source_file": value["id"],
        "additional_metadata": {**_metadata(value), "messages": messages_of(value["input"])},
    }


def _openai(value: Json) -> Json:
    """A data source row of the Evals API."""
    return {
        "item": {
            "id": value["id"],
            "messages": messages_of(value["input"]),
            "input": input_text(value["input"]),
            "expected": expected_text(value["expected"]),
            "assertions": value["assertions"],
            "tags": value["tags"],
            "split": value["split"],
            "critical": value["critical"],
            "metadata": value["metadata"],
        }
    }


def _langsmith(value: Json) -> Json:
    return {
        "inputs": value["input"],
        "outputs": value["expected"],
        "split": value["split"],
        "metadata": _metadata(value),
    }


FORMATS = {
    each.name: each
    for each in (
        Format(NATIVE, "application/x-ndjson", _native),
        Format("flat.jsonl", "application/x-ndjson", _jsonl(row)),
        Format("flat.csv", "text/csv; charset=utf-8", _csv),
        Format("flat.parquet", "application/vnd.apache.parquet", _parquet),
        Format("promptfoo.json", "application/json", _json_list(test_of)),
        Format("promptfoo.yaml", "application/yaml", _yaml),
        Format("inspect.jsonl", "application/x-ndjson", _jsonl(_inspect)),
        Format("deepeval.json", "application/json", _json_list(_deepeval)),
        Format("openai.jsonl", "application/x-ndjson", _jsonl(_openai)),
        Format("langsmith.jsonl", "application/x-ndjson", _jsonl(_langsmith)),
    )
}
