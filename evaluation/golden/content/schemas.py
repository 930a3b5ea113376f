"""Does an output conform to a JSON Schema? Without fetching anything, and with patterns in linear time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

MOST_SCHEMA_CHARACTERS = 100_000


class BadSchema(ValueError):
    pass


def validator(schema: object, checked: bool = False) -> Any:
    """A validator for the schema. Raises BadSchema, also for a reference that leads out of it.

    `checked` schemas were taken before, so that scoring need not ask again whether they are valid.
    """
    from jsonschema.exceptions import SchemaError
    from referencing import Registry

    if not isinstance(schema, dict | bool):
        raise BadSchema("value must be a JSON Schema: an object")
    if any(not reference.startswith("#") for reference in _references(schema)):
        raise BadSchema("a $ref may point only into the schema itself: nothing is fetched")
    if len(json.dumps(schema)) > MOST_SCHEMA_CHARACTERS:
        raise BadSchema(f"the schema is longer than {MOST_SCHEMA_CHARACTERS} characters")
    kind = _linear_time()
    try:
        if not checked:
            kind.check_schema(schema)
    except SchemaError as error:
        raise BadSchema(f"the schema is not valid: {error.message}") from None
    except RecursionError:
        raise BadSchema("the schema is nested too deep") from None
    return kind(schema, registry=Registry())


def violation(ready: Any, output: str) -> str:
    """What is wrong with the output, or nothing."""
    try:
        value = json.loads(output)
    except (ValueError, RecursionError):
        return "is not JSON"
    try:
        found = next(iter(ready.iter_errors(value)), None)
    except Exception as error:  # a schema can be valid and still lead nowhere
        return f"cannot be checked: {type(error).__name__}"
    if found is None:
        return ""
    place = "/".join(str(part) for part in found.absolute_path)
    return f"at {place or 'the top'}: {found.message}"[:500]


@cache
def _linear_time() -> Any:
    import re2
    from jsonschema import Draft202012Validator, ValidationError, validators

    def pattern(_: Any, given: str, instance: Any, __: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not re2.search(given, instance):
            yield ValidationError(f"{instance[:80]!r} does not match {given!r}")

    def pattern_properties(owner: Any, given: dict[str, Any], instance: Any, _: Any) -> Iterator[Any]:
        if isinstance(instance, dict):
            for each, subschema in given.items():
                for key in (key for key in instance if re2.search(each, key)):
                    yield from owner.descend(instance[key], subschema, path=key, schema_path=each)

    extend: Any = validators.extend
    return extend(Draft202012Validator, {"pattern": pattern, "patternProperties": pattern_properties})


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(part, list):
        for each in part:
            yield from _references(each)
