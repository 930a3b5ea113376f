"""People sign in with the account an admin made; nobody makes one, and guessing is slowed down."""

import re

import pytest
from django.core.cache import cache
from django.test import Client

from reviewapp.models import Membership, Role, User

LOGIN = "/accounts/login/"
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def no_tries_yet():
    cache.clear()
    yield
    cache.clear()


def sign_in(client, password=PASSWORD, **more):
    return client.post(LOGIN, {"login": "rita", "password": password, **more})


def test_a_password_opens_the_project(reviewer, client):
    response = sign_in(client, next="/projects/refunds/traces")
    assert response.url == "/projects/refunds/traces"
    assert client.get("/projects/refunds/").status_code == 200


def test_the_name_can_be_typed_at_once(client, db):
    page = client.get(LOGIN).content.decode()
    assert re.search(r'<input[^>]*name="login"[^>]*autofocus', page) and page.count("autofocus") == 1


def test_signing_in_leads_to_no_other_site(reviewer, client):
    assert sign_in(client, next="https://evil.example/").url == "/"


def test_a_wrong_password_is_told_without_saying_which_part(reviewer, client):
    wrong = sign_in(client, "wrong").content.decode()
    unknown = client.post(LOGIN, {"login": "nobody", "password": "wrong"}).content.decode()
    words = "The username and/or password you specified are not correct."
    assert words in wrong and words in unknown


def test_guessing_is_slowed_down(reviewer):
    for _ in range(5):
        sign_in(Client(), "wrong")
    refused = sign_in(Client())
    assert "Too many failed login attempts" in refused.content.decode()


@pytest.mark.parametrize("address", ["/accounts/signup/", "/accounts/sso/signup/"])
def test_nobody_signs_up(db, client, address):
    client.post(address, {"username": "mallory", "password1": PASSWORD, "password2": PASSWORD})
    assert not User.objects.filter(username="mallory").exists()


def test_signing_out_ends_the_session(reviewer):
    reviewer.client.post("/accounts/logout/")
    assert reviewer.client.get("/").status_code == 302


def test_the_start_leads_to_the_only_project(reviewer):
    assert reviewer.client.get("/").url == "/projects/refunds/"


def test_the_start_lets_choose_between_projects(stranger, project):
    Membership.objects.create(project=project, user=stranger.user, role=Role.REVIEWER)
    page = stranger.client.get("/").content.decode()
    assert "Refunds" in page and "Elsewhere" in page


def test_the_start_tells_someone_without_a_project_what_to_do(db):
    user = User.objects.create_user(username="new")
    client = Client()
    client.force_login(user)
    assert "You are not in a project yet" in client.get("/").content.decode()


def test_first_steps_until_a_trace_is_there(owner, reviewer):
    page = owner.client.get("/projects/refunds/").content.decode()
    assert "No trace has arrived yet" in page and "Issue a token" in page
    assert "Issue a token" not in reviewer.client.get("/projects/refunds/").content.decode()


def test_the_project_is_renamed_by_admins(owner, project):
    owner.client.post("/projects/refunds/settings", {"name": "Refunds and <b>returns"})
    project.refresh_from_db()
    assert project.name == "Refunds and <b>returns"
    assert "&lt;b&gt;returns" in owner.client.get("/projects/refunds/settings").content.decode()


def test_links_show_what_a_role_may_open(owner, lead):
    assert "/projects/refunds/tokens" in owner.client.get("/projects/refunds/").content.decode()
    assert "/projects/refunds/tokens" not in lead.client.get("/projects/refunds/").content.decode()


def test_the_account_takes_a_name(reviewer):
    reviewer.client.post("/account", {"first_name": "Rita", "last_name": "Levi", "email": "rita@example.org"})
    reviewer.user.refresh_from_db()
    assert str(reviewer.user) == "Rita Levi"


def test_nobody_takes_an_address_by_which_sign_on_finds_accounts(reviewer):
    reviewer.client.post("/account", {"first_name": "Rita", "last_name": "", "email": "boss@example.org"})
    reviewer.user.refresh_from_db()
    assert reviewer.user.email == ""
    assert 'name="email"' not in reviewer.client.get("/account").content.decode()


@pytest.mark.parametrize(
    ("chosen", "attribute"), [("dark", 'data-theme="dark"'), ("light", 'data-theme="light"')]
)
def test_a_theme_is_remembered(reviewer, chosen, attribute):
    back = reviewer.client.post("/account/theme", {"theme": chosen, "next": "/account"})
    assert back.url == "/account"
    assert attribute in reviewer.client.get("/account").content.decode()


def test_a_theme_leads_to_no_other_site_and_must_be_one(reviewer):
    assert reviewer.client.post("/account/theme", {"theme": "", "next": "//evil.example"}).url == "/account"
    assert reviewer.client.post("/account/theme", {"theme": "x onload=y"}).status_code == 400


def test_forms_want_their_csrf_token(reviewer):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(reviewer.user)
    refused = strict.post("/account/theme", {"theme": "dark"})
    assert refused.status_code == 403
    assert "Not sent" in refused.content.decode()


def test_setting_up_a_second_factor_asks_for_the_password_again(reviewer):
    assert reviewer.client.get("/accounts/2fa/").status_code == 200
    response = reviewer.client.get("/accounts/2fa/app/")
    assert response.url.startswith("/accounts/reauthenticate/")
    reviewer.client.post(response.url, {"password": PASSWORD})
    assert "Authenticator secret" in reviewer.client.get("/accounts/2fa/app/").content.decode()


def test_a_page_with_typed_text_asks_who_is_there_and_gets_what_signing_in_needs(db, client):
    """Whoever has lost every cookie has lost the one without which nothing can be posted, too."""
    asked = {"path": "/account/signed-in", "headers": {"X-In-Place": "1"}}
    gone = client.get(**asked)
    assert (gone.status_code, "csrftoken" in gone.cookies) == (401, True)
    client.force_login(User.objects.create_user("rosa"))
    there = client.get(**asked)
    assert (there.status_code, "csrftoken" in there.cookies) == (204, True)
    assert client.post(**asked).status_code == 405


def test_who_signs_in_in_the_middle_of_something_is_told_of_that_alone(reviewer):
    said = "Successfully signed in"
    for headers, is_told in (({}, True), ({"X-In-Place": "1"}, False)):
        client = Client(headers=headers)
        sign_in(client)
        assert (said in client.get("/account").content.decode()) is is_told
