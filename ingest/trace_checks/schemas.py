"""Does a value fit a JSON schema? Schemas come from senders, so they get no network, no regex and no time.

`pattern`, `patternProperties` and `format` are not judged: a pattern may be made to take for ever. References
reach only into the schema itself. After so many steps a schema is given up, as one that cannot be judged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import msgspec

from ingest.json_objects import Json

MOST_STEPS = 20_000
_UNJUDGED = ("pattern", "patternProperties", "format", "propertyNames", "$dynamicRef")
_steps: ContextVar[int] = ContextVar("steps", default=0)


class Unjudged(ValueError):
    """A schema that is none, or that cannot be judged within bounds."""


def first_error(schema: Json, value: Any) -> str:
    """Where and why the value does not fit; '' if it fits. Raises Unjudged."""
    validator = _validator(_spelling(schema))
    _steps.set(0)
    try:
        error = next(validator.iter_errors(value), None)
    except Unjudged:
        raise
    except Exception as error:  # An unknown reference, a keyword of the wrong type, recursion without end.
        raise Unjudged(type(error).__name__) from None
    if error is None:
        return ""
    place = ".".join(str(part) for part in error.absolute_path)
    return f"{place}: {error.message}" if place else str(error.message)


def _spelling(schema: Json) -> bytes:
    return msgspec.json.encode(schema)


@lru_cache(maxsize=256)
def _validator(spelled: bytes) -> Any:
    from referencing import Registry

    kind = _kind()
    schema = json.loads(spelled)
    return kind(_without_patterns(schema), registry=Registry())


@lru_cache(maxsize=1)
def _kind() -> Any:
    """The validator of the current draft, without what is not judged, counting its steps."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import create

    keywords = {
        name: _counted(judge)
        for name, judge in Draft202012Validator.VALIDATORS.items()
        if name not in _UNJUDGED
    }
    keywords["uniqueItems"] = _counted(_unique_items)
    return create(Draft202012Validator.META_SCHEMA, keywords)


def _counted(judge: Callable[..., Any]) -> Callable[..., Any]:
    def counting(validator: Any, keyword: Any, instance: Any, schema: Any) -> Iterator[Any]:
        steps = _steps.get() + 1
        if steps > MOST_STEPS:
            raise Unjudged("too many steps")
        _steps.set(steps)
        yield from judge(validator, keyword, instance, schema) or ()

    return counting


def _unique_items(validator: Any, unique: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if unique and isinstance(instance, list):
        spellings = {msgspec.json.encode(item, order="deterministic") for item in instance}
        if len(spellings) < len(instance):
            yield ValidationError("its items are not all different")


def _without_patterns(schema: Any, depth: int = 0) -> Any:
    """Where names are allowed by pattern, which others are refused cannot be said either."""
    if depth > 64:
        raise Unjudged("nested too deeply")
    if isinstance(schema, list):
        return [_without_patterns(each, depth + 1) for each in schema]
    if not isinstance(schema, dict):
        return schema
    loose = {"additionalProperties", "unevaluatedProperties"} if "patternProperties" in schema else set()
    return {
        key: _without_patterns(value, depth + 1)
        for key, value in schema.items()
        if key not in loose and key != "patternProperties"
    }
