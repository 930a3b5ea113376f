"""Admins issue and revoke the tokens of their project, and see each text once."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from ingest.models import ApiToken, Scope
from ingest.tokens import issue
from reviewapp.forms import SCOPE_WORDS

PAGE = "/projects/refunds/tokens"


def asked(**more):
    return {"name": "checkout", "scopes": ["ingest"], "expires": "", **more}


def test_a_token_is_issued_and_shown_once(owner):
    page = owner.client.post(PAGE, asked())
    text = page.context["issued"].text
    assert text in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    again = owner.client.get(PAGE).content.decode()
    assert text not in again and text.split("_")[1] in again
    kept = ApiToken.objects.get()
    assert (kept.scopes, kept.created_by, kept.expires_at) == (["ingest"], "ada", None)


def test_an_issued_token_works_until_it_is_revoked(owner):
    text = owner.client.post(PAGE, asked()).context["issued"].text
    client = Client(headers={"Authorization": f"Bearer {text}"})

    def send():
        return client.post("/v1/metrics", {}, content_type="application/json").status_code

    assert send() == 200
    owner.client.post(f"{PAGE}/{ApiToken.objects.get().pk}/revoke")
    assert send() == 401


def test_expiry_is_counted_from_now(owner):
    owner.client.post(PAGE, asked(expires="30"))
    left = ApiToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)


def test_branches_bind_runs(owner):
    owner.client.post(PAGE, asked(scopes=["runs:write"], branches="main, release/*"))
    assert ApiToken.objects.get().branches == ["main", "release/*"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"scopes": []}, "Choose at least one"),
        ({"scopes": ["root"]}, "root is not one of the available choices"),
        ({"name": ""}, "required"),
        ({"expires": "9999"}, "Select a valid choice"),
        ({"branches": "main"}, "Branches apply to runs:write only"),
        ({"scopes": ["runs:write"], "branches": "x" * 121}, "at most 120"),
    ],
)
def test_what_cannot_be_issued_is_refused_with_a_reason(owner, more, words):
    page = owner.client.post(PAGE, asked(**more))
    assert page.status_code == 422
    assert words in page.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_of_another_project_is_neither_seen_nor_revoked(owner, other_project):
    theirs = issue(other_project, "their secret name", [Scope.INGEST]).token
    assert "their secret name" not in owner.client.get(PAGE).content.decode()
    assert owner.client.post(f"{PAGE}/{theirs.pk}/revoke").status_code == 404
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_members_and_strangers_issue_nothing(lead, reviewer, stranger):
    statuses = [who.client.post(PAGE, asked()).status_code for who in (lead, reviewer, stranger)]
    assert statuses == [403, 403, 404]
    assert not ApiToken.objects.exists()


def test_trust_in_reviews_is_given_with_impersonate_only(owner):
    page = owner.client.post(PAGE, asked(scopes=["ingest"], trusted_for_reviews="on"))
    assert page.status_code == 422 and not ApiToken.objects.exists()
    page = owner.client.post(PAGE, asked(scopes=["impersonate"], trusted_for_reviews="on"))
    assert ApiToken.objects.get().trusted_for_reviews and "trusted for reviews" in page.content.decode()


def test_states_are_words(owner, project):
    issue(project, "a", [Scope.INGEST], expires_at=timezone.now() - timedelta(days=1))
    issue(project, "b", [Scope.INGEST])
    page = owner.client.get(PAGE).content.decode()
    assert "expired" in page and "active" in page


def test_every_scope_is_explained():
    assert set(SCOPE_WORDS) == set(Scope)


def test_the_list_asks_the_same_number_of_questions_for_many(owner, project, django_assert_max_num_queries):
    for number in range(60):
        issue(project, f"token {number}", [Scope.INGEST])
    with django_assert_max_num_queries(8):
        owner.client.get(PAGE)
