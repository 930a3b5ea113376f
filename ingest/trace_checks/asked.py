"""Which form of answer was the model asked for, and which tools did it have? Read from span attributes.

The instrumentations write the same request in many ways; each is one line below. All of it is a sender's
text: whatever cannot be read is as if it were not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ingest.json_objects import Json
from ingest.otlp.values import mapping, parse, text

# A schema as text; larger ones are not read.
LONGEST = 64_000
_SCHEMA_KEYS = (
    "gen_ai.request.structured_output_schema",
    "gen_ai.output.schema",
    "gen_ai.request.output_schema",
    "ai.schema",
    "output_schema",
    "llm.output_schema",
)
_FORMAT_KEYS = (
    "gen_ai.request.response_format",
    "gen_ai.openai.request.response_format",
    "gen_ai.request.format",
    "llm.response_format",
    "response_format",
)
_PARAMETER_KEYS = (
    "llm.invocation_parameters",
    "gen_ai.request.parameters",
    "langfuse.observation.model.parameters",
    "langfuse.model.parameters",
    "gen_ai.request.body",
    "llm.request.parameters",
)
_TOOL_LIST_KEYS = ("gen_ai.tool.definitions", "ai.prompt.tools", "llm.request.functions", "tools")
_NUMBERED_TOOL = re.compile(r"llm\.tools\.\d+\.tool\.json_schema")
_NUMBERED_FUNCTION = re.compile(
    r"(?:llm\.request\.functions|gen_ai\.tool\.definitions)\.(\d+)\.(name|parameters)"
)

ANYTHING: Json = {}


def output_schema(attributes: Mapping[str, Any]) -> Json | None:
    """The schema of the JSON that was asked for; {} where any JSON would do; None where none was."""
    for key in _SCHEMA_KEYS:
        if schema := _read(attributes.get(key)):
            return _schema_in(schema)
    for value in _formats(attributes):
        if (schema_or_none := _schema_of_format(value)) is not None:
            return schema_or_none
    if schema := _pydantic_ai(attributes):
        return schema
    kinds = {text(attributes.get(key)).lower() for key in ("gen_ai.output.type", "ai.settings.output")}
    return ANYTHING if kinds & {"json", "object"} else None


def _formats(attributes: Mapping[str, Any]) -> Iterator[Any]:
    yield from (_parsed(attributes[key]) for key in _FORMAT_KEYS if key in attributes)
    for key in _PARAMETER_KEYS:
        if key in attributes:
            parameters = mapping(_parsed(attributes[key]))
            config = mapping(parameters.get("generation_config") or parameters.get("config")) or parameters
            for name in ("response_format", "responseFormat", "format"):
                yield parameters.get(name)
            yield mapping(parameters.get("text")).get("format")
            yield config.get("response_schema") or config.get("responseSchema")
            yield config.get("response_mime_type") or config.get("responseMimeType")


def _schema_of_format(value: Any) -> Json | None:
    if isinstance(value, str):
        return ANYTHING if value in ("json", "json_object", "json_schema", "application/json") else None
    found = mapping(value)
    kind = found.get("type")
    if kind == "json_object":
        return ANYTHING
    if kind == "json_schema" or "json_schema" in found:
        return _schema_in(mapping(found.get("json_schema")) or found)
    return found if isinstance(kind, str) and kind.lower() == "object" and "properties" in found else None


def _schema_in(value: Json) -> Json:
    inner = value.get("schema")
    return inner if isinstance(inner, dict) else value


def _pydantic_ai(attributes: Mapping[str, Any]) -> Json | None:
    request = mapping(_parsed(attributes.get("model_request_parameters")))
    if request.get("output_mode") not in ("native", "prompted"):
        return None
    return mapping(mapping(request.get("output_object")).get("json_schema")) or None


def tools(attributes: Mapping[str, Any]) -> dict[str, Json]:
    """The schema of each tool's arguments, by the tool's name; {} where none is told."""
    found: dict[str, Json] = {}
    for value in _tool_values(attributes):
        tool = mapping(_parsed(value))
        inner = mapping(tool.get("function")) or tool
        name = text(inner.get("name"))
        if name:
            found[name] = _arguments_schema(inner)
    found.update(_numbered_functions(attributes))
    return found


def _arguments_schema(tool: Json) -> Json:
    keys = ("parameters", "input_schema", "inputSchema", "parameters_json_schema")
    schema = next((mapping(_parsed(tool[key])) for key in keys if key in tool), {})
    inner = schema.get("json") or schema.get("jsonSchema")
    return inner if isinstance(inner, dict) and "type" not in schema else schema


def _tool_values(attributes: Mapping[str, Any]) -> Iterator[Any]:
    for key in _TOOL_LIST_KEYS:
        yield from _items(attributes.get(key))
    for key in _PARAMETER_KEYS:
        if key in attributes:
            yield from _items(mapping(_parsed(attributes[key])).get("tools"))
    request = mapping(_parsed(attributes.get("model_request_parameters")))
    for key in ("function_tools", "output_tools"):
        yield from _items(request.get(key))
    yield from (value for key, value in attributes.items() if _NUMBERED_TOOL.fullmatch(key))


def _numbered_functions(attributes: Mapping[str, Any]) -> dict[str, Json]:
    parts: dict[str, Json] = {}
    for key, value in attributes.items():
        if match := _NUMBERED_FUNCTION.fullmatch(key):
            parts.setdefault(match[1], {})[match[2]] = value
    return {
        text(part["name"]): mapping(_parsed(part.get("parameters")))
        for part in parts.values()
        if part.get("name")
    }


def _items(value: Any) -> Iterable[Any]:
    found = _parsed(value)
    return found[:200] if isinstance(found, list) else ()


def _parsed(value: Any) -> Any:
    return None if isinstance(value, str) and len(value) > LONGEST else parse(value)


def _read(value: Any) -> Json | None:
    return mapping(_parsed(value)) or None
