"""Judges over the API: who they are, every number of the calibration page, the certificate."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpResponse

from evaluation.judges import (
    calibration,
    certificates,
    drift,
    kept_figures,
    overview,
    running,
    statements,
    versions,
)
from evaluation.judges.forms import queues_for
from evaluation.judges.models import PREFERENCE, Judge, JudgeVersion, Kind
from evaluation.judges.pairwise import comparing
from evaluation.judges.statements import Scope
from ingest import body, documents, shapes
from ingest.documents import JSON
from ingest.models import Scope as TokenScope
from ingest.problems import Problem
from ingest.tokens import TokenRequest, token


@token(TokenScope.QUALITY_READ)
def list_judges(request: TokenRequest) -> HttpResponse:
    return json({"judges": overview.tell(request.caller.project)})


@token(TokenScope.QUALITY_READ)
def read_calibration(request: TokenRequest, name: str) -> HttpResponse:
    judge = _judge(request, name)
    scope = scope_of(judge, request.GET)
    told = kept_figures.of(scope)["api"] if scope else calibration.nothing(judge)
    if scope:
        told = told | {"judge": told["judge"] | {"drift": _drift(scope)}}
    if scope and scope.version.criterion == PREFERENCE:
        told = told | {"pairwise": comparing.tell(scope.version)}
    return json(told)


def _drift(scope: Scope) -> dict[str, Any]:
    """Of all that there is: rounds over the anchors know no window and no slice."""
    whole = kept_figures.of(Scope(scope.version))
    return drift.as_dict(drift.tell(scope.version, whole["page"]["system"]))


@token(TokenScope.ADMIN)
def start_run(request: TokenRequest, name: str) -> HttpResponse:
    """`{"queue": "review", "version": "2", "standing": false, "both_orders": false}`: a judge looks through a
    queue before people do. 201 with how many were asked for."""
    judge = _judge(request, name)
    given = _run_asked(body.read(request))
    version = _version(judge, given.version)
    if version is None or version.kind == Kind.IMPORTED:
        raise Problem(409, "This judge has no version that runs here.")
    queue = queues_for(version).filter(slug=given.queue).first()
    if queue is None:
        raise Problem(404, "This project has no such queue for this judge.")
    asked = running.on_queue(
        version, queue, request.caller.token.name, standing=given.standing, both_orders=given.both_orders
    )
    response = json({"judge": judge.name, "version": version.label, "queue": queue.slug, "asked": asked})
    response.status_code = 201
    return response


class RunAsked(msgspec.Struct, forbid_unknown_fields=True):
    queue: str
    version: str = ""
    standing: bool = False
    both_orders: bool = False


def _run_asked(sent: bytes) -> RunAsked:
    try:
        return shapes.checked(documents.parse(sent), RunAsked)
    except documents.Malformed as error:
        raise Problem(400, f"The body is not JSON: {error}") from None
    except shapes.Invalid as error:
        raise Problem(422, str(error), errors=[{"field": error.field, "error": error.reason}]) from None


@token(TokenScope.QUALITY_READ)
def read_certificate(request: TokenRequest, name: str) -> HttpResponse:
    version = _version(_judge(request, name), request.GET.get("version", ""))
    if version is None:
        raise Problem(404, "This judge has no version yet, so there is nothing to certify.")
    return json(certificates.as_dict(certificates.current(version)))


def scope_of(judge: Judge, asked: Any) -> Scope | None:
    """What `version`, `criterion`, `window` and `slice` choose; None for a judge without versions.

    Raises Problem: 404 for a version or criterion that the judge does not have, 400 for what cannot be read.
    """
    version = _version(judge, asked.get("version", ""))
    criterion = asked.get("criterion", "")
    if version and criterion and criterion != version.criterion:
        raise Problem(404, f"This version judges the criterion {version.criterion}.")
    try:
        since = calibration.since(asked.get("window", ""))
    except calibration.UnknownWindow as error:
        raise _unreadable("window", error) from None
    try:
        within = statements.parse_slice(asked.get("slice", ""))
    except statements.UnknownSlice as error:
        raise _unreadable("slice", error) from None
    return Scope(version, since, within) if version else None


def _judge(request: TokenRequest, name: str) -> Judge:
    judge = None if "\0" in name else versions.find(request.caller.project, name)
    if judge is None:
        raise Problem(404, "This project has no such judge.")
    return judge


def _version(judge: Judge, asked: str) -> JudgeVersion | None:
    version = None if "\0" in asked else versions.choose(judge, asked)
    if version is None and asked:
        raise Problem(404, "This judge has no such version.")
    return version


def _unreadable(field: str, error: ValueError) -> Problem:
    return Problem(400, f"{field}: {error}.", errors=[{"field": field, "error": str(error)}])


def json(answer: Any) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(answer), content_type=JSON)
