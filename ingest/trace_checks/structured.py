"""Is the answer the JSON that was requested, and do tool calls fit the tools' definitions?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingest.json_objects import Json
from ingest.otlp.calls import Call
from ingest.trace_checks import asked, schemas
from ingest.trace_checks.subject import Subject
from ingest.trace_checks.vocabulary import Compiled, Verdict, failed, passed

LONGEST_JSON = 262_144
MOST_TOOL_CALLS = 50
LONGEST_REASON = 300
_FENCE = re.compile(r"\s*```[\w-]*\s*\n(.*?)\n?\s*```\s*", re.DOTALL)


def schema(subject: Subject, parameters: Compiled) -> Verdict | None:
    """Applies to an answer for which JSON was asked, and to calls of tools whose definitions were sent."""
    attributes = {span.span_id: span.attributes for span in subject.spans}
    call = subject.answering_call
    wanted = _wanted(call, attributes, parameters)
    said = None
    if wanted is not None and call is not None and not call.error and not subject.calls_tools_only:
        verdict = _answer(subject.reading.output, wanted, fences=parameters["fences"])
        if not verdict.passed:
            return verdict
        said = verdict.explanation
    judged = 0
    for each in subject.generations[-MOST_TOOL_CALLS:]:
        for reason in _tool_calls(each, attributes.get(each.span_id, {})):
            if reason:
                return failed(reason)
            judged += 1
    if judged:
        words = (
            f"{judged} call{'s' * (judged != 1)} of tools fit{'s' * (judged == 1)} the tools' definitions."
        )
        said = f"{said} {words}" if said else words
    return passed(said) if said else None


def _wanted(call: Call | None, attributes: Mapping[str, Json], parameters: Compiled) -> Json | None:
    found = asked.output_schema(attributes.get(call.span_id, {})) if call else None
    return asked.ANYTHING if found is None and parameters["always"] else found


def _answer(answer: str, wanted: Json, *, fences: bool) -> Verdict:
    if not answer.strip():
        return failed("JSON was requested; the answer is empty.")
    if len(answer) > LONGEST_JSON:
        return passed("JSON was requested; the answer is too long to check.")
    fenced = _FENCE.fullmatch(answer) if fences else None
    try:
        value = json.loads(fenced[1] if fenced else answer, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return failed(f"JSON was requested; the answer is not JSON: {_reason(error)}.")
    if not wanted:
        return passed("JSON was requested, and the answer is JSON.")
    try:
        reason = schemas.first_error(wanted, value)
    except schemas.Unjudged:
        return passed("The answer is JSON; the requested schema cannot be checked.")
    if reason:
        return failed(f"The answer is JSON but does not fit the schema: {reason[:LONGEST_REASON]}.")
    return passed("The answer is JSON and fits the requested schema.")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[0].lower()}{error.msg[1:]} in line {error.lineno}, column {error.colno}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _tool_calls(call: Call, attributes: Json) -> Iterator[str]:
    """For each call of a tool why it does not fit, or '' if it does; nothing where no definition was sent."""
    calls = [tool for message in call.output for tool in message.tool_calls][:MOST_TOOL_CALLS]
    tools = asked.tools(attributes) if calls else {}
    for tool in calls if tools else ():
        if tool.name not in tools:
            yield f"Calls the tool {tool.name[:80]!r}, which was not given to the model."
        elif tool.arguments not in (None, "") and not isinstance(tool.arguments, dict):
            yield f"The arguments of {tool.name[:80]} are not a JSON object."
        else:
            yield _misfit(tool.name, tools[tool.name], tool.arguments or {})


def _misfit(name: str, wanted: Json, arguments: Json) -> str:
    try:
        reason = schemas.first_error(wanted, arguments) if wanted else ""
    except schemas.Unjudged:
        return ""
    return f"The arguments of {name[:80]} do not fit: {reason[:LONGEST_REASON]}." if reason else ""
