"""Spans, logs, scores, feedback and imports of one story, in any order and any of them twice: one state."""

import json
import random
from datetime import timedelta

import pytest

from ingest import tasks
from ingest.models import Project
from tests.ingest import otlp
from tests.ingest.importers import bodies

TRACE = "5b8efff798038103d269b633813fc60c"
ROOT, CALL, LATE = "eee19b7ec3c1b174", "eee19b7ec3c1b175", "eee19b7ec3c1b176"
SECOND = 10**9
T0 = 1_788_264_000 * SECOND


def spans_of_the_story():
    chat = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-x",
        "gen_ai.response.id": "r-1",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
    }
    root = {"session.id": "s-1", "user.id": "u-1", "traceloop.entity.input": json.dumps(bodies.QUESTION)}
    return [
        otlp.Span(TRACE, ROOT, "", name="handle", start_ns=T0, end_ns=T0 + 3 * SECOND, attributes=root),
        otlp.Span(TRACE, CALL, ROOT, name="chat", start_ns=T0 + 1, end_ns=T0 + SECOND, attributes=chat),
        # The same span while it was open, and once more with another end: decided by content.
        otlp.Span(TRACE, CALL, ROOT, name="chat", start_ns=T0 + 1, end_ns=0, attributes={}),
        otlp.Span(
            TRACE,
            LATE,
            CALL,
            name="tool",
            start_ns=T0 + 2,
            end_ns=T0 + 3,
            attributes={"langfuse.observation.type": "tool", "langfuse.observation.output": "{}"},
        ),
    ]


def logs_of_the_story():
    event = {"event.name": "gen_ai.user.message"}
    score = {"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.value": 0.5}
    return [
        otlp.Log(TRACE, CALL, "gen_ai.user.message", T0 + 1, event, {"content": bodies.QUESTION}),
        otlp.Log(
            TRACE, CALL, "gen_ai.choice", T0 + 2, {}, {"message": {"content": bodies.ANSWER}, "index": 0}
        ),
        otlp.Log(TRACE, CALL, "gen_ai.evaluation.result", T0 + 3, score, None),
    ]


NATIVE = [
    ("traces", {"id": TRACE, "prompt_version": "v3", "tags": {"plan": "pro"}, "ended_at": bodies.END}),
    ("traces", {"id": TRACE, "prompt_version": "v4", "route": "refund", "ended_at": bodies.START}),
    (
        "scores",
        {"id": "a", "target": {"trace_id": TRACE}, "name": "q", "value": 1, "timestamp": bodies.START},
    ),
    ("scores", {"id": "a", "target": {"trace_id": TRACE}, "name": "q", "value": 0, "timestamp": bodies.END}),
    ("scores", {"id": "b", "target": {"span_id": CALL}, "name": "q", "value": 1}),
    ("scores", {"id": "c", "target": {"response_id": "r-1"}, "name": "q", "value": 1}),
    (
        "feedback",
        {
            "id": "d",
            "target": {"trace_id": TRACE},
            "kind": "thumbs",
            "value": "up",
            "user": "u-1",
            "occurred_at": bodies.START,
        },
    ),
    (
        "feedback",
        {
            "id": "e",
            "target": {"trace_id": TRACE},
            "kind": "thumbs",
            "value": "down",
            "user": "u-1",
            "occurred_at": bodies.END,
        },
    ),
    (
        "feedback",
        {
            "id": "f",
            "target": {"external": {"system": "plan", "id": "pro"}},
            "kind": "copy",
            "occurred_at": bodies.END,
        },
    ),
    (
        "import?format=phoenix",
        {"data": [{"name": "p", "annotator_kind": "LLM", "trace_id": TRACE, "result": {"score": 0.5}}]},
    ),
    ("import?format=langfuse", bodies.LANGFUSE_EXPORT),
]


def requests():
    """Each as address, body and content type."""
    for span in spans_of_the_story():
        yield "/v1/traces", otlp.traces_body([span]), "application/x-protobuf"
    for log in logs_of_the_story():
        yield "/v1/logs", otlp.logs_body([log]), "application/x-protobuf"
    for address, body in NATIVE:
        yield f"/api/v1/{address}", json.dumps(body).encode(), "application/json"


def told(client):
    traces = {}
    for summary in client.get("/api/v1/traces", {"limit": 200}).json()["traces"]:
        trace = client.get(f"/api/v1/traces/{summary['trace_id']}").json()
        for statement in (*trace["scores"], *trace["feedback"]):
            statement.pop("received_at")
        traces[trace["trace_id"]] = trace
    return traces


def send(client, story, chance=None):
    for address, body, content_type in story:
        assert client.post(address, data=body, content_type=content_type).status_code in (200, 202)
        if chance and chance.random() < 0.2:
            tasks.read_stale(rest=timedelta(0))
    tasks.read_stale(rest=timedelta(0))
    tasks.attach_pending()


@pytest.mark.parametrize("seed", range(5))
def test_any_order_and_repetition_gives_one_state(api, project, seed):
    story, once = list(requests()), api()
    send(once, story)
    wanted = told(once)
    trace = wanted[TRACE]
    assert (trace["input"], trace["output"]) == (bodies.QUESTION, bodies.ANSWER)
    assert {score["id"] for score in trace["scores"]} >= {"a", "b", "c"}
    assert {each["id"] for each in trace["feedback"]} == {"d", "e", "f"}

    chance = random.Random(seed)
    twice = story + chance.sample(story, len(story) // 2)
    chance.shuffle(twice)
    other = api(of=Project.objects.create(slug="shuffled", secret=project.secret))
    send(other, twice, chance)
    found = told(other)
    for trace_id, each in wanted.items():
        for name, value in each.items():
            assert found[trace_id][name] == value, name
    assert found.keys() == wanted.keys()
