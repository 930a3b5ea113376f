"""POST /api/v1/scores: what is taken, revisions, and scores that wait for their target."""

import itertools
import json

import pytest

from ingest.models import Score, Superseded

URL = "/api/v1/scores"
FAITHFUL = {"target": {"trace_id": "t"}, "name": "faithfulness", "value": 0.25}


def post(client, body, url=URL):
    content = body if isinstance(body, bytes) else json.dumps(body)
    return client.post(url, content, content_type="application/json")


def trace(client, trace_id="t", **fields):
    response = post(
        client, {"id": trace_id, "started_at": "2026-08-06T09:30:00Z", **fields}, "/api/v1/traces"
    )
    assert response.status_code == 200


def told(client, trace_id="t"):
    return client.get(f"/api/v1/traces/{trace_id}").json()["scores"]


def test_every_field_comes_back(api):
    client = api()
    trace(client, spans=[{"span_id": "s", "name": "chat"}])
    score = {
        "id": "k",
        "target": {"trace_id": "t", "span_id": "s"},
        "name": "faithfulness",
        "value": 0.25,
        "label": "fail",
        "confidence": 0.6,
        "explanation": "It made up a date.",
        "source": "llm",
        "evaluator": {"name": "judge", "version": "2", "model": "m"},
        "error_type": None,
        "timestamp": "2026-08-06T10:00:00Z",
        "metadata": {"a": [1]},
    }
    response = post(client, score)
    assert (response.status_code, response.json()["ids"]) == (200, ["k"])
    [found] = told(client)
    assert found | score | {"target": None} == found | {"span_id": "s", "target": None}
    assert found["revisions"] == []


def test_forms_and_mixed_answers(api):
    client = api()
    trace(client)
    assert post(client, {"scores": [FAITHFUL]}).status_code == 200
    mixed = post(client, {"scores": [FAITHFUL, FAITHFUL | {"value": None}, FAITHFUL | {"name": ""}]})
    assert mixed.status_code == 207
    assert [each["index"] for each in mixed.json()["rejected"]] == [1, 2]
    assert "value, label, error_type" in mixed.json()["rejected"][0]["error"]
    pending = post(client, [FAITHFUL | {"target": {"trace_id": "later"}}])
    assert (pending.status_code, pending.json()["pending"]) == (202, 1)
    some = post(client, [FAITHFUL, FAITHFUL | {"target": {"trace_id": "later"}}])
    assert (some.status_code, some.json()["accepted"], some.json()["pending"]) == (200, 2, 1)
    assert Score.objects.count() == 2


def test_at_most_a_thousand(api):
    client = api()
    response = post(client, {"scores": [FAITHFUL] * 1001})
    assert response.status_code == 413
    assert not Score.objects.exists()


def test_a_score_waits_for_its_trace(api):
    client = api()
    for target in (
        {"trace_id": "t"},
        {"span_id": "s"},
        {"response_id": "r"},
    ):
        assert post(client, FAITHFUL | {"target": target, "name": next(iter(target))}).status_code == 202
    trace(client, spans=[{"span_id": "s", "name": "chat", "attributes": {"gen_ai.response.id": "r"}}])
    assert {(score["name"], score["span_id"]) for score in told(client)} == {
        ("trace_id", None),
        ("span_id", "s"),
        ("response_id", "s"),
    }


def test_a_span_or_response_found_in_two_traces_is_never_attached(api):
    client = api()
    for name in ("t", "u"):
        trace(client, name, spans=[{"span_id": "s", "name": "c", "attributes": {"gen_ai.response.id": "r"}}])
    assert post(client, FAITHFUL | {"target": {"span_id": "s"}}).status_code == 202
    assert post(client, FAITHFUL | {"target": {"response_id": "r"}}).status_code == 202
    assert told(client, "t") == told(client, "u") == []


REVISIONS = [
    {"value": 0.1, "timestamp": "2026-08-06T10:00:00Z"},
    {"value": 0.2, "timestamp": "2026-08-06T12:00:00Z"},
    {"value": 0.3},
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_greatest_timestamp_is_current_whatever_the_order(api, order):
    client = api()
    trace(client)
    for index in (*order, *order):
        assert post(client, FAITHFUL | {"id": "k"} | REVISIONS[index]).status_code == 200
    [score] = told(client)
    assert score["value"] == 0.2
    assert sorted(old["value"] for old in score["revisions"]) == [0.1, 0.3]


def test_among_equal_times_the_hash_decides(api):
    client = api()
    currents = []
    for name, values in (("t", (1, 2)), ("u", (2, 1))):
        trace(client, name)
        for value in values:
            post(
                client,
                FAITHFUL | {"id": f"k{name}", "target": {"trace_id": name}, "label": "", "value": value},
            )
        currents.append(Score.objects.get(key=f"k{name}"))
    for current in currents:
        lost = Superseded.objects.get(key=current.key)
        assert bytes(current.sha256) > bytes(lost.sha256)


def test_a_score_without_a_time_says_so(api):
    client = api()
    trace(client)
    post(client, FAITHFUL)
    [score] = told(client)
    assert score["timestamp"] is None
    assert score["received_at"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"value": "high"}, "value"),
        ({"value": 10**400}, "value"),
        ({"confidence": 1.1}, "confidence"),
        ({"source": "oracle"}, "source"),
        ({"timestamp": "2026-99-01"}, "timestamp"),
        ({"metadata": 1}, "metadata"),
        ({"evaluator": 1}, "evaluator"),
        ({"id": "k" * 201}, "id"),
        ({"target": None}, "target"),
    ],
)
def test_a_bad_score_is_refused_by_field(api, change, field):
    response = post(api(), FAITHFUL | change)
    assert response.status_code in (400, 422)
    if response.status_code == 422:
        assert response.json()["errors"][0]["field"] == field
    assert not Score.objects.exists()
