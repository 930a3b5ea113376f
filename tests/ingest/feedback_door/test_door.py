"""What a key that anyone can read lets in: known traces, allowed origins, a bounded pace, signed or not."""

import json
import time

import pytest
from django.db import connection
from django.test import Client

from ingest import tokens
from ingest.feedback_door import links, origins, pace, settings
from ingest.feedback_door.origins import OriginRefused
from ingest.models import Feedback, FeedbackPace, Scope

pytestmark = pytest.mark.django_db

URL = "/api/v1/feedback"
SHOP = "https://shop.example"
DOWN = {"target": {"trace_id": "t"}, "kind": "thumbs", "value": "down"}
DEFAULTS = {"origins": [SHOP], "key_a_minute": 600, "address_a_minute": 60, "requires_signature": False}


@pytest.fixture
def browser(project, api):
    """A client with a token for browsers, on a project that has the trace t."""
    api(Scope.INGEST).post("/api/v1/traces", {"id": "t", "input": "x"}, content_type="application/json")
    return api(Scope.FEEDBACK)


def post(client, body=DOWN, **headers):
    return client.post(URL, json.dumps(body), content_type="application/json", headers=headers)


def test_feedback_on_a_known_trace_is_kept_as_unsigned(browser):
    assert post(browser).status_code == 200
    assert Feedback.objects.get().signed is False


def test_the_applications_own_token_vouches_by_itself(browser, api):
    assert post(api(Scope.INGEST), DOWN | {"signature": "anything"}).status_code == 200
    row = Feedback.objects.get()
    assert row.signed is None and row.payload == {}


@pytest.mark.parametrize(
    "target",
    [{"trace_id": "none"}, {"span_id": "s"}, {"response_id": "r"}, {"external": {"system": "a", "id": "b"}}],
)
def test_nothing_waits_for_a_trace_that_is_not_there(browser, target):
    response = post(browser, DOWN | {"target": target})
    assert response.status_code == 422 and "not a trace of this project" in response.json()["detail"]
    assert not Feedback.objects.exists()


def test_a_trace_of_another_project_is_not_there(browser, other_project, api):
    api(Scope.INGEST, of=other_project).post(
        "/api/v1/traces", {"id": "theirs", "input": "x"}, content_type="application/json"
    )
    assert post(browser, DOWN | {"target": {"trace_id": "theirs"}}).status_code == 422


@pytest.mark.parametrize("path", ["/api/v1/traces", "/api/v1/scores", "/v1/traces"])
def test_a_browsers_token_opens_nothing_else(browser, path):
    assert browser.post(path, "{}", content_type="application/json").status_code == 403
    assert browser.get("/api/v1/traces").status_code == 403


# Origins


def preflight(origin, path=URL):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return Client().options(path, headers=headers)


def test_an_allowed_origin_may_ask_and_send(browser, project):
    settings.save(project, **DEFAULTS)
    asked = preflight(SHOP)
    assert (asked.status_code, asked["Access-Control-Allow-Origin"], asked["Vary"]) == (204, SHOP, "Origin")
    assert "Authorization" in asked["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in asked
    sent = post(browser, Origin=SHOP)
    assert (sent.status_code, sent["Access-Control-Allow-Origin"]) == (200, SHOP)
    assert "Origin" in sent["Vary"] and "Access-Control-Allow-Credentials" not in sent


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "*", f"{SHOP}.evil.example", "http://shop.example"]
)
def test_another_origin_may_not(browser, project, origin):
    settings.save(project, **DEFAULTS)
    assert "Access-Control-Allow-Origin" not in preflight(origin)
    refused = post(browser, Origin=origin)
    assert refused.status_code == 403 and "Access-Control-Allow-Origin" not in refused
    assert refused["Content-Type"] == "application/problem+json"
    assert not Feedback.objects.exists()


def test_an_origin_of_one_project_does_not_open_another(browser, project, other_project):
    settings.save(other_project, **DEFAULTS)
    assert preflight(SHOP)["Access-Control-Allow-Origin"] == SHOP  # it carries no token
    refused = post(browser, Origin=SHOP)
    assert refused.status_code == 403 and "Access-Control-Allow-Origin" not in refused


def test_refusals_can_be_read_by_the_page(browser, project):
    settings.save(project, **DEFAULTS)
    unknown = Client(headers={"Authorization": "Bearer ts_" + "0" * 16 + "_" + "0" * 64})
    for client, status in ((browser, 422), (unknown, 401)):
        refused = post(client, DOWN | {"target": {"trace_id": "none"}}, Origin=SHOP)
        assert (refused.status_code, refused["Access-Control-Allow-Origin"]) == (status, SHOP)


def test_no_other_address_speaks_to_other_origins(project):
    settings.save(project, **DEFAULTS)
    for path in ("/api/v1/scores", "/api/v1/traces", "/v1/traces"):
        assert "Access-Control-Allow-Origin" not in preflight(SHOP, path)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://Shop.example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_origin_is_kept_as_browsers_spell_it(typed, kept):
    assert origins.normal(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        *("*", "https://*.example.org", "shop.example", "ftp://a.b", "https://a.b/x", "https://u:p@a.b"),
        *("null", "https://a.b:99999", "https://", "javascript:alert(1)"),
    ],
)
def test_what_is_no_origin_is_refused(typed):
    with pytest.raises(OriginRefused):
        origins.normal(typed)


# Pace


@pytest.fixture
def clock(monkeypatch):
    """No minute ends while a test counts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(second FROM now())")
        if cursor.fetchone()[0] > 55:
            time.sleep(5)


def test_an_address_that_sends_too_much_waits(browser, project, clock):
    settings.save(project, **DEFAULTS | {"address_a_minute": 3})
    answers = [post(browser, DOWN | {"id": str(number)}, Origin=SHOP) for number in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert answers[-1]["Access-Control-Allow-Origin"] == SHOP
    assert "Retry-After" in answers[-1]["Access-Control-Expose-Headers"]
    assert Feedback.objects.count() == 3


def test_one_address_does_not_use_up_the_key(browser, project, clock):
    settings.save(project, **DEFAULTS | {"address_a_minute": 2, "key_a_minute": 4})
    statuses = []
    for address in ("1.1.1.1", "1.1.1.1", "1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4"):
        body = json.dumps(DOWN | {"id": f"{len(statuses)}"})
        answer = browser.post(URL, body, content_type="application/json", REMOTE_ADDR=address)
        statuses.append(answer.status_code)
    assert statuses == [200, 200, 429, 200, 200, 429]


def test_many_in_one_request_count_as_many(browser, project, clock):
    settings.save(project, **DEFAULTS | {"address_a_minute": 3})
    many = {"feedback": [DOWN | {"id": str(number)} for number in range(4)]}
    assert post(browser, many).status_code == 429
    assert not Feedback.objects.exists()


def test_the_applications_own_token_is_not_counted(browser, project, api):
    settings.save(project, **DEFAULTS | {"address_a_minute": 1, "key_a_minute": 1})
    assert [post(api(Scope.INGEST), DOWN | {"id": str(n)}).status_code for n in range(3)] == [200] * 3
    assert not FeedbackPace.objects.exists()


def test_no_address_is_kept(browser, project):
    post(browser)
    subjects = list(FeedbackPace.objects.values_list("subject", flat=True))
    assert len(subjects) == 2 and all("." not in each and len(each) == 64 for each in subjects)


def test_old_minutes_are_forgotten(browser, project):
    post(browser)
    FeedbackPace.objects.update(minute="2026-01-01T00:00Z")
    pace.prune()
    assert not FeedbackPace.objects.exists()


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, "9.9.9.9", "1.2.3.4"),
        (1, "9.9.9.9", "9.9.9.9"),
        (1, "6.6.6.6, 9.9.9.9", "9.9.9.9"),
        (2, "6.6.6.6, 9.9.9.9, 8.8.8.8", "9.9.9.9"),
        (2, "9.9.9.9", "1.2.3.4"),
        (1, "", "1.2.3.4"),
        (1, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        (1, "::ffff:9.9.9.9", "9.9.9.9"),
        (1, "nonsense", "nonsense"),
    ],
)
def test_only_proxies_of_the_operators_are_believed(rf, settings, hops, forwarded, address):
    settings.FORWARDED_FOR_HOPS = hops
    request = rf.post(URL, REMOTE_ADDR="1.2.3.4", headers={"X-Forwarded-For": forwarded})
    assert pace.address_of(request) == address


def test_a_long_body_is_for_servers(browser):
    assert post(browser, DOWN | {"comment": "x" * 70_000}).status_code == 413


def test_a_compressed_body_is_for_servers(browser):
    assert post(browser, **{"Content-Encoding": "gzip"}).status_code == 415


# Signatures


def signed(project, trace_id="t", seconds=60, **fields):
    key = links.key_of(settings.read(project))
    return DOWN | fields | {"signature": links.sign(key, trace_id, int(time.time()) + seconds)}


def test_a_signed_trace_is_vouched_for(browser, project):
    assert post(browser, signed(project)).status_code == 200
    row = Feedback.objects.get()
    assert row.signed is True and "signature" not in row.payload


@pytest.mark.parametrize(
    "change", ["other trace", "expired", "cut", "words", "other project", "old key", "long"]
)
def test_a_signature_that_does_not_fit_is_refused(browser, project, other_project, change):
    body = {
        "other trace": lambda: signed(project, "u"),
        "expired": lambda: signed(project, seconds=-1),
        "cut": lambda: DOWN | {"signature": signed(project)["signature"][:-1]},
        "words": lambda: DOWN | {"signature": "please"},
        "other project": lambda: signed(other_project),
        "old key": lambda: signed(project),
        "long": lambda: DOWN | {"signature": "9" * 201},
    }[change]()
    if change == "old key":
        settings.change_key(project)
    refused = post(browser, body)
    assert refused.status_code == 422 and "signature" in refused.json()["detail"]
    assert not Feedback.objects.exists()


def test_a_project_can_ask_for_signatures(browser, project):
    settings.save(project, **DEFAULTS | {"requires_signature": True})
    assert post(browser).status_code == 422
    assert post(browser, signed(project)).status_code == 200


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_unsigned_replaces_nothing_that_is_vouched_for(browser, project, api, order):
    """Neither by the same id nor by the same user, however late it claims to be."""
    own = DOWN | {"id": "f", "user": "u", "occurred_at": "2026-08-06T10:00:00Z"}
    forged = own | {"value": "up", "occurred_at": "2026-08-07T10:00:00Z"}
    for index in order:
        post(*((api(Scope.INGEST), own) if index == 0 else (browser, forged)))
    assert Feedback.objects.get(key="f").value == "down"
    post(browser, forged | {"id": "g"})
    told = api(Scope.TRACES_READ).get("/api/v1/traces/t").json()["feedback"]
    assert ("down", None, True) in [(row["value"], row["signed"], row["effective"]) for row in told]
    assert ("up", False, True) in [(row["value"], row["signed"], row["effective"]) for row in told]


def test_the_documented_formula_is_the_one(project):
    import hashlib
    import hmac

    key, expires = links.key_of(settings.read(project)), 1_800_000_000
    spelled = hmac.new(key.encode(), f"t.{expires}".encode(), hashlib.sha256).hexdigest()
    assert links.sign(key, "t", expires) == f"{expires}.{spelled}"
    assert bytes(project.secret).hex() not in key


def test_a_door_costs_few_questions(browser, project, django_assert_max_num_queries):
    settings.save(project, **DEFAULTS)
    post(browser)
    with django_assert_max_num_queries(16):
        post(browser, DOWN | {"id": "again"}, Origin=SHOP)


def test_a_revoked_token_is_closed_at_once(browser, project):
    tokens.revoke(project.tokens.get(scopes=[Scope.FEEDBACK]))
    assert post(browser).status_code == 401
