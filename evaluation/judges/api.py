"""Judges over the API: who they are, every number of the calibration page, the certificate."""

from __future__ import annotations

import msgspec
from django.http import HttpResponse

from evaluation.judges.against_people.statements import Scope
from evaluation.judges.judgments import running
from evaluation.judges.making import versions
from evaluation.judges.models import PREFERENCE, Judge, Kind
from evaluation.judges.pairwise import comparing
from evaluation.judges.stability import drift
from evaluation.judges.trust import (
    asked,
    calibration,
    certificates,
    kept_figures,
    kept_pairs,
    overview,
    stages,
)
from ingest import body, documents, shapes
from ingest.json_objects import Json, json_response
from ingest.models import Scope as TokenScope
from ingest.problems import Problem
from ingest.tokens import TokenRequest, token


@token(TokenScope.QUALITY_READ)
def list_judges(request: TokenRequest) -> HttpResponse:
    return json_response({"judges": overview.tell(request.caller.project)})


@token(TokenScope.QUALITY_READ)
def read_calibration(request: TokenRequest, name: str) -> HttpResponse:
    judge = _judge(request, name)
    scope = asked.scope_of(judge, request.GET)
    told = kept_figures.of(scope)["api"] if scope else calibration.nothing(judge)
    if scope:
        told = told | {"judge": told["judge"] | _of_whole(scope)}
    if scope and scope.version.criterion == PREFERENCE:
        told = told | {"pairwise": kept_pairs.keep(scope.version, comparing.tell(scope.version))}
    return json_response(told)


def _of_whole(scope: Scope) -> Json:
    """Of all that there is: rounds over the anchors and validations know no window and no slice."""
    whole = kept_figures.of(Scope(scope.version))
    return {
        "drift": drift.as_dict(drift.tell(scope.version, whole["page"]["system"])),
        "validation": stages.told(scope.version, whole) or None,
    }


@token(TokenScope.ADMIN)
def start_run(request: TokenRequest, name: str) -> HttpResponse:
    """`{"queue": "review", "version": "2", "standing": false, "both_orders": false}`: a judge looks through a
    queue before people do. 201 with how many were asked for."""
    judge = _judge(request, name)
    given = _run_asked(body.read(request))
    version = asked.version_of(judge, given.version)
    if version is None or version.kind == Kind.IMPORTED:
        raise Problem(409, "This judge has no version that runs here.")
    queue = running.queues_for(version).filter(slug=given.queue).first()
    if queue is None:
        raise Problem(404, "This project has no such queue for this judge.")
    waiting = running.on_queue(
        version, queue, request.caller.token.name, standing=given.standing, both_orders=given.both_orders
    )
    told = {"judge": judge.name, "version": version.label, "queue": queue.slug, "asked": waiting}
    return json_response(told, 201)


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
    version = asked.version_of(_judge(request, name), request.GET.get("version", ""))
    if version is None:
        raise Problem(404, "This judge has no version yet, so there is nothing to certify.")
    return json_response(certificates.as_dict(certificates.current(version)))


def _judge(request: TokenRequest, name: str) -> Judge:
    judge = None if "\0" in name else versions.find(request.caller.project, name)
    if judge is None:
        raise Problem(404, "This project has no such judge.")
    return judge
