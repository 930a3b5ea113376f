"""Random requests made from the OpenAPI document: nothing fails, and every answer is one it promises.

FUZZ_EXAMPLES sets how many are made of each kind for each operation; `make test` makes a few, always the
same ones, a long run many and each time others.
"""

import json
import os
from urllib.parse import quote

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from ingest import api as native_api
from ingest import tokens
from ingest.models import Scope, Trace
from reviewapp.wsgi import BodyDoor

# Without the admission of wsgi.py, whose threads have connections of their own and see no test's rows.
application = BodyDoor(get_wsgi_application(), 8 * 1024 * 1024, "policy")
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))
load_all_checks()
CHECKED = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
    )
]


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """What the schema makes, one line for each element of a list."""
    return "\n".join(json.dumps(each) for each in (value if isinstance(value, list) else [value])).encode()


def document():
    """Through JSON, since django-ninja keys its responses by number; without its security, since a
    request is to get past the token."""
    made = json.loads(json.dumps(native_api.api.get_openapi_schema()))
    for methods in made["paths"].values():
        for operation in methods.values():
            operation.pop("security")
    return made


def operations():
    """Each with fitting and with unfitting requests; an address that takes any text has only the former,
    as has one that asks for nothing."""
    return [
        pytest.param(method, path, mode, id=f"{mode.value} {method} {path}")
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or ("{" not in path and asks(operation))
    ]


def asks(operation):
    return bool(operation.get("parameters") or operation.get("requestBody"))


@pytest.fixture(scope="module")
def schema():
    loaded = schemathesis.openapi.from_dict(document())
    loaded.app = application
    return loaded


@pytest.fixture(autouse=True)
def one_connection():
    """As in Django's test client: the end of a request must not close the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def headers(project):
    return {"Authorization": f"Bearer {tokens.issue(project, 'fuzz', [Scope.ADMIN]).text}"}


@pytest.mark.parametrize(("method", "path", "mode"), operations())
def test_requests_made_from_the_document(schema, headers, client, method, path, mode):
    operation = schema[path][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize="FUZZ_EXAMPLES" not in os.environ,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def send(case):
        response = case.call(headers=headers)
        assert response.status_code != 401
        case.validate_response(response, checks=CHECKED)

    send()
    # Whatever was accepted must also be readable.
    for trace_id in Trace.objects.values_list("trace_id", flat=True)[:50]:
        told = client.get(f"/api/v1/traces/{quote(trace_id, safe='')}", headers=headers)
        assert told.status_code == 200, trace_id
    assert client.get("/api/v1/traces?limit=200", headers=headers).status_code == 200
