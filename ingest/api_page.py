"""What does the readable page of the API show? Operations and fields, taken from the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ingest.json_objects import Json


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document, as the page of it shows it."""

    method: str
    path: str
    summary: str
    description: str
    parameters: list[Json]
    body: list[str]
    responses: dict[int, Json]


@dataclass(frozen=True, slots=True)
class Property:
    name: str
    kind: str
    required: bool
    description: str


def operations(document: Json) -> list[Operation]:
    return [
        Operation(
            method=method.upper(),
            path=address,
            summary=operation["summary"],
            description=operation.get("description", ""),
            parameters=operation.get("parameters", []),
            body=_names(operation.get("requestBody", {})),
            responses=operation["responses"],
        )
        for address, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def properties(document: Json) -> dict[str, tuple[str, list[Property]]]:
    """Each schema's description and its fields, by name."""
    return {
        name: (
            schema.get("description", ""),
            [_property(field, schema) for field in schema["properties"]],
        )
        for name, schema in document["components"]["schemas"].items()
        if "properties" in schema
    }


def _property(name: str, owner: Json) -> Property:
    schema = owner["properties"][name]
    required = name in owner.get("required", ())
    described = [schema, *schema.get("anyOf", ())]
    description = next((each["description"] for each in described if "description" in each), "")
    return Property(name, _kind(schema), required, description)


def _kind(schema: Json) -> str:
    """A schema in a few words, such as `list of Message or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if schema.get("type") == "array":
        # A tuple tells its items apart and says of further ones: false.
        kinds = [_kind(each) for each in schema.get("prefixItems", [schema.get("items") or {}])]
        return f"list of {' and '.join(dict.fromkeys(kinds))}"
    return str(schema.get("format") or schema.get("type") or "any")


def _names(content: Any) -> list[str]:
    """The schemas a part of the document refers to, in order."""
    if isinstance(content, dict):
        own = [_kind(content)] if "$ref" in content else []
        return list(dict.fromkeys(own + [name for value in content.values() for name in _names(value)]))
    return [name for value in content for name in _names(value)] if isinstance(content, list) else []
