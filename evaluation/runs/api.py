"""CI runs over HTTP: report results, get the gate's decision, read it again as JSON, Markdown or JUnit."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Case, F, When
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from evaluation.golden import asked
from evaluation.golden.published.versions import LATEST, digest_text
from evaluation.runs import reports, uploads
from evaluation.runs.models import CiRun, ResultStatus
from evaluation.runs.submitting import Sender, submit
from ingest import body
from ingest.json_objects import json_response
from ingest.models import Project, Scope
from ingest.problems import Problem
from ingest.tokens import TokenRequest, token

READERS = (Scope.RUNS_WRITE, Scope.QUALITY_READ)
LONGEST_KEY = 200
# The part of a failed output that is shown next to what was expected.
OUTPUT_CHARACTERS = 2_000


@token(Scope.RUNS_WRITE)
def post_run(request: TokenRequest, name: str, number: str) -> HttpResponse:
    if number == LATEST:
        raise Problem(400, "Name the version by its number: latest could be another one by now.")
    version = asked.version(asked.dataset(request.caller.project, name), number)
    version.dataset.project = request.caller.project
    sent = body.read(request)
    upload = uploads.read(sent, request.GET.get("format", ""), request.GET)
    sender = Sender(request.caller.project, request.caller.token, _key(request))
    submitted = submit(version, upload, sender, sent)
    run = find(request.caller.project, str(submitted.run.public_id))
    return json_response(shown(run, request), 201 if submitted.created else 200)


@token(*READERS)
def read_run(request: TokenRequest, run_id: str) -> HttpResponse:
    run = find(request.caller.project, run_id)
    return json_response(shown(run, request) | {"results": results(run)})


@token(*READERS)
def run_markdown(request: TokenRequest, run_id: str) -> HttpResponse:
    run = find(request.caller.project, run_id)
    return HttpResponse(
        reports.markdown(run, page_of(run, request)), content_type="text/markdown; charset=utf-8"
    )


@token(*READERS)
def run_junit(request: TokenRequest, run_id: str) -> HttpResponse:
    run = find(request.caller.project, run_id)
    return HttpResponse(reports.junit(run), content_type="application/xml; charset=utf-8")


def find(project: Project, run_id: str) -> CiRun:
    """Raises Problem 404."""
    try:
        wanted = uuid.UUID(run_id)
    except ValueError:
        raise Problem(404, "This project has no such run.") from None
    found = (
        CiRun.objects.filter(public_id=wanted, version__dataset__project=project)
        .select_related("version__dataset__project", "baseline")
        .first()
    )
    if found is None:
        raise Problem(404, "This project has no such run.")
    return found


def shown(run: CiRun, request: HttpRequest) -> dict[str, Any]:
    """The answer to the upload, and to later requests for the run."""
    url = page_of(run, request)
    return {
        "run_id": str(run.public_id),
        **run.answer,
        "markdown": reports.markdown(run, url),
        "url": url,
        "dataset": run.version.dataset.name,
        "version": run.version.number,
        "golden_digest": digest_text(run.version),
        "run_key": run.run_key,
        "commit": run.commit,
        "branch": run.branch,
        "selection": run.selection,
        "system": run.system,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
    }


def results(run: CiRun) -> list[dict[str, Any]]:
    """Every trial; with the beginning of its output where it did not pass."""
    said = Case(When(status=ResultStatus.PASS, then=None), default=Left("output", OUTPUT_CHARACTERS))
    rows = run.results.annotate(case_key=F("case__case_id"), said=said).order_by("case_key", "trial")
    names = ("case_key", "trial", "status", "scored_by", "score", "reason", "latency_ms", "cost_usd", "said")
    fields = ("case_id", *names[1:-1], "output")
    return [dict(zip(fields, row, strict=True)) for row in rows.values_list(*names)]


def page_of(run: CiRun, request: HttpRequest) -> str:
    address = reverse("run", args=[run.version.dataset.project.slug, str(run.public_id)])
    return str(request.build_absolute_uri(address))


def _key(request: HttpRequest) -> str | None:
    key = request.headers.get("Idempotency-Key", "").strip().strip('"')
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise Problem(400, f"An Idempotency-Key has at most {LONGEST_KEY} printable characters.")
    return key or None
