"""The golden dataset over HTTP: versions in every format, manifests, differences, cases and publishing."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from evaluation.golden import answers, asked
from evaluation.golden.content import files
from evaluation.golden.draft import cases, drafts
from evaluation.golden.models import NAME_CHARACTERS, GoldenDataset
from evaluation.golden.published import downloads, serving, versions
from ingest import body, documents
from ingest.json_objects import json_response
from ingest.models import Scope
from ingest.problems import Problem
from ingest.tokens import TokenRequest, token

MOST_CASES = 20_000
LONGEST_CHANGELOG = 10_000
RANGE_OF_VERSIONS = "..."
_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@token(Scope.GOLDEN_READ)
def list_datasets(request: TokenRequest) -> HttpResponse:
    return json_response({"datasets": answers.datasets(request.caller.project)})


@token(Scope.GOLDEN_READ)
def read_dataset(request: TokenRequest, name: str) -> HttpResponse:
    return json_response(answers.dataset(asked.dataset(request.caller.project, name)))


@token(Scope.GOLDEN_READ)
def list_versions(request: TokenRequest, name: str) -> HttpResponse:
    return json_response({"versions": answers.versions(asked.dataset(request.caller.project, name))})


@token(Scope.GOLDEN_READ)
def read_version(request: TokenRequest, name: str, number: str, format: str = "") -> HttpResponseBase:
    """The bytes in the default format, or in the one named behind the number."""
    dataset = asked.dataset(request.caller.project, name)
    if RANGE_OF_VERSIONS in number and not format:
        return difference(dataset, number)
    found = asked.version(dataset, number)
    if format == "manifest.json":
        return manifest(found, number)
    shown = asked.representation(found, number, format, asked.selection(request.GET))
    answer = serving.answer(request, shown)
    downloads.count(dataset, unchanged=answer.status_code == 304)
    return answer


def manifest(found: Any, number: str) -> HttpResponse:
    answer = json_response(versions.manifest(found))
    answer.headers["Cache-Control"] = serving.ASK_AGAIN if number == versions.LATEST else serving.IMMUTABLE
    return answer


def difference(dataset: GoldenDataset, pair: str) -> HttpResponse:
    before, _, after = pair.partition(RANGE_OF_VERSIONS)
    both = asked.version(dataset, before), asked.version(dataset, after)
    return json_response(answers.difference(dataset, *both, drafts.between(*both)))


@token(Scope.GOLDEN_WRITE)
def post_cases(request: TokenRequest, name: str) -> HttpResponse:
    content = body.read(request)
    sent = documents.read(content, request.content_type, envelope="cases", most=MOST_CASES)
    _check_name(name)
    by = request.caller.token.name
    # A dataset is made for a case that can be taken, not for one that cannot.
    checked = cases.check_values(sent.items, files.lines_of(content, len(sent.items)))
    if not checked.good:
        raise Problem(400, "None of the cases can be taken.", errors=answers.rejections(checked.bad))
    dataset = cases.open_dataset(request.caller.project, name, by)
    report = cases.put_checked(dataset, checked, by)
    return json_response(answers.report(dataset, report), 207 if report.count("rejected") else 200)


@token(Scope.GOLDEN_WRITE)
def post_version(request: TokenRequest, name: str) -> HttpResponse:
    dataset = asked.dataset(request.caller.project, name)
    changelog = _changelog(request)
    try:
        version = versions.publish(dataset, request.caller.token.name, changelog)
    except versions.NothingToPublish as refusal:
        raise Problem(409, str(refusal)) from None
    version.refresh_from_db()
    version.dataset = dataset
    answer = json_response(versions.manifest(version), 201)
    answer.headers["Location"] = f"{asked.ROOT}/{dataset.name}/versions/{version.number}"
    return answer


@token(*Scope)
def client_file(request: TokenRequest) -> HttpResponse:
    """The one-file client; every token of the project may fetch it."""
    text = resources.files("evaluation.golden").joinpath("client/touchstone.py").read_bytes()
    return HttpResponse(
        text, content_type="text/x-python; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


def _check_name(name: str) -> None:
    if len(name) > NAME_CHARACTERS or not _NAME.fullmatch(name):
        detail = f"A dataset's name has up to {NAME_CHARACTERS} letters, digits, hyphens and underscores."
        raise Problem(422, detail, errors=[{"field": "name", "error": detail}])


def _changelog(request: HttpRequest) -> str:
    """From `{"changelog": "..."}`; an empty body is none."""
    sent = body.read(request).strip()
    if not sent:
        return ""
    try:
        value = documents.parse(sent)
    except documents.Malformed as error:
        raise Problem(400, f"The body is not JSON: {error}") from None
    words = value.get("changelog", "") if isinstance(value, dict) else None
    if not isinstance(words, str) or len(words) > LONGEST_CHANGELOG:
        detail = f"changelog must be a text of at most {LONGEST_CHANGELOG} characters"
        raise Problem(422, detail, errors=[{"field": "changelog", "error": detail}])
    return words
