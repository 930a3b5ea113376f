"""Every address says who may call it, and so it happens: for nobody, strangers, each role, each scope."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, path

from ingest.access import Access, Door, declaration_of
from ingest.models import Scope
from reviewapp import route_table
from reviewapp.models import Role

ROUTES = route_table.routes()
SESSION = [route for route in ROUTES if route.access.door is Door.SESSION]
TOKEN = [route for route in ROUTES if route.access.door is Door.TOKEN]
IN_PROJECT = [route for route in SESSION if route.access.role]
# 401 is the page of a failed sign-on, 404 the root of the API and a provider that is not set up.
PUBLIC_STATUSES = {200, 302, 401, 404, 405, 503}


def address(route, slug="refunds"):
    filled = {"slug": slug, "pk": "999999", "trace_id": "none", "provider_id": "oidc"}
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: filled.get(found[1], "none"), route.path)


def ask(client, route, slug="refunds"):
    return client.generic(route.method, address(route, slug))


def test_every_address_is_declared():
    undeclared = [pattern for pattern, _ in route_table.patterns() if not declaration_of(pattern.callback)]
    assert undeclared == []


def test_there_are_routes_behind_each_door():
    assert len(IN_PROJECT) >= 8 and len(TOKEN) >= 5
    assert {access.door for access in (route.access for route in ROUTES)} == set(Door)


def hidden(request):
    raise AssertionError("an undeclared view was called")


def test_an_undeclared_view_is_never_called(client, monkeypatch):
    resolver = get_resolver()
    extra: URLPattern = path("undeclared", hidden)
    monkeypatch.setattr(resolver, "url_patterns", [extra, *resolver.url_patterns])
    assert client.get("/undeclared").status_code == 404


@pytest.mark.parametrize("route", SESSION, ids=str)
def test_nobody_is_sent_to_sign_in(db, route):
    response = ask(Client(), route)
    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/?next=/")


@pytest.mark.parametrize("route", IN_PROJECT, ids=str)
def test_a_stranger_sees_what_is_seen_of_a_project_that_is_not_there(stranger, project, route):
    response = ask(stranger.client, route)
    assert response.status_code == 404
    missing = ask(stranger.client, route, slug="not-there")
    assert missing.status_code == 404
    if "refunds" not in address(route):
        assert response.content == missing.content


@pytest.mark.parametrize("route", IN_PROJECT, ids=str)
def test_a_role_opens_what_it_reaches_and_no_more(owner, lead, reviewer, route):
    for person, role in ((owner, Role.ADMIN), (lead, Role.LEAD), (reviewer, Role.REVIEWER)):
        status = ask(person.client, route).status_code
        if role.allows(Role(route.access.role)):
            assert status not in (403, 500), (role, status)
        else:
            assert status == 403, (role, status)


@pytest.mark.parametrize("route", TOKEN, ids=str)
def test_a_token_route_needs_a_token_and_no_session_will_do(owner, route):
    for client in (Client(), owner.client):
        response = ask(client, route)
        assert response.status_code == 401
        assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("scope", Scope.values)
@pytest.mark.parametrize("route", TOKEN, ids=str)
def test_a_scope_opens_what_the_table_says(api, route, scope):
    status = ask(api(scope), route).status_code
    if route_table.opens(scope, route.access):
        assert status not in (401, 403, 500), status
    else:
        assert status == 403


@pytest.mark.parametrize("route", [route for route in ROUTES if route.access.door is Door.PUBLIC], ids=str)
def test_a_public_route_asks_nobody_who_they_are(db, route):
    assert ask(Client(), route).status_code in PUBLIC_STATUSES


def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(db):
    response = Client().get(
        "/projects/refunds/members", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/x"}
    )
    assert response["HX-Redirect"] == "/accounts/login/?next=/x"


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("http://testserver/projects/refunds/rates?stratum=a", "/projects/refunds/rates%3Fstratum%3Da"),
        ("https://evil.example/projects/refunds/rates", "/"),
        ("http://testserver//evil.example/", "/"),
        ("http://[", "/"),
        ("", "/"),
    ],
)
def test_who_has_to_sign_in_again_after_a_form_is_led_to_the_page_it_stood_on(db, referer, page):
    response = Client().post("/projects/refunds/rates/boost", headers={"Referer": referer})
    assert response.url == f"/accounts/login/?next={page}"


def test_a_declaration_is_data():
    assert Access(Door.SESSION, role=Role.LEAD) == Access(Door.SESSION, role="lead")


def test_the_table_in_the_documentation_is_the_present_one():
    page = Path(__file__).parents[2] / "docs" / "access.md"
    assert route_table.page() == page.read_text(), "run: python manage.py write_access_table"
