"""How do the result files of JUnit, promptfoo, Inspect and DeepEval read as results of cases?

A case is told by the id that our own formats carry into the tool; where a tool drops it, by its name, and at
last by its input. What cannot be told stays unknown, and the gate then does not pass.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from evaluation.runs import archives
from evaluation.runs.results import MOST_TRIALS, REASON_CHARACTERS, Result, as_text, text
from ingest.json_objects import Json

_TRIAL = re.compile(r"\d{1,6}", re.ASCII)
_BRACKET = re.compile(r"\[(.+)\]\s*$", re.DOTALL)
_CORRECT = 1.0
_INSPECT_VALUES = {
    "C": 1.0,
    "P": 0.5,
    "I": 0.0,
    "N": 0.0,
    "correct": 1.0,
    "incorrect": 0.0,
    "yes": 1.0,
    "no": 0.0,
}


class Unreadable(ValueError):
    """Not a file of this tool."""


def junit(sent: bytes) -> list[Result]:
    """A case by the property `case_id`, else by what is in the test's brackets, else by its name."""
    if re.search(rb"<!(DOCTYPE|ENTITY)", sent, re.IGNORECASE) or b"\0" in sent:
        raise Unreadable("a document type is not taken; send UTF-8 without one")
    try:
        root = ElementTree.fromstring(sent)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Unreadable(str(error)) from None
    if root.tag not in ("testsuites", "testsuite"):
        raise Unreadable("its root must be testsuites or testsuite")
    return [_junit_case(each) for each in root.iter("testcase")]


def _junit_case(element: ElementTree.Element) -> Result:
    properties = {
        each.get("name", ""): each.get("value") or each.text or "" for each in element.iter("property")
    }
    name = element.get("name", "")
    bracket = _BRACKET.search(name)
    found = Result(
        case_id=properties.get("case_id") or (bracket.group(1) if bracket else name),
        clue=name,
        status="pass",
        trial=_trial(properties.get("trial")),
        latency_ms=_milliseconds(element.get("time")),
        output=text(properties.get("output") or None),
    )
    for tag, status in (("skipped", "skip"), ("failure", "fail"), ("error", "error")):
        part = element.find(tag)
        if part is not None:
            words = "\n".join(filter(None, [part.get("message"), part.text]))
            found.status, found.reason = status, text(words.strip(), REASON_CHARACTERS) or ""
    return found


def _trial(value: str | None) -> int | None:
    known = value is not None and _TRIAL.fullmatch(value) and 1 <= int(value) <= MOST_TRIALS
    return int(value) if value and known else None


def _milliseconds(seconds: str | None) -> float | None:
    try:
        return _finite(float(seconds or "")) and float(seconds or "") * 1000
    except ValueError:
        return None


def promptfoo(sent: bytes) -> list[Result]:
    """`promptfoo eval -o results.json`."""
    value = _json(sent)
    found = value.get("results")
    rows = found.get("results") if isinstance(found, dict) else found
    if not isinstance(rows, list):
        raise Unreadable("it has no results.results")
    return [_promptfoo_row(row) for row in rows if isinstance(row, dict)]


def _promptfoo_row(row: Json) -> Result:
    test, variables = _dict(row.get("testCase")), _dict(row.get("vars"))
    metadata = {**_dict(test.get("metadata")), **_dict(row.get("metadata"))}
    response = _dict(row.get("response"))
    name = (
        metadata.get("case_id")
        or variables.get("case_id")
        or test.get("description")
        or row.get("description")
    )
    # A provider error is distinguished from a failed assertion; in newer files 2 means an error.
    broke = (
        bool(response.get("error")) or row.get("failureReason") == 2 or (row.get("error") and not response)
    )
    grading = _dict(row.get("gradingResult"))
    words = response.get("error") or grading.get("reason") or row.get("error") or ""
    return Result(
        case_id=str(name or ""),
        clue=str(variables.get("input", "")),
        status="error" if broke else "pass" if row.get("success") is True else "fail",
        score=_finite(row.get("score")),
        output=_output(response.get("output")),
        latency_ms=_finite(row.get("latencyMs")),
        cost_usd=_finite(row.get("cost")),
        reason="" if row.get("success") is True else text(str(words), REASON_CHARACTERS) or "",
    )


def inspect(sent: bytes) -> list[Result]:
    """An Inspect log, as JSON or as its .eval archive. An epoch is a trial."""
    value = _inspect_archive(sent) if sent.startswith(b"PK\x03\x04") else _json(sent)
    samples = value.get("samples")
    if not isinstance(samples, list):
        raise Unreadable("it has no samples; log with --log-format json or --log-format eval")
    found = [_inspect_sample(each) for each in samples if isinstance(each, dict)]
    ended = value.get("status")
    return found if ended in (None, "", "success") else [_broken_off(each, str(ended)) for each in found]


def _broken_off(sample: Result, ended: str) -> Result:
    """What passed on the way of an evaluation that ended otherwise than it should is no pass."""
    if sample.status == "pass":
        sample.status, sample.reason = "error", text(f"the evaluation ended with status {ended}", 200) or ""
    return sample


def _inspect_archive(sent: bytes) -> Json:
    try:
        log = archives.log(sent)
        samples = [_json(each) for each in log.samples]
        ended = _json(log.header).get("status") if log.header is not None else "started" if log.begun else ""
    except archives.BadArchive as error:
        raise Unreadable(
            f"the archive cannot be read ({error}); convert it with `inspect log convert --to json`"
        ) from None
    samples.sort(key=lambda each: (str(each.get("id")), str(each.get("epoch"))))
    return {"samples": samples, "status": ended}


def _inspect_sample(sample: Json) -> Result:
    scores = [_inspect_value(_dict(each).get("value")) for each in _dict(sample.get("scores")).values()]
    words = [str(_dict(each).get("explanation") or "") for each in _dict(sample.get("scores")).values()]
    epoch, output = sample.get("epoch"), _dict(sample.get("output"))
    status = "pass" if scores and all(score is not None and score >= _CORRECT for score in scores) else "fail"
    if sample.get("error") or not scores:
        status = "error"
        words = [str(_dict(sample.get("error")).get("message") or "the sample has no score")]
    return Result(
        case_id=str(_dict(sample.get("metadata")).get("case_id") or sample.get("id") or ""),
        status=status,
        score=min((score for score in scores if score is not None), default=None),
        trial=epoch
        if isinstance(epoch, int) and not isinstance(epoch, bool) and 1 <= epoch <= MOST_TRIALS
        else None,
        output=_output(output.get("completion") or _inspect_completion(output)),
        latency_ms=_seconds(sample.get("total_time")),
        reason="" if status == "pass" else text("\n".join(filter(None, words)), REASON_CHARACTERS) or "",
    )


def _inspect_value(value: object) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        return _INSPECT_VALUES.get(value)
    if isinstance(value, dict):
        parts = [_inspect_value(each) for each in value.values()]
        return None if not parts or None in parts else min(part for part in parts if part is not None)
    return _finite(value)


def _inspect_completion(output: Json) -> Any:
    choices = output.get("choices")
    first = _dict(choices[0]) if isinstance(choices, list) and choices else {}
    return _dict(first.get("message")).get("content")


def deepeval(sent: bytes) -> list[Result]:
    """The test run that DeepEval writes; all metrics of a test case have to hold."""
    value = _json(sent)
    rows = value.get("testCases", value.get("test_cases", value.get("test_results")))
    if not isinstance(rows, list):
        raise Unreadable("it has no testCases")
    return [_deepeval_row(row) for row in rows if isinstance(row, dict)]


def _deepeval_row(row: Json) -> Result:
    metadata = _dict(row.get("additionalMetadata") or row.get("additional_metadata") or row.get("metadata"))
    metrics = row.get("metricsData") or row.get("metrics_data") or []
    metrics = [_dict(each) for each in metrics] if isinstance(metrics, list) else []
    held = row.get("success") is True and all(each.get("success") is True for each in metrics)
    broke = [str(each.get("error")) for each in metrics if each.get("error")]
    words = broke or [str(each.get("reason") or "") for each in metrics if each.get("success") is not True]
    seconds = _finite(row.get("runDuration"))
    return Result(
        case_id=str(metadata.get("case_id") or row.get("name") or ""),
        clue=str(row.get("input") or ""),
        status="error" if broke else "pass" if held else "fail",
        score=min(
            (score for each in metrics if (score := _finite(each.get("score"))) is not None), default=None
        ),
        output=_output(row.get("actualOutput", row.get("actual_output"))),
        latency_ms=seconds * 1000 if seconds is not None else None,
        cost_usd=_finite(row.get("evaluationCost")),
        reason="" if held else text("\n".join(filter(None, words)), REASON_CHARACTERS) or "",
    )


def _json(sent: bytes) -> Json:
    try:
        value = json.loads(sent)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is not JSON ({str(error)[:200]})") from None
    if not isinstance(value, dict):
        raise Unreadable("it must be an object")
    return value


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _seconds(value: object) -> float | None:
    found = _finite(value)
    return None if found is None else found * 1000


def _output(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return text(value)
    return text(as_text(value))


READERS: dict[str, Callable[[bytes], list[Result]]] = {
    "junit": junit,
    "promptfoo": promptfoo,
    "inspect": inspect,
    "deepeval": deepeval,
}
