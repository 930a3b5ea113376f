"""A failing request: problem details below the API, a page elsewhere, never a traceback."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import HttpResponseNotAllowed
from django.test import Client
from django.urls import path

from ingest.access import public


@public
def away(request):
    raise OperationalError("server closed the connection: secret detail")


@public
def lost(request):
    raise InterfaceError("connection already closed")


@public
def broken(request):
    raise IntegrityError("secret detail")


@public
def refused(request):
    return HttpResponseNotAllowed(["POST"])


handler500 = "reviewapp.serving.failures.server_error"
urlpatterns = [
    path(f"{prefix}{view.__name__}", view)
    for prefix in ("", "v1/", "api/v1/")
    for view in (away, lost, broken, refused)
]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("prefix", ["/v1/", "/api/v1/"])
@pytest.mark.parametrize(
    ("name", "status", "header"),
    [
        ("away", 503, "Retry-After"),
        ("lost", 503, "Retry-After"),
        ("broken", 500, None),
        ("refused", 405, "Allow"),
        ("missing", 404, None),
    ],
)
def test_the_api_answers_with_problem_details(client, prefix, name, status, header):
    response = client.get(prefix + name)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert b"secret" not in response.content
    assert header is None or response[header]


@pytest.mark.parametrize(("name", "status"), [("away", 503), ("lost", 503), ("broken", 500)])
def test_people_get_a_page_without_any_query(client, name, status, django_assert_num_queries):
    response = client.get(f"/{name}")
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    assert b"secret" not in response.content
    assert b"Traceback" not in response.content


def test_a_host_that_is_not_ours_gets_a_problem_too(client):
    response = client.get("/v1/away", headers={"host": "evil.example"})
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
