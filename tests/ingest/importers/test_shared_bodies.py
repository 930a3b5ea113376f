"""Bodies that LangSmith's and Phoenix's SDKs sent, captured: whatever the order, twice."""

import json
from pathlib import Path

import pytest

BODIES = Path(__file__).resolve().parents[4] / "shared" / "data" / "feedback"
RUN = "11111111-1111-4111-8111-111111111111"
SPAN, TRACE = "89fc62c1ab634f8c", "d254ac6f9f6c389dd66054498f1cbaf7"

pytestmark = pytest.mark.skipif(
    not BODIES.is_dir(), reason=f"the captured bodies are not beside this repository: {BODIES}"
)


def send(client, name):
    paths = [path for path in sorted((BODIES / name).glob("*.body")) if path.stat().st_size]
    for path in (*paths, *reversed(paths)):
        answer = client.post(
            f"/api/v1/import?format={name}", data=path.read_bytes(), content_type="application/json"
        )
        assert answer.status_code in (200, 202), answer.json()
        assert answer.json()["rejected"] == []


def test_a_run_and_its_feedback(api):
    client = api()
    send(client, "langsmith")
    trace = client.get(f"/api/v1/traces/{RUN}").json()
    assert (trace["input"], trace["output"], trace["session_id"]) == ("hi", "yo", "sess-42")
    assert [(each["name"], each["value"], each["source"]) for each in trace["scores"]] == [
        ("user_thumbs", 0, "user")
    ]
    said = {each["kind"]: each for each in trace["feedback"]}
    assert (said["thumbs"]["value"], said["thumbs"]["user"], said["thumbs"]["comment"]) == (
        "down",
        "user-7",
        "wrong",
    )
    assert said["edit"]["payload"] == {"edited_output": "14 days"}


def test_annotations_of_a_span_and_of_a_trace(api):
    client = api()
    send(client, "phoenix")
    span = {"span_id": SPAN, "name": "chat", "started_at": "2026-11-21T00:00:00Z"}
    sent = json.dumps({"id": TRACE, "started_at": "2026-11-21T00:00:00Z", "spans": [span]})
    client.post("/api/v1/traces", data=sent, content_type="application/json")
    trace = client.get(f"/api/v1/traces/{TRACE}").json()
    assert {(each["name"], each["source"], each["span_id"]) for each in trace["scores"]} == {
        ("correctness", "human", SPAN),
        ("toxicity", "llm", SPAN),
        ("user_feedback", "user", None),
    }
    assert [each["value"] for each in trace["feedback"]] == ["down"]
