"""Whoever belongs to one project reads, changes and counts nothing of another: on every route there is."""

import json
import re
from urllib.parse import quote

import pytest
from django.apps import apps
from django.urls import URLPattern, get_resolver

from ingest.models import Project, Scope, Trace

# Stands in everything the other project holds; no answer may contain it.
MARK = "zebracrossing"
TRACE = f"{MARK}-trace"
METHODS = ("get", "head", "post", "put", "patch", "delete")


def routes(patterns=None, prefix=""):
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield path
        else:
            yield from routes(pattern.url_patterns, path)


def pointed(route):
    """The route's address with everything in it naming what belongs to the other project."""
    route = route.replace("^", "").replace("$", "").replace("\\Z", "")

    def value(match):
        if match["name"] == "slug":
            return MARK
        return "1" if match["kind"] == "int" else TRACE

    return "/" + re.sub(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>", value, route)


ADDRESSES = sorted({pointed(route) for route in routes() if "(" not in route})

BODIES = [
    {"id": TRACE, "input": "taken over", "ended_at": "2030-01-01T00:00:00Z"},
    {"id": f"{MARK}-key", "target": {"trace_id": TRACE}, "name": "n", "value": 1, "timestamp": "2030-01-01"},
    {"id": f"{MARK}-key", "target": {"trace_id": TRACE}, "kind": "thumbs", "value": "up"},
    {"target": {"span_id": f"{MARK}-span"}, "name": "n", "value": 1},
    {"target": {"response_id": f"{MARK}-response"}, "kind": "copy"},
]


@pytest.fixture
def secrets(db, api):
    """The other project, with something in every table that a client can fill."""
    project = Project.objects.create(slug=MARK, name=MARK)
    client = api(of=project)
    trace = {
        "id": TRACE,
        "started_at": "2026-08-06T09:30:00Z",
        **dict.fromkeys(("input", "output", "model", "route", "session_id", "user_id"), MARK),
        "spans": [
            {
                "span_id": f"{MARK}-span",
                "name": MARK,
                "attributes": {"gen_ai.response.id": f"{MARK}-response"},
            }
        ],
        "scores": [{"id": f"{MARK}-key", "name": MARK, "value": 0.5, "explanation": MARK}],
        "feedback": [{"id": f"{MARK}-key", "kind": "comment", "comment": MARK}],
    }
    assert client.post("/api/v1/traces", trace, content_type="application/json").status_code == 200
    assert MARK in client.get(f"/api/v1/traces/{TRACE}").content.decode()
    return project


def held_by(project):
    """Every row that belongs to the project, of every table of ours."""
    held = {}
    for model in (
        model for app in ("ingest", "reviewapp") for model in apps.get_app_config(app).get_models()
    ):
        names = {field.name for field in model._meta.get_fields()}
        path = "project" if "project" in names else "trace__project" if "trace" in names else None
        if path and model._meta.managed:
            held[model.__name__] = sorted(map(repr, model.objects.filter(**{path: project}).values()))
    return held


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_token_of_one_project_meets_nothing_of_another(api, secrets, address):
    client, before = api(*[scope for scope in Scope if scope != Scope.IMPERSONATE]), held_by(secrets)
    for method in METHODS:
        for body in BODIES if method == "post" else [None]:
            content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
            response = getattr(client, method)(address, **content)
            assert response.status_code in (*range(200, 500), 503)
            echoed = {identifier for identifier in (body or {}).values() if isinstance(identifier, str)}
            told = b"".join(response).decode()
            if response.status_code == 201:  # Something of one's own, under the name in the address.
                told = told.replace(f'"slug":"{MARK}"', "")
            for identifier in echoed:
                told = told.replace(identifier, "")
            assert MARK not in told or response.status_code in (301, 302), (method, body)
    assert held_by(secrets) == before


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_member_of_one_project_meets_nothing_of_another(owner, secrets, address):
    before = held_by(secrets)
    for method in METHODS:
        response = getattr(owner.client, method)(address)
        assert response.status_code in (*range(200, 500), 503)
        if f"/projects/{MARK}" in address:
            assert response.status_code == 404
        assert f'"{MARK}' not in response.content.decode()
    assert held_by(secrets) == before


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=zebra",
        f"trace_id={TRACE}",
        f"model={MARK}",
        f"score={MARK}",
        "feedback=any",
        "feedback=comment",
        "order=oldest",
    ],
)
def test_lists_and_filters_find_nothing_of_another(api, secrets, query):
    answer = api().get(f"/api/v1/traces?{query}")
    assert answer.json() == {"traces": [], "next": None}


def test_statements_attach_only_within_their_project(api, secrets):
    client, before = api(), held_by(secrets)
    for body, route in (
        (BODIES[1], "scores"),
        (BODIES[3], "scores"),
        (BODIES[2], "feedback"),
        (BODIES[4], "feedback"),
    ):
        response = client.post(f"/api/v1/{route}", body, content_type="application/json")
        assert (response.status_code, response.json()["pending"]) == (202, 1)
    assert held_by(secrets) == before


def test_the_same_ids_live_apart(api, secrets, project):
    client, before = api(), held_by(secrets)
    assert client.post("/api/v1/traces", BODIES[0], content_type="application/json").status_code == 200
    assert client.get(f"/api/v1/traces/{quote(TRACE)}").json()["input"] == "taken over"
    assert Trace.objects.filter(project=project).count() == 1
    assert held_by(secrets) == before


def test_the_snapshot_sees_a_change(secrets):
    before = held_by(secrets)
    Trace.objects.filter(project=secrets).update(output="changed")
    assert held_by(secrets) != before
    assert {"Trace", "Span", "TraceRecord", "Score", "Feedback", "Membership"} <= before.keys()
