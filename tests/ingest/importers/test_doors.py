"""Langfuse's own addresses: a key's two halves let in, its SDK's bodies are taken, its answers are given."""

import base64
import json

import pytest
from django.test import Client

from ingest import tokens
from ingest.models import Scope, Score, Trace
from tests.ingest.importers import bodies


@pytest.fixture
def sdk(project):
    """A client with the two keys that a Langfuse SDK is given."""
    return basic(tokens.issue(project, "sdk", [Scope.INGEST]).text)


def basic(text, whole=False):
    _, public, secret = text.split("_")
    pair = f"{public}:{text if whole else secret}"
    return Client(headers={"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()})


def post(client, address, body):
    return client.post(f"/api/public/{address}", data=json.dumps(body), content_type="application/json")


def test_a_batch_is_answered_event_by_event(sdk):
    batch = {
        "batch": [
            *bodies.LANGFUSE_EVENTS["batch"],
            {"id": "bad", "type": "score-create", "body": {"value": 1}},
        ]
    }
    answer = post(sdk, "ingestion", batch)
    assert answer.status_code == 207
    assert [each["id"] for each in answer.json()["successes"]] == ["e1", "e2", "e3", "e4", "e5"]
    [error] = answer.json()["errors"]
    assert (error["id"], error["status"]) == ("bad", 400) and "traceId" in error["message"]
    assert Trace.objects.get().trace_id == "lf-1"


def test_a_batch_of_bad_events_alone_is_answered_too(sdk):
    answer = post(sdk, "ingestion", {"batch": [{"id": "bad", "type": "score-create", "body": {"value": 1}}]})
    assert (answer.status_code, answer.json()["successes"], len(answer.json()["errors"])) == (207, [], 1)


def test_scores_one_or_many(sdk):
    one = {"id": "a", "traceId": "t", "name": "tone", "value": 0.5}
    assert post(sdk, "scores", one).json() == {"id": "a"}
    assert post(sdk, "scores", [one, one | {"id": "b"}]).status_code == 200
    assert Score.objects.count() == 2


def test_a_key_can_be_checked_and_the_whole_token_is_a_secret_too(project, sdk):
    assert sdk.get("/api/public/projects").json()["data"][0]["id"] == "refunds"
    whole = basic(tokens.issue(project, "sdk", [Scope.INGEST]).text, whole=True)
    assert whole.get("/api/public/projects").status_code == 200
    assert Client().get("/api/public/projects").status_code == 401
    assert sdk.post("/api/public/projects").status_code == 405


def test_a_key_without_the_scope_is_refused(project):
    reader = basic(tokens.issue(project, "reader", [Scope.TRACES_READ]).text)
    assert post(reader, "ingestion", bodies.LANGFUSE_EVENTS).status_code == 403


def test_basic_is_no_way_into_the_native_api(sdk):
    assert sdk.get("/api/v1/traces").status_code == 401
    refused = sdk.post("/v1/traces", data=b"", content_type="application/x-protobuf")
    assert refused.status_code == 401
