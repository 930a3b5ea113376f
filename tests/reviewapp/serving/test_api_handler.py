"""The API's requests go past what only pages need, and are answered alike."""

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from django.urls import get_resolver, resolve

from ingest import tokens
from ingest.access import Door, declaration_of
from ingest.models import Scope
from reviewapp.serving.api_handler import OF_PAGES, PAGES, ApiHandler, beside
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


def answer(handler, method, path, **headers):
    response = handler.get_response(getattr(RequestFactory(), method)(path, headers=headers))
    body = response.content if not response.streaming else b"".join(response)
    return response.status_code, {**response.headers}, body


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_the_answer_is_the_same(project, method, path):
    issued = tokens.issue(project, "test", [Scope.ADMIN])
    for headers in ({}, {"Authorization": f"Bearer {issued.text}"}, {"Host": "elsewhere.example"}):
        pages = answer(WSGIHandler(), method, path, **headers)
        status, told, body = answer(ApiHandler(), method, path, **headers)
        # No cookie is looked at, so the answer does not vary with it; a policy's directives have no order.
        policies = []
        for each in (pages[1], told):
            each.pop("Vary", None)
            policies.append(set(each.pop("Content-Security-Policy").split("; ")))
        assert (status, told, body) == pages
        assert policies[0] == policies[1]


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
