"""Accepts an upload: results are appended to their run and the run is decided again, in one transaction.

Uploads of one run_key are parts of one run: repeats of discordant cases come that way. Whatever is sent
twice, by key, by body or by trial, changes nothing.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from django.db import IntegrityError, connection, transaction
from psycopg import Cursor

from evaluation.golden.content.lines import from_line, input_text, parse
from evaluation.golden.models import GoldenVersion
from evaluation.runs import deciding, scoring
from evaluation.runs.models import CaseResult, CiRun, ResultStatus, RunUpload, Scorer
from evaluation.runs.results import Result
from evaluation.runs.uploads import Upload
from ingest import sanitising
from ingest.models import ApiToken, Project
from ingest.problems import Problem

MOST_UNKNOWN = 200
COLUMNS = (
    "run_id", "case_id", "revision", "trial", "status", "scored_by", "score", "output", "reason",
    "latency_ms", "cost_usd",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sender:
    project: Project
    token: ApiToken
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class Submitted:
    run: CiRun
    created: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    case_pk: int
    revision: int


def submit(version: GoldenVersion, upload: Upload, sender: Sender, body: bytes) -> Submitted:
    """Raises Problem: 403 for a branch the token may not speak for, 409 and 422 for contradictions."""
    _check_branch(sender.token, upload.branch)
    sha256 = hashlib.sha256(f"{version.pk}:".encode() + body).digest()
    try:
        with transaction.atomic():
            if known := _known_upload(sender, sha256):
                return Submitted(known, created=False)
            run, made = _run(version, upload, sender)
            if not made and run.uploads.filter(sha256=sha256).exists():
                return Submitted(run, created=False)
            added = _append(run, version, upload)
            RunUpload.objects.create(
                run=run,
                project=sender.project,
                idempotency_key=sender.idempotency_key,
                sha256=sha256,
                results=added,
            )
            run.arriving = upload.more
            deciding.decide(run)
            return Submitted(run, created=True)
    except IntegrityError as error:
        if "idempotency_key_once_a_project" not in str(error):
            raise
        raise Problem(
            409, "This Idempotency-Key is being used at this moment. Send the request again."
        ) from None


def _check_branch(token: ApiToken, branch: str) -> None:
    patterns = token.branches
    if patterns and not any(fnmatchcase(branch, pattern) for pattern in patterns):
        said = f"not for {branch}" if branch else "and the upload names no branch"
        raise Problem(403, f"This token speaks for the branches {', '.join(patterns)} only, {said}.")


def _known_upload(sender: Sender, sha256: bytes) -> CiRun | None:
    if sender.idempotency_key is None:
        return None
    found = (
        RunUpload.objects.filter(project=sender.project, idempotency_key=sender.idempotency_key)
        .select_related("run")
        .first()
    )
    if found is None:
        return None
    if bytes(found.sha256) != sha256:
        raise Problem(422, "This Idempotency-Key was used with another body. Use a new key for a new upload.")
    return found.run


def _run(version: GoldenVersion, upload: Upload, sender: Sender) -> tuple[CiRun, bool]:
    """The run of this key, locked, made if need be."""
    key = upload.run_key or sender.idempotency_key or uuid.uuid4().hex
    fresh = CiRun(
        version=version,
        run_key=key,
        token=sender.token,
        commit=upload.commit,
        branch=upload.branch,
        baseline_branch=upload.baseline,
        selection={"split": list(upload.splits), "tag": list(upload.tags)},
        system=upload.system,
        golden_digest=upload.golden_digest,
    )
    CiRun.objects.bulk_create([fresh], ignore_conflicts=True)
    run = (
        CiRun.objects.select_for_update(of=("self",))
        .select_related("baseline")
        .get(version=version, run_key=key)
    )
    run.version = version
    made = run.public_id == fresh.public_id
    if made:
        run.baseline = deciding.find_baseline(run)
    else:
        _check_same(run, upload)
    return run, made


def _check_same(run: CiRun, upload: Upload) -> None:
    for name, before, now in (
        ("commit", run.commit, upload.commit),
        ("branch", run.branch, upload.branch),
        ("golden_digest", run.golden_digest, upload.golden_digest),
    ):
        if now and now != before:
            raise Problem(
                409, f"The run {run.run_key} has {name} {before or 'none'}, not {now}. Use a new run_key."
            )


def _append(run: CiRun, version: GoldenVersion, upload: Upload) -> int:
    entries = _entries(version)
    _tell(upload.results, version, entries)
    known = [each for each in upload.results if each.case_id in entries]
    unknown = {
        sanitising.text(each.case_id, set(), 200) for each in upload.results if each.case_id not in entries
    }
    run.unknown = sorted({*run.unknown, *unknown})[:MOST_UNKNOWN]
    rows = _rows(run, version, entries, known)
    _copy(rows)
    return len(rows)


def _entries(version: GoldenVersion) -> dict[str, _Entry]:
    rows = version.entries.values_list("case__case_id", "case_id", "revision__number")
    return {case_id: _Entry(pk, number) for case_id, pk, number in rows.iterator(chunk_size=5000)}


def _tell(results: list[Result], version: GoldenVersion, entries: dict[str, _Entry]) -> None:
    """Find the case of results that name none, by their input; an input of two cases tells nothing."""
    lost = [each for each in results if each.case_id not in entries and each.clue]
    if not lost:
        return
    by_input: dict[str, str] = {}
    for line in _lines(version, None).values():
        value = parse(line)
        asked = input_text(value["input"])
        by_input[asked] = "" if asked in by_input else value["id"]
    for each in lost:
        each.case_id = by_input.get(each.clue) or each.case_id


def _lines(version: GoldenVersion, case_pks: Iterable[int] | None) -> dict[int, str]:
    entries = (
        version.entries.all() if case_pks is None else version.entries.filter(case_id__in=list(case_pks))
    )
    rows = entries.values_list("case_id", "revision__line")
    return {pk: line for pk, line in rows if line is not None}


def _rows(
    run: CiRun, version: GoldenVersion, entries: dict[str, _Entry], results: list[Result]
) -> list[tuple[Any, ...]]:
    stored = {
        (case_pk, trial): (status, scorer, output)
        for case_pk, trial, status, scorer, output in run.results.values_list(
            "case_id", "trial", "status", "scored_by", "output"
        )
    }
    last: dict[int, int] = {}
    for case_pk, trial in stored:
        last[case_pk] = max(trial, last.get(case_pk, 0))
    to_score = {
        entries[each.case_id].case_pk for each in results if each.status is None and each.output is not None
    }
    lines = _lines(version, to_score) if to_score else {}
    rows, seen = [], set()
    for each in results:
        entry = entries[each.case_id]
        trial = each.trial or last.get(entry.case_pk, 0) + 1
        last[entry.case_pk] = max(trial, last.get(entry.case_pk, 0))
        place = (entry.case_pk, trial)
        if place in seen:
            raise Problem(422, f"Trial {trial} of {each.case_id} stands twice in the results.")
        seen.add(place)
        if place in stored:
            _check_repeated(each, trial, stored[place])
            continue
        status, scorer, score, reason = _scored(each, lines.get(entry.case_pk))
        rows.append((
            run.pk, entry.case_pk, entry.revision, trial, status, scorer, score, each.output or "", reason,
            each.latency_ms, each.cost_usd,
        ))  # fmt: skip
    return rows


def _check_repeated(each: Result, trial: int, before: tuple[str, str, str]) -> None:
    status, scorer, output = before
    same = each.status == status if scorer == Scorer.CLIENT else each.status is None
    if not same or (each.output or "") != output:
        raise Problem(409, f"Trial {trial} of {each.case_id} was reported otherwise before; results stay.")


def _scored(each: Result, line: str | None) -> tuple[str, str, float | None, str]:
    if each.status is not None:
        return each.status, Scorer.CLIENT, each.score, each.reason
    if each.output is None:
        return (
            ResultStatus.ERROR,
            Scorer.SERVER,
            None,
            each.reason or "Neither a status nor an output was sent.",
        )
    if line is None:
        return ResultStatus.ERROR, Scorer.SERVER, None, "The case's text was erased."
    scored = scoring.score(from_line(line), each.output)
    return scored.status, Scorer.SERVER, scored.score, scored.reason[:4000].replace("\0", "\ufffd")


def _copy(rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    table = CaseResult._meta.db_table
    with (
        Cursor(connection.connection) as cursor,
        cursor.copy(f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
