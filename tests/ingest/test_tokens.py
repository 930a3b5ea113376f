"""A token opens what its scopes say, in its own project, until it is revoked or expires."""

import base64
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from ingest import tokens
from ingest.models import ApiToken, Scope
from ingest.problems import Problem
from ingest.tokens import Credential, issue, token

factory = RequestFactory()


@token(Scope.INGEST, Scope.FEEDBACK)
def guarded(request: tokens.TokenRequest) -> HttpResponse:
    return HttpResponse(request.caller.project.slug)


@token(Scope.INGEST, basic=True)
def alias(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


def call(view, text=None, *, path="/x", scheme="Bearer"):
    headers = {"Authorization": f"{scheme} {text}"} if text is not None else {}
    return view(factory.post(path, headers=headers))


def test_the_secret_is_stored_as_its_hash_only(project):
    issued = issue(project, "app", [Scope.INGEST])
    prefix, public_id, secret = issued.text.split("_")
    assert (prefix, public_id) == ("ts", issued.token.public_id)
    assert len(bytes.fromhex(secret)) == 32
    stored = ApiToken.objects.filter(pk=issued.token.pk).values().get()
    assert secret not in str(stored) and bytes(stored["secret_sha256"]) == tokens.digest(secret)


def test_a_token_opens_its_own_project(project):
    response = call(guarded, issue(project, "app", [Scope.INGEST]).text)
    assert (response.status_code, response.content) == (200, b"refunds")


def test_any_one_of_the_scopes_is_enough(project):
    assert call(guarded, issue(project, "app", [Scope.FEEDBACK]).text).status_code == 200


def test_a_wrong_scope_is_forbidden_and_named(project):
    response = call(guarded, issue(project, "app", [Scope.TRACES_READ]).text)
    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"
    assert b"ingest or feedback" in response.content


def test_admin_stands_for_all_but_impersonate():
    assert tokens.granted([Scope.ADMIN]) == set(Scope.values) - {Scope.IMPERSONATE}
    assert tokens.granted([Scope.INGEST]) == {Scope.INGEST}
    assert tokens.granted([]) == set()


@pytest.mark.parametrize(
    "text", [None, "", "ts_", "ts_0000", "ts_" + "0" * 16 + "_" + "0" * 64, "é", "ts_\x00"]
)
def test_no_token_or_a_made_up_one_is_unauthorized(project, text):
    response = call(guarded, text)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_right_id_with_a_wrong_secret_is_unauthorized(project):
    text = issue(project, "app", [Scope.INGEST]).text
    wrong = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert call(guarded, wrong).status_code == 401


def test_a_revoked_token_is_refused_at_once(project):
    issued = issue(project, "app", [Scope.INGEST])
    assert call(guarded, issued.text).status_code == 200
    tokens.revoke(issued.token)
    assert call(guarded, issued.text).status_code == 401


def test_revoking_twice_keeps_the_first_time(project):
    issued = issue(project, "app", [Scope.INGEST])
    tokens.revoke(issued.token)
    first = ApiToken.objects.get().revoked_at
    tokens.revoke(issued.token)
    assert ApiToken.objects.get().revoked_at == first is not None


@pytest.mark.parametrize(("seconds", "status"), [(-1, 401), (60, 200)])
def test_a_token_ends_when_it_says(project, seconds, status):
    ends = timezone.now() + timedelta(seconds=seconds)
    assert call(guarded, issue(project, "app", [Scope.INGEST], expires_at=ends).text).status_code == status


@pytest.mark.parametrize("name", ["token", "access_token", "API_KEY", "anything"])
def test_a_token_in_the_address_is_refused_even_beside_a_good_header(project, name):
    text = issue(project, "app", [Scope.INGEST]).text
    assert call(guarded, text, path=f"/x?{name}={text}").status_code == 400
    assert call(guarded, text, path="/x?q=ts_words").status_code == 200


def test_basic_is_taken_only_where_the_view_says_so(project):
    _, public_id, secret = issue(project, "app", [Scope.INGEST]).text.split("_")
    basic = base64.b64encode(f"{public_id}:{secret}".encode()).decode()
    assert call(alias, basic, scheme="Basic").status_code == 200
    assert call(guarded, basic, scheme="Basic").status_code == 401
    refused = call(alias, "!!!", scheme="Basic")
    assert refused.status_code == 401 and "Basic" in refused["WWW-Authenticate"]


def test_one_query_authenticates(project, django_assert_num_queries):
    issued = issue(project, "app", [Scope.INGEST])
    call(guarded, issued.text)
    with django_assert_num_queries(1):
        call(guarded, issued.text)


def test_last_use_is_written_at_most_once_a_minute(project):
    issued = issue(project, "app", [Scope.INGEST])
    call(guarded, issued.text)
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    call(guarded, issued.text)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(seconds=61))
    call(guarded, issued.text)
    assert ApiToken.objects.get().last_used_at > first


def test_of_two_requests_that_saw_the_same_old_use_one_writes(project):
    issued = issue(project, "app", [Scope.INGEST])
    seen = ApiToken.objects.get()
    tokens.note_use(seen)
    first = ApiToken.objects.get().last_used_at
    tokens.note_use(seen)
    assert ApiToken.objects.get(pk=issued.token.pk).last_used_at == first


def test_the_secret_is_compared_in_constant_time(project, monkeypatch):
    compared = []
    monkeypatch.setattr(tokens.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or True)
    issued = issue(project, "app", [Scope.INGEST])
    assert tokens.authenticate(Credential(issued.token.public_id, "0" * 64))
    assert compared == [(tokens.digest(issued.text.split("_")[2]), tokens.digest("0" * 64))]


def test_a_problem_raised_by_the_view_is_its_answer(project):
    @token(Scope.INGEST)
    def refusing(request):
        raise Problem(409, "Not now.")

    assert call(refusing, issue(project, "app", [Scope.INGEST]).text).status_code == 409


def test_a_database_that_is_away_is_a_503_with_a_time_to_come_back(project, monkeypatch):
    def away(*args):
        raise OperationalError

    text = issue(project, "app", [Scope.INGEST]).text
    monkeypatch.setattr(tokens, "authenticate", away)
    response = call(guarded, text)
    assert response.status_code == 503 and response["Retry-After"]
