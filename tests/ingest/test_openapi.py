"""The OpenAPI document and the page of it: true, complete, and readable under the strict content policy."""

import re

import pytest

from tests.ingest.test_isolation import routes

DOCUMENT, PAGE = "/api/v1/openapi.json", "/api/v1/docs"


@pytest.fixture
def document(client, db):
    response = client.get(DOCUMENT)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/json")
    return response.json()


def references(part):
    if isinstance(part, dict):
        yield from [part["$ref"]] if "$ref" in part else []
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from references(each)


def test_the_document_names_every_operation_once(document):
    assert document["openapi"] == "3.1.0"
    operations = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert operations >= {
        ("post", "/api/v1/traces"),
        ("get", "/api/v1/traces"),
        ("get", "/api/v1/traces/{trace_id}"),
        ("post", "/api/v1/scores"),
        ("post", "/api/v1/feedback"),
        ("post", "/api/v1/import"),
    }
    ids = [
        operation["operationId"] for methods in document["paths"].values() for operation in methods.values()
    ]
    assert len(ids) == len(set(ids))


def test_every_address_of_the_api_is_in_the_document(document):
    """The addresses of all floors; a later one is not forgotten."""
    written = {f"/{route}" for route in routes() if route.startswith("api/v1/")}
    told = {re.sub(r"{[^}]*}", "{}", path) for path in document["paths"]}
    beside = {"/api/v1/", "/api/v1/docs", "/api/v1/openapi.json"}
    assert {re.sub(r"<[^>]*>", "{}", path) for path in written} - beside == told


def test_every_reference_leads_somewhere(document):
    found = set(references(document))
    assert {reference.rpartition("/")[2] for reference in found} <= document["components"]["schemas"].keys()
    assert "#/components/schemas/TraceDetail" in found


def test_every_operation_needs_a_token_and_declares_its_refusals(document):
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["security"]
            for status in ("400", "401", "403", "503"):
                assert "application/problem+json" in operation["responses"][status]["content"]


def test_the_page_shows_everything_without_scripts_or_styles_of_its_own(client, document):
    response = client.get(PAGE)
    page = response.content.decode()
    assert response.status_code == 200
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://", page)
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page
    for name, schema in document["components"]["schemas"].items():
        assert f'id="shape-{name}"' in page
        for field in schema["properties"]:
            assert f"<code>{field}</code>" in page
    targets = set(re.findall(r'href="#([\w-]+)"', page))
    assert targets <= set(re.findall(r'id="([\w-]+)"', page))


def test_document_and_page_hold_nothing_of_a_project(client, owner, document):
    assert owner.client.get(PAGE).status_code == 200
    assert owner.client.get(DOCUMENT).json() == document
