"""POST /api/v1/feedback: what is taken, what counts, and what the answer says."""

import itertools
import json

import pytest

from ingest.models import Feedback, Scope

URL = "/api/v1/feedback"
DOWN = {"target": {"trace_id": "t"}, "kind": "thumbs", "value": "down"}
UP = DOWN | {"value": "up"}


def post(client, body, url=URL):
    return client.post(url, json.dumps(body), content_type="application/json")


def trace(client, trace_id="t", **fields):
    assert post(client, {"id": trace_id, **fields}, "/api/v1/traces").status_code == 200


def effective(client, trace_id="t"):
    told = client.get(f"/api/v1/traces/{trace_id}").json()["feedback"]
    return [(row["kind"], row["value"]) for row in told if row["effective"]]


def test_every_field_comes_back(api):
    client = api()
    trace(client)
    statement = {
        "id": "f1",
        "target": {"trace_id": "t"},
        "kind": "rating",
        "dimension": "helpfulness",
        "value": 4,
        "comment": "Good but slow",
        "user": "u-1",
        "session": "s-1",
        "occurred_at": "2026-08-06T10:00:00Z",
        "payload": {"max": 8, "edited_output": "..."},
    }
    assert post(client, statement).json() == {"accepted": 1, "pending": 0, "rejected": [], "ids": ["f1"]}
    [row] = client.get("/api/v1/traces/t").json()["feedback"]
    same = {name: value for name, value in statement.items() if name not in ("target", "value")}
    assert row | same == row
    assert (row["value"], row["number"], row["effective"]) == ("4", 0.5, True)


TIMED = [
    UP | {"user": "u", "occurred_at": "2026-08-06T10:00:00Z"},
    DOWN | {"user": "u", "occurred_at": "2026-08-06T11:00:00Z"},
    UP | {"user": "v", "occurred_at": "2026-08-06T09:00:00Z"},
    {"target": {"trace_id": "t"}, "kind": "copy", "user": "u", "occurred_at": "2026-08-06T09:00:00Z"},
    {"target": {"trace_id": "t"}, "kind": "copy", "user": "u", "occurred_at": "2026-08-06T09:30:00Z"},
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::17], ids=str)
def test_the_latest_of_each_person_counts_and_the_rest_adds_up(api, order):
    client = api()
    trace(client)
    for index in (*order, *order):
        post(client, TIMED[index])
    assert sorted(effective(client)) == [("copy", None), ("copy", None), ("thumbs", "down"), ("thumbs", "up")]
    assert Feedback.objects.count() == 5
    listed = client.get("/api/v1/traces").json()["traces"][0]["feedback"]
    assert sorted(row["kind"] for row in listed) == ["copy", "copy", "thumbs", "thumbs"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_without_times_the_id_decides_whatever_came_first(api, order):
    client = api()
    trace(client)
    said = [UP | {"user": "u", "id": "b"}, DOWN | {"user": "u", "id": "a"}]
    for place in order:
        post(client, said[place])
    assert effective(client) == [("thumbs", "up")]


def test_without_identity_each_id_counts(api):
    client = api()
    trace(client)
    for name in ("a", "b", "b"):
        post(client, DOWN | {"id": name})
    assert effective(client) == [("thumbs", "down")] * 2


def test_dimensions_and_spans_are_judged_apart(api):
    client = api()
    trace(client)
    for change in ({}, {"dimension": "tone"}, {"target": {"trace_id": "t", "span_id": "s"}}):
        post(client, DOWN | {"user": "u"} | change)
    assert len(effective(client)) == 3


def test_bulk_answers(api):
    client = api()
    trace(client)
    assert post(client, [UP, DOWN]).status_code == 200
    mixed = post(client, {"feedback": [UP, UP | {"value": "sideways"}]})
    assert (mixed.status_code, mixed.json()["rejected"][0]["index"]) == (207, 1)
    waiting = post(client, {"feedback": [UP | {"target": {"trace_id": "later"}}]})
    assert (waiting.status_code, waiting.json()["pending"]) == (202, 1)
    assert post(client, [UP | {"kind": "shrug"}]).status_code == 400
    assert post(client, UP | {"kind": "shrug"}).json()["errors"][0]["field"] == "kind"


def test_feedback_arrives_before_its_trace(api):
    client = api()
    assert post(client, DOWN).status_code == 202
    trace(client)
    assert effective(client) == [("thumbs", "down")]


def test_a_browser_token_speaks_of_existing_traces_only(api, other_project):
    trace(api())
    trace(api(of=other_project), "theirs")
    browser = api(Scope.FEEDBACK)
    assert post(browser, DOWN).status_code == 200
    for target in ({"trace_id": "later"}, {"trace_id": "theirs"}, {"response_id": "r"}, {"span_id": "s"}):
        response = post(browser, DOWN | {"target": target})
        assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "target")
    mixed = post(browser, [DOWN | {"target": {"trace_id": "later"}}, {"kind": 1}, DOWN])
    assert (mixed.status_code, mixed.json()["accepted"]) == (207, 1)
    assert [each["index"] for each in mixed.json()["rejected"]] == [0, 1]
    assert Feedback.objects.count() == 1
