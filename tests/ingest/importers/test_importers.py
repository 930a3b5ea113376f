"""What another system exported is found here as if it had been sent here, however it is sent and repeated."""

import itertools
import json
import random
from urllib.parse import urlencode

import pyarrow
import pytest

from ingest.models import Feedback, Score, Span, Trace
from tests.ingest.importers import bodies

QUESTION, ANSWER = bodies.QUESTION, bodies.ANSWER
BODIES = {
    "langfuse": [bodies.LANGFUSE_EVENTS, bodies.LANGFUSE_EXPORT],
    "langsmith": [bodies.LANGSMITH_BATCH, bodies.LANGSMITH_FEEDBACK],
    "phoenix": [bodies.PHOENIX_SPANS, bodies.PHOENIX_ANNOTATIONS],
    "braintrust": [bodies.BRAINTRUST_ROWS],
    "helicone": [bodies.HELICONE_ROWS],
}


def send(client, name, body, **query):
    address = "/api/v1/import?" + urlencode({"format": name, **query})
    return client.post(address, data=json.dumps(body), content_type="application/json")


def told(client, trace_id):
    trace = client.get(f"/api/v1/traces/{trace_id}").json()
    for statement in (*trace["scores"], *trace["feedback"]):
        statement.pop("received_at")
    return trace


def everything(client):
    listed = client.get("/api/v1/traces", {"limit": 200}).json()["traces"]
    return {each["trace_id"]: told(client, each["trace_id"]) for each in listed}


@pytest.mark.parametrize(
    ("name", "trace_id"),
    [("langfuse", "lf-1"), ("langsmith", bodies.RUN), ("phoenix", bodies.PHOENIX_TRACE),
     ("braintrust", "bt-1"), ("helicone", "he-1")],
)  # fmt: skip
def test_a_conversation_of_each_format_reads_alike(api, name, trace_id):
    client = api()
    for body in BODIES[name]:
        report = send(client, name, body)
        assert report.status_code == 200, report.json()
        assert report.json()["rejected"] == []
    trace = told(client, trace_id)
    assert (trace["input"], trace["output"]) == (QUESTION, ANSWER)
    assert trace["session_id"] == "s-1"
    assert trace["tokens"] == {"input": 12, "output": 3}
    [call] = trace["calls"]
    assert call["model"] == "gpt-x"
    assert call["input"][-1] == {"role": "user", "text": QUESTION, "tool_calls": []}
    assert call["output"] == [{"role": "assistant", "text": ANSWER, "tool_calls": []}]
    if name != "phoenix":
        assert trace["user_id"] == "u-1"


@pytest.mark.parametrize("name", BODIES)
def test_repeating_and_shuffling_changes_nothing(api, name):
    client = api()
    for body in BODIES[name]:
        send(client, name, body)
    once = everything(client)
    assert once
    for body in reversed(BODIES[name] * 2):
        send(client, name, body)
    assert everything(client) == once


@pytest.mark.parametrize("name", BODIES)
def test_a_dry_run_reports_the_same_and_writes_nothing(api, name):
    client = api()
    for body in BODIES[name]:
        dry = send(client, name, body, dry_run=1)
        assert not Trace.objects.exists() and not Score.objects.exists() and not Feedback.objects.exists()
        assert dry.json()["dry_run"] is True
    first = BODIES[name][0]
    dry, wet = send(client, name, first, dry_run=1), send(client, name, first)
    assert (dry.status_code, dry.json() | {"dry_run": False}) == (wet.status_code, wet.json())


def test_langfuse_events(api):
    client = api()
    assert send(client, "langfuse", bodies.LANGFUSE_EVENTS).json() == {
        "accepted": 5, "pending": 0, "rejected": [], "dry_run": False,
        "traces": 1, "spans": 1, "scores": 2, "feedback": 1,
    }  # fmt: skip
    trace = told(client, "lf-1")
    assert (trace["prompt_name"], trace["prompt_version"], trace["environment"]) == (
        "support",
        "3",
        "production",
    )
    assert trace["tags"] == {"plan": "pro", "prod": True}
    assert trace["cost_usd"] == 0.02
    thumbs, tone = sorted(trace["scores"], key=lambda each: each["name"], reverse=True)
    assert (thumbs["value"], thumbs["label"], thumbs["source"]) == (0, "fail", "user")
    assert (tone["label"], tone["span_id"], tone["source"]) == ("neutral", "lf-gen", "llm")
    [said] = trace["feedback"]
    assert (said["kind"], said["value"], said["comment"]) == ("thumbs", "down", "wrong")


@pytest.mark.parametrize("backwards", [False, True])
def test_langfuse_events_of_one_generation_in_two_requests(api, backwards):
    client, events = api(), bodies.LANGFUSE_EVENTS["batch"]
    for batch in [events[2:], events[:2]] if backwards else [events[:2], events[2:]]:
        send(client, "langfuse", {"batch": batch})
    trace = told(client, "lf-1")
    [call] = trace["calls"]
    assert (call["model"], call["input"][-1]["text"], call["output"][0]["text"]) == (
        "gpt-x",
        QUESTION,
        ANSWER,
    )
    assert (trace["tokens"], trace["cost_usd"]) == ({"input": 12, "output": 3}, 0.02)


def test_langfuse_export_of_a_failed_generation(api):
    client = api()
    send(client, "langfuse", bodies.LANGFUSE_EXPORT)
    trace = told(client, "lf-2")
    assert [span["span_id"] for span in trace["spans"]] == ["o-1", "o-2"]
    assert trace["calls"][0]["error"] == "cut off"
    assert (trace["scores"][0]["name"], trace["scores"][0]["source"]) == ("quality", "human")


def test_langsmith_feedback_is_a_score_a_verdict_and_a_correction(api):
    client = api()
    assert send(client, "langsmith", bodies.LANGSMITH_FEEDBACK).status_code == 202
    send(client, "langsmith", bodies.LANGSMITH_BATCH)
    trace = told(client, bodies.RUN)
    assert (trace["scores"][0]["value"], trace["scores"][0]["source"]) == (0, "user")
    said = {each["kind"]: each for each in trace["feedback"]}
    assert (said["thumbs"]["value"], said["thumbs"]["user"]) == ("down", "u-1")
    assert said["edit"]["payload"] == {"edited_output": "14 days"}
    assert [span["parent_id"] for span in trace["spans"]] == [None, bodies.RUN]


def test_langsmith_runs_in_parts(api):
    parts = []
    for event, run in (("post", bodies.LANGSMITH_ROOT), ("post", bodies.LANGSMITH_CHILD)):
        whole = {key: value for key, value in run.items() if key not in ("inputs", "outputs")}
        parts.append((f"{event}.{run['id']}", whole))
        parts += [(f"{event}.{run['id']}.{side}", run[side]) for side in ("inputs", "outputs") if side in run]
    body = b"".join(
        b'--xyz\r\nContent-Disposition: form-data; name="%s"\r\nContent-Type: application/json\r\n\r\n%s\r\n'
        % (name.encode(), json.dumps(value).encode())
        for name, value in parts
    )
    client = api()
    # As LangSmith's SDK sends it.
    packed = pyarrow.Codec("zstd").compress(body + b"--xyz--\r\n", asbytes=True)
    report = client.post("/api/v1/import?format=langsmith", data=packed,
                         content_type="multipart/form-data; boundary=xyz",
                         headers={"Content-Encoding": "zstd"})  # fmt: skip
    assert report.json()["accepted"] == 2
    [call] = told(client, bodies.RUN)["calls"]
    assert (call["output"][0]["text"], call["finish"], call["response_id"]) == (
        ANSWER,
        ["stop"],
        "chatcmpl-9",
    )


def test_phoenix_annotations_of_spans_wait_for_them(api):
    client = api()
    assert send(client, "phoenix", bodies.PHOENIX_ANNOTATIONS).status_code == 202
    send(client, "phoenix", bodies.PHOENIX_SPANS)
    trace = told(client, bodies.PHOENIX_TRACE)
    found = {score["name"]: (score["value"], score["label"], score["source"]) for score in trace["scores"]}
    assert found == {
        "correctness": (0.0, "incorrect", "human"),
        "toxicity": (0.1, "ok", "llm"),
        "user_feedback": (0.0, "thumbs_down", "user"),
    }
    assert [(each["kind"], each["value"]) for each in trace["feedback"]] == [("thumbs", "down")]


def test_a_phoenix_annotation_said_anew_replaces_the_old(api):
    client = api()
    send(client, "phoenix", bodies.PHOENIX_SPANS)
    send(client, "phoenix", bodies.PHOENIX_ANNOTATIONS)
    changed = bodies.PHOENIX_ANNOTATIONS["data"][0] | {
        "result": {"label": "correct", "score": 1.0},
        "updated_at": bodies.END,
    }
    send(client, "phoenix", {"data": [changed]})
    scores = {each["name"]: each for each in told(client, bodies.PHOENIX_TRACE)["scores"]}
    assert scores["correctness"]["label"] == "correct"
    assert [each["label"] for each in scores["correctness"]["revisions"]] == ["incorrect"]


def test_a_braintrust_row_without_a_time_is_a_trace_without_spans(api):
    client = api()
    row = {"id": "row-9", "input": QUESTION, "error": "refused", "scores": {"Factuality": 0.5}}
    part = {
        "id": "row-10",
        "root_span_id": "row-9",
        "span_id": "part",
        "span_parents": ["row-9"],
        "input": "x",
    }
    report = send(client, "braintrust", {"events": [row, part]})
    assert (report.status_code, report.json()["accepted"], report.json()["spans"]) == (207, 1, 0)
    assert [each["error"] for each in report.json()["rejected"]] == [
        "created: is required where metrics.start is missing"
    ]
    before = told(client, "row-9")
    assert (before["input"], before["error"], before["status"]) == (QUESTION, "refused", "error")
    assert [score["value"] for score in before["scores"]] == [0.5]
    send(client, "braintrust", {"events": [row]})
    assert told(client, "row-9") == before


def test_braintrust_scores_and_later_feedback(api):
    client = api()
    send(client, "braintrust", {"events": bodies.BRAINTRUST_ROWS})
    later = {"id": "row-1", "scores": {"user_rating": 1}, "comment": "thanks", "source": "external"}
    send(client, "braintrust", [later])
    trace = told(client, "bt-1")
    assert {score["name"]: score["value"] for score in trace["scores"]} == {
        "Factuality": 0.25,
        "user_rating": 1,
    }
    assert [(each["kind"], each["value"]) for each in trace["feedback"]] == [("thumbs", "up")]
    assert trace["latency_ms"] == 2000


def test_helicone_row(api):
    client = api()
    send(client, "helicone", bodies.HELICONE_ROWS)
    trace = told(client, "he-1")
    assert (trace["provider"], trace["cost_usd"], trace["latency_ms"]) == ("openai", 0.02, 2000)
    assert trace["calls"][0]["finish"] == ["length"]
    assert trace["tags"]["plan"] == "pro"
    assert {score["name"] for score in trace["scores"]} == {"helpful", "user_rating"}
    assert [each["value"] for each in trace["feedback"]] == ["down"]


def test_bad_lines_are_reported_and_lose_no_good_one(api):
    good = bodies.LANGFUSE_EXPORT["data"][0]
    lines = [json.dumps(good), "{not json", '"text"', json.dumps({"id": "x", "traceId": "t", "value": 1}),
             json.dumps({"name": "q", "value": 1})]  # fmt: skip
    report = api().post(
        "/api/v1/import?format=langfuse", data="\n".join(lines), content_type="application/x-ndjson"
    )
    assert report.status_code == 207
    told_of = {each["index"]: each["error"] for each in report.json()["rejected"]}
    assert set(told_of) == {1, 2, 3, 4}
    assert "not JSON" in told_of[1] and "object" in told_of[2]
    assert "name" in told_of[3] and "traceId" in told_of[4]
    assert Trace.objects.get().trace_id == "lf-2"


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("", 400, "langfuse"),
        ("?format=excel", 400, "langfuse"),
        ("?format=phoenix&dry_run=maybe", 400, "dry_run"),
    ],
)
def test_an_import_that_cannot_be_understood_says_what_to_send(api, query, status, says):
    refused = api().post(f"/api/v1/import{query}", data="[]", content_type="application/json")
    assert refused.status_code == status
    assert says in refused.content.decode()


def test_nothing_to_import_is_refused(api):
    client = api()
    assert send(client, "langfuse", {"data": []}).status_code == 400
    nothing = send(client, "langfuse", [{"id": "a", "value": 1}])
    assert nothing.status_code == 400 and nothing.json()["errors"][0]["index"] == 0


def test_another_projects_token_imports_into_its_own(api, other_project):
    send(api(of=other_project), "helicone", bodies.HELICONE_ROWS)
    assert Trace.objects.get().project == other_project


JUNK = [None, 7, "x", [], {}, [[]], {"a": {"b": []}}, True, -1e308, "2026-09-01", {"role": 5}, [None, {}]]


@pytest.mark.parametrize("name", BODIES)
def test_any_field_may_hold_anything(api, name):
    """Every field of every item in turn with values it should not have: refused or taken, never a fault."""
    client, chance = api(), random.Random(name)
    items = [item for body in BODIES[name] for item in (body if isinstance(body, list) else [body])]
    spoilt = [
        spoil(item, path, chance.choice(JUNK))
        for item in items
        for path in itertools.islice(paths(item), 120)
    ]
    for start in range(0, len(spoilt), 40):
        for item in spoilt[start : start + 40]:
            answer = send(client, name, item)
            assert answer.status_code in (200, 202, 207, 400), answer.content
    assert client.get("/api/v1/traces").status_code == 200
    assert Span.objects.exists()


def paths(value, prefix=()):
    if prefix:
        yield prefix
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from paths(child, (*prefix, key))


def spoil(value, path, junk):
    copy = json.loads(json.dumps(value))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = junk
    return copy
