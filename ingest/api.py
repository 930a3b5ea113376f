"""The native JSON API: one function for each operation; access, parse, one call, answer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from ingest import (
    answers,
    api_page,
    body,
    documents,
    filters,
    intake,
    limits,
    native,
    openapi,
    operations,
    shapes,
    traces,
    withholding,
)
from ingest.access import declaration_of, declare, public
from ingest.documents import Documents
from ingest.feedback_door import door
from ingest.filters import Order, Refused
from ingest.importers import FORMATS
from ingest.importers import door as importing
from ingest.json_objects import json_response
from ingest.models import Scope
from ingest.native import Taken
from ingest.problems import Problem
from ingest.records import Stored
from ingest.redaction.policies import redactor_of
from ingest.tokens import TokenAuth, TokenRequest, declare_api

MOST_STATEMENTS = 1000
PAGING = ("order", "cursor", "limit")
DEFAULT_LIMIT, MOST_LIMIT = 50, 200
READ = ["GET", "HEAD"]
MOST_ASKED = frozenset({"claim", "label"})
View = Callable[..., HttpResponse]

api = openapi.Api(
    title="Touchstone",
    version="1",
    description="Send traces, scores and feedback; read traces. Errors are problem details (RFC 9457).",
    urls_namespace="api",
    docs_url=None,
)
api.add_decorator(operations.directly, mode="view")


@api.post(
    "/traces",
    auth=TokenAuth(Scope.INGEST),
    tags=["Ingest"],
    summary="Send traces",
    openapi_extra=openapi.intake(shapes.TraceShape, "traces"),
)
def post_traces(request: TokenRequest) -> HttpResponse:
    sent = _documents(request, "traces", limits.SPANS)
    taken = native.take_traces(sent, time.time_ns(), redactor_of(request.caller.project))
    if len(taken.spans) > limits.SPANS:
        raise Problem(413, f"The traces hold more than {limits.SPANS} spans; send smaller batches.")
    return _receipt(taken, _store(request, sent, taken))


@api.post(
    "/scores",
    auth=TokenAuth(Scope.INGEST),
    tags=["Ingest"],
    summary="Send scores",
    openapi_extra=openapi.intake(shapes.ScoreBody, "scores"),
)
def post_scores(request: TokenRequest) -> HttpResponse:
    sent = _documents(request, "scores", MOST_STATEMENTS)
    taken = native.take_scores(sent, redactor_of(request.caller.project))
    return _receipt(taken, _store(request, sent, taken))


@api.post(
    "/feedback",
    auth=TokenAuth(Scope.INGEST, Scope.FEEDBACK),
    tags=["Ingest"],
    summary="Send user feedback",
    openapi_extra=openapi.intake(shapes.FeedbackBody, "feedback"),
)
def post_feedback(request: TokenRequest) -> HttpResponse:
    entered = None if request.caller.may(Scope.INGEST) else door.enter(request)
    sent = _documents(request, "feedback", MOST_STATEMENTS)
    if entered:
        door.count(request, entered, len(sent.items))
    taken = native.take_feedback(sent, redactor_of(request.caller.project))
    if entered:
        door.vouch(taken, entered)
    return _receipt(taken, _store(request, sent, taken))


@api.post(
    "/import",
    auth=TokenAuth(Scope.INGEST),
    tags=["Ingest"],
    summary="Import exports and SDK bodies of other systems",
    openapi_extra=openapi.importing(FORMATS),
)
def post_import(request: TokenRequest) -> HttpResponse:
    """Repeating an import changes nothing."""
    name, dry_run = importing.format_of(request), importing.is_dry_run(request)
    items = importing.items_of(request, name)
    report = importing.run(request.caller.project, name, items, dry_run=dry_run)
    return json_response(report, status=importing.status_of(report))


@api.api_operation(
    READ,
    "/traces",
    auth=TokenAuth(Scope.TRACES_READ),
    tags=["Read"],
    summary="List traces",
    openapi_extra=openapi.answer(
        answers.TraceList, refusals=openapi.READ_REFUSALS, parameters=openapi.filter_parameters()
    ),
)
def list_traces(request: TokenRequest) -> HttpResponse:
    """Any of the values of a repeated parameter, and all of the parameters. A score's range may also be
    asked for as score.NAME.min and score.NAME.max."""
    try:
        condition = filters.select(request.GET, besides=PAGING)
        page = traces.listing(
            request.caller.project,
            condition,
            order=_order(request),
            cursor=request.GET.get("cursor", ""),
            limit=_limit(request),
            withheld=partial(withholding.withheld, request.caller),
            by_signals=withholding.asks_for_signals(request.GET),
        )
    except Refused as refused:
        raise Problem(400, "Some parameters cannot be read.", errors=refused.errors) from None
    return json_response(page)


@api.api_operation(
    READ,
    "/traces/{any:trace_id}",
    auth=TokenAuth(Scope.TRACES_READ),
    tags=["Read"],
    summary="Read a trace",
    openapi_extra=openapi.answer(answers.TraceDetail, refusals=(*openapi.READ_REFUSALS, 404)),
)
def get_trace(request: TokenRequest, trace_id: str) -> HttpResponse:
    """Readable in the very next request after its POST was answered."""
    trace = None if "\0" in trace_id else traces.find(request.caller.project, trace_id)
    if trace is None:
        raise Problem(404, "This project has no such trace.")
    told = traces.detail(trace)
    return json_response(withholding.blank(told) if withholding.withheld(request.caller, [trace]) else told)


def docs(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document as a page without scripts."""
    document = api.get_openapi_schema()
    context = {
        "info": document["info"],
        "operations": api_page.operations(document),
        "schemas": api_page.properties(document),
    }
    return render(request, "api/docs.html", context)


def _documents(request: HttpRequest, envelope: str, most: int) -> Documents:
    return documents.read(body.read(request), request.content_type, envelope=envelope, most=most)


def _store(request: TokenRequest, sent: Documents, taken: Taken) -> Stored:
    """Commit what was accepted. Raises Problem when that is nothing."""
    if taken.refused and not sent.bulk:
        invalid = taken.refused[0][1]
        raise Problem(422, str(invalid), errors=[{"field": invalid.field, "error": invalid.reason}])
    if not taken.ids:
        raise answers.none_taken("None of the items can be accepted.", taken.refused)
    return intake.store(request.caller.project, taken.batch())


def _receipt(taken: Taken, stored: Stored) -> HttpResponse:
    pending = len(stored.pending_scores) + len(stored.pending_feedback)
    receipt = answers.Receipt(
        accepted=len(taken.ids),
        pending=pending,
        rejected=[answers.Rejection(index, str(invalid)) for index, invalid in taken.refused],
        ids=taken.ids,
        warnings=[answers.Warned(index, warning) for index, warning in taken.warnings],
    )
    if taken.refused:
        return json_response(receipt, status=207)
    return json_response(receipt, status=202 if pending == len(taken.ids) and not taken.bodies else 200)


def _order(request: HttpRequest) -> Order:
    try:
        return Order(request.GET.get("order") or Order.NEWEST)
    except ValueError:
        raise Refused([{"field": "order", "error": f"must be one of {', '.join(Order.values)}"}]) from None


def _limit(request: HttpRequest) -> int:
    text = request.GET.get("limit") or str(DEFAULT_LIMIT)
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= MOST_LIMIT:
        raise Refused([{"field": "limit", "error": f"must be a number from 1 to {MOST_LIMIT}"}])
    return int(text)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return problem.response()


@api.exception_handler(Exception)
def _unforeseen(request: HttpRequest, error: Exception) -> HttpResponse:
    """The server's own answer to errors: it logs them, and knows a database that is away."""
    raise error


def _as_http_expects(view: View, methods: list[str]) -> View:
    """OPTIONS, HEAD and refused methods, which django-ninja leaves out."""

    @csrf_exempt
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join([*methods, "OPTIONS"])})
        if request.method not in methods:
            return HttpResponseNotAllowed(methods)
        response = view(request, *args, **kwargs)
        if request.method == "HEAD" and response.streaming:
            return HttpResponse(status=response.status_code, content_type=response.headers["Content-Type"])
        if request.method == "HEAD":
            response.headers["Content-Length"] = str(len(response.content))
            response.content = b""
        return response

    return answered


def _methods(pattern: URLPattern) -> list[str]:
    declaration = declaration_of(pattern.callback)
    return sorted(declaration) if isinstance(declaration, Mapping) else READ


def urls() -> tuple[list[Any], str, str]:
    """All addresses of the native API, for `path("api/v1/", api.urls())`."""
    patterns, app_name, namespace = declare_api(api.urls)
    patterns = [path("docs", public(docs), name="docs"), *patterns]
    # An address is compared with all before it, so what is asked most comes first.
    patterns.sort(key=lambda pattern: (pattern.name not in MOST_ASKED, "POST" not in _methods(pattern)))
    for pattern in patterns:
        declaration, methods = declaration_of(pattern.callback), _methods(pattern)
        if declaration:
            answered = _as_http_expects(pattern.callback, methods)
            if pattern.name == post_feedback.__name__:
                answered = door.across_origins(answered)
            pattern.callback = declare(answered, declaration)
    return patterns, app_name, namespace
