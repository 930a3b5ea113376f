"""Someone the identity provider knows gets the account of their verified address, and nobody else does."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.core.cache import cache

from reviewapp.models import User


class Provider(ThreadingHTTPServer):
    """Just enough of OpenID Connect for one sign-on: discovery, token, who it is."""

    person: dict = {"sub": "1", "email": "rita@example.org", "email_verified": True}

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        url = self.server.url
        discovery = {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "userinfo_endpoint": f"{url}/who",
            "jwks_uri": f"{url}/keys",
        }
        self.answer(self.server.person if self.path == "/who" else discovery)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        claims = {"iss": self.server.url, "aud": "touchstone", "exp": int(time.time()) + 60}
        token = jwt.encode({**claims, **self.server.person}, "k" * 32, algorithm="HS256")
        self.answer({"access_token": "a", "token_type": "bearer", "id_token": token})

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def provider(settings):
    cache.clear()
    server = Provider()
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    set_up(settings, server.url)
    yield server
    server.shutdown()
    server.server_close()


def set_up(settings, url):
    app = {
        "provider_id": "oidc",
        "name": "Acme",
        "client_id": "touchstone",
        "secret": "s",
        "settings": {"server_url": url, "oauth_pkce_enabled": True},
    }
    settings.OIDC_NAME, settings.OIDC_APP = "Acme", app
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}


def sign_on(client):
    """From the link on the sign-in page to the provider and back; the last answer."""
    out = client.get("/accounts/sso/oidc/login/?next=/account")
    asked = parse_qs(urlsplit(out.url).query)
    assert asked["code_challenge_method"] == ["S256"]
    back = urlsplit(asked["redirect_uri"][0]).path
    return client.get(back, {"code": "c", "state": asked["state"][0]})


def with_address(person, address="rita@example.org"):
    person.user.email = address
    person.user.save()


def test_the_sign_in_page_has_a_link_that_keeps_the_way(provider, db, client):
    page = client.get("/accounts/login/?next=/account").content.decode()
    assert 'href="/accounts/sso/oidc/login/?next=%2Faccount"' in page and "Continue with Acme" in page


def test_a_verified_address_opens_its_account(provider, reviewer, client):
    with_address(reviewer)
    assert sign_on(client).url == "/account"
    assert client.get("/account").context["request"].user == reviewer.user


def test_an_unknown_person_gets_no_account(provider, reviewer, client):
    sign_on(client)
    assert client.get("/account").status_code == 302
    assert User.objects.count() == 1


def test_an_unverified_address_opens_nothing(provider, reviewer, client):
    with_address(reviewer)
    provider.person = {**Provider.person, "email_verified": False}
    sign_on(client)
    assert client.get("/account").status_code == 302


def test_an_address_of_two_accounts_opens_neither(provider, reviewer, lead, client):
    with_address(reviewer)
    with_address(lead, "Rita@example.org")
    sign_on(client)
    assert client.get("/account").status_code == 302


def test_a_provider_that_is_away_is_told(settings, db, client):
    cache.clear()
    set_up(settings, "http://127.0.0.1:9")
    response = client.get("/accounts/sso/oidc/login/")
    assert response.url == "/accounts/sso/error/"


def test_a_made_up_answer_of_the_provider_opens_nothing(provider, reviewer, client):
    with_address(reviewer)
    client.get("/accounts/sso/oidc/callback/", {"code": "c", "state": "made-up"})
    assert client.get("/account").status_code == 302
