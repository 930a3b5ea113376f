"""The API's requests go past what only pages need, and are answered alike."""

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from django.urls import get_resolver, resolve

from ingest import tokens
from ingest.access import Door, declaration_of
from ingest.models import Scope
from reviewapp.review.api import at_once
from reviewapp.serving import api_handler
from reviewapp.serving.api_handler import OF_PAGES, PAGES, ApiHandler, ApiRequest, beside
from reviewapp.serving.failures import API_PREFIXES

ASKED = [
    ("get", "/api/v1/openapi.json"),
    ("get", "/api/v1/queues"),
    ("post", "/api/v1/queues/none/claim"),
    ("post", "/api/v1/traces"),
    ("put", "/api/v1/traces"),
    ("get", "/api/nothing"),
    ("post", "/v1/traces"),
]


SECURE = {"X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "X-Frame-Options"}


def answer(handler, method, path, **headers):
    said = []
    request = getattr(RequestFactory(), method)(path, headers=headers)
    body = b"".join(handler(request.environ, lambda *head: said.append(head)))
    ((status, told),) = said
    assert len(dict(told)) == len(told)
    return status, dict(told), body


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_the_answer_is_the_same(project, method, path):
    issued = tokens.issue(project, "test", [Scope.ADMIN])
    for headers in ({}, {"Authorization": f"Bearer {issued.text}"}, {"Host": "elsewhere.example"}):
        pages_status, pages_told, pages_body = answer(WSGIHandler(), method, path, **headers)
        status, told, body = answer(ApiHandler(at_once.answer), method, path, **headers)
        # No cookie is looked at, so the answer does not vary with it; a policy's directives have no order.
        policies = []
        for each in (pages_told, told):
            each.pop("Vary", None)
            policies.append(set(each.pop("Content-Security-Policy").split("; ")))
        assert (status, body) == (pages_status, pages_body)
        # A refusal that Django makes itself has lost the headers of security where pages are served.
        assert told.items() >= pages_told.items()
        assert told.keys() <= pages_told.keys() | SECURE
        assert told.keys() >= SECURE
        assert policies[0] == policies[1]


@pytest.mark.django_db
def test_of_the_hosts_that_clients_write_no_more_are_kept_than_there_is_room_for(settings, monkeypatch):
    monkeypatch.setattr(ApiRequest, "allowed", set())
    monkeypatch.setattr(api_handler, "MOST_HOSTS", 2)
    settings.ALLOWED_HOSTS = [".example.com"]
    handler = ApiHandler(at_once.answer)
    for host, refused in [("a.example.com", False), ("a.example", True)] * 2 + [
        (f"{number}.example.com:8000", False) for number in range(4)
    ]:
        status, _, _ = answer(handler, "get", "/api/v1/openapi.json", Host=host)
        assert status.startswith("400") is refused
    assert ApiRequest.allowed == {"a.example.com", "0.example.com:8000"}


def test_nothing_below_the_api_is_for_who_is_signed_in():
    doors = set()
    for pattern in get_resolver().url_patterns:
        for each in getattr(pattern, "url_patterns", [pattern]):
            path = f"/{pattern.pattern}{each.pattern if each is not pattern else ''}"
            if not path.startswith(API_PREFIXES):
                continue
            declared = declaration_of(each.callback)
            doors |= {a.door for a in (declared.values() if isinstance(declared, dict) else [declared])}
    assert doors and Door.SESSION not in doors


def test_both_are_told_apart_by_the_address(settings):
    def said(name):
        return lambda environ, start: [name]

    both = beside(said("page"), said("api"))
    for path in ("/", "/apiary", "/api/v1/docs"):
        assert both({"PATH_INFO": path}, None) == ["page"]
    for path in ("/api/v1/queues", "/v1/traces"):
        assert both({"PATH_INFO": path}, None) == ["api"]
    assert all(resolve(path) for path in PAGES)
    assert set(settings.MIDDLEWARE) >= OF_PAGES


@pytest.mark.django_db
def test_over_https_alone_the_answer_says_to_keep_to_it(settings):
    settings.SECURE_HSTS_SECONDS, settings.SECURE_PROXY_SSL_HEADER = 60, ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    for scheme, told in (
        ("https", "max-age=60"),
        ("https, http", "max-age=60"),
        ("http, https", None),
        ("http", None),
    ):
        forwarded = {"X-Forwarded-Proto": scheme}
        status, headers, _ = answer(ApiHandler(at_once.answer), "get", "/api/nothing", **forwarded)
        assert status == "404 Not Found"
        assert headers.get("Strict-Transport-Security") == told
