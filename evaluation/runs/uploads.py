"""What does an upload say? One native body, or a tool's own result file, as results of cases and trials."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from evaluation.runs import tools
from evaluation.runs.results import MOST_TRIALS, REASON_CHARACTERS, Result, as_text, text
from ingest import documents, sanitising
from ingest.json_objects import Json
from ingest.problems import Problem

STATUSES = ("pass", "fail", "error", "skip")
MOST_RESULTS = 60_000
TEXT_FIELDS = {"run_key": 200, "commit": 200, "branch": 200, "baseline": 200, "golden_digest": 80}


@dataclass(slots=True)
class Upload:
    run_key: str = ""
    commit: str = ""
    branch: str = ""
    baseline: str = ""
    golden_digest: str = ""
    splits: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    system: Json = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    # Further parts of the run follow: nothing is decided before one comes that says nothing of more.
    more: bool = False


def read(sent: bytes, format: str, query: QueryDict) -> Upload:
    """Raises Problem: 400 for what cannot be parsed, 422 for fields that do not fit."""
    if format in ("", "native"):
        return _native(_document(sent))
    reader: Callable[[bytes], list[Result]] | None = tools.READERS.get(format)
    if reader is None:
        raise Problem(400, f"format must be one of native, {', '.join(tools.READERS)}.")
    upload = _described({name: query[name] for name in query}, _selection_of(query))
    try:
        upload.results = reader(sent)
    except tools.Unreadable as error:
        raise Problem(400, f"This is no {format} result file: {error}") from None
    return _bounded(upload)


def _document(sent: bytes) -> Json:
    try:
        value = documents.parse(sent.removeprefix(b"\xef\xbb\xbf").strip() or b"null")
    except documents.Malformed as error:
        raise Problem(400, f"The body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Problem(400, 'Send an object with "results"; or name the format of the file with ?format=.')
    return value


def _selection_of(query: QueryDict) -> tuple[list[str], list[str]]:
    selection = {name: query.getlist(name) for name in ("split", "tag")}
    return _texts(selection, "split"), _texts(selection, "tag")


def _native(value: Json) -> Upload:
    selection = value.get("selection") or {}
    if not isinstance(selection, dict):
        raise _unfit("selection", "must be an object with split and tag")
    upload = _described(value, (_texts(selection, "split"), _texts(selection, "tag")))
    if not isinstance(value.get("more", False), bool):
        raise _unfit("more", "must be true or false")
    upload.more = value.get("more", False)
    results = value.get("results", [])
    if not isinstance(results, list):
        raise _unfit("results", "must be a list")
    errors: list[Json] = []
    for index, each in enumerate(results):
        try:
            upload.results.append(_result(each))
        except ValueError as error:
            errors.append({"index": index, "field": f"results[{index}]", "error": str(error)})
    if errors:
        raise Problem(422, "Some results cannot be read; none was taken.", errors=errors[:100])
    return _bounded(upload)


def _bounded(upload: Upload) -> Upload:
    if len(upload.results) > MOST_RESULTS:
        raise Problem(
            413, f"An upload holds at most {MOST_RESULTS} results; send the rest under the same run_key."
        )
    return upload


def _described(value: Json, selection: tuple[list[str], list[str]]) -> Upload:
    upload = Upload(splits=tuple(filter(None, selection[0])), tags=tuple(filter(None, selection[1])))
    for name, most in TEXT_FIELDS.items():
        text = value.get(name)
        if text is not None:
            if not isinstance(text, str) or len(text) > most or "\0" in text:
                raise _unfit(name, f"must be a text of at most {most} characters")
            setattr(upload, name, text)
    system = value.get("system")
    if system is None:
        system = {name: value[name] for name in ("model", "prompt_version") if name in value}
    if not isinstance(system, dict) or len(str(system)) > 10_000:
        raise _unfit("system", "must be a small object")
    upload.system = _clean(system)
    return upload


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {_clean(str(name)): _clean(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return sanitising.text(value, set()) if isinstance(value, str) else value


def _texts(selection: Json, name: str) -> list[str]:
    value = selection.get(name)
    values = value if isinstance(value, list) else [] if value in (None, "") else [value]
    if not all(isinstance(each, str) and "\0" not in each for each in values):
        raise _unfit(f"selection.{name}", "must be a text")
    return values


def _result(value: Any) -> Result:
    """Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    case_id, status, trial = value.get("case_id"), value.get("status"), value.get("trial")
    if not isinstance(case_id, str) or not case_id:
        raise ValueError("case_id must be a text")
    if status is not None and status not in STATUSES:
        raise ValueError(f"status must be one of {', '.join(STATUSES)}")
    if trial is not None and (
        isinstance(trial, bool) or not isinstance(trial, int) or not 1 <= trial <= MOST_TRIALS
    ):
        raise ValueError(f"trial must be a whole number from 1 to {MOST_TRIALS}")
    output = value.get("output")
    if output is not None and not isinstance(output, str):
        output = as_text(output)
    return Result(
        case_id=case_id,
        status=status,
        score=number(value, "score"),
        trial=trial,
        output=text(output),
        latency_ms=number(value, "latency_ms"),
        cost_usd=number(value, "cost_usd"),
        reason=text(str(value.get("reason") or ""), REASON_CHARACTERS) or "",
    )


def number(value: Json, name: str) -> float | None:
    found = value.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise ValueError(f"{name} must be a number")
    return float(found)


def _unfit(name: str, words: str) -> Problem:
    return Problem(422, f"{name} {words}.", errors=[{"field": name, "error": words}])
