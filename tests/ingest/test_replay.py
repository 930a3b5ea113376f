"""Captured requests through the HTTP doors into the database and out again: any order, twice, chunked."""

import json
import random
from datetime import timedelta
from http.client import HTTPConnection

import pytest

from ingest import tasks
from ingest.models import LogRecord, Project, Score, Span, Superseded, Trace
from tests.ingest.test_captures import (
    CAPTURES,
    FOLDERS,
    NO_CALLS,
    corrected,
    expected,
    pytestmark,
    request_paths,
)

assert pytestmark  # skips where the captures are not beside this repository

ALL = [path for folder in FOLDERS for path in request_paths(folder)] if CAPTURES.is_dir() else []


def headers_of(path):
    notes = json.loads(path.with_name(path.name.replace(".body", ".headers.json")).read_text())
    return notes["path"], {name.lower(): value for name, value in notes["headers"]}


def send(client, path):
    address, headers = headers_of(path)
    response = client.post(
        address,
        data=path.read_bytes(),
        content_type=headers["content-type"],
        headers={"content-encoding": headers.get("content-encoding", "identity")},
    )
    assert response.status_code == 200
    return response


def told(client):
    """What the API tells of every trace, less what arrival itself writes."""
    traces = {}
    for summary in client.get("/api/v1/traces", {"limit": 200}).json()["traces"]:
        trace = client.get(f"/api/v1/traces/{summary['trace_id']}").json()
        for statement in trace["scores"]:
            statement.pop("received_at", None)
        for moment in ("first_seen", "last_seen", "settled_at"):
            trace.pop(moment, None)
        traces[trace["trace_id"]] = trace
    return traces


def as_noted(call):
    """A call of the API in the words of expected.json."""
    words = {key: "" if value is None else value for key, value in call.items()}
    words |= {key: call[key] for key in ("input_tokens", "output_tokens")}
    words |= {"error": bool(call["error"]), "error_type": call["error"] or ""}
    for side in ("input", "output"):
        words[side] = [
            {"role": each["role"], "text": each["text"]}
            | ({"tools": each["tool_calls"]} if each["tool_calls"] else {})
            for each in call[side]
        ]
    return words


def test_every_folder_is_told_as_its_notes_expect(api):
    client = api()
    for path in ALL:
        send(client, path)
    traces = told(client)
    calls = {call["span_id"]: (call, trace) for trace in traces.values() for call in trace["calls"]}
    for folder in FOLDERS:
        notes = expected(folder)
        assert set(notes["trace_ids"]) <= set(traces)
        for noted in notes["calls"]:
            if noted["span_id"] in NO_CALLS:
                continue
            call, trace = calls[noted["span_id"]]
            words = as_noted(call) | {"session": trace["session_id"], "user": trace["user_id"]}
            words["prompt_version"] = trace["prompt_version"]
            wanted = corrected(noted)
            assert {key: words[key] for key in wanted} == wanted
    assert Span.objects.count() == sum(expected(folder)["span_count"] for folder in FOLDERS)


def test_evaluations_become_scores_and_an_ambiguous_one_waits(api):
    client = api()
    for path in ALL:
        send(client, path)
    tasks.read_stale(rest=timedelta(0))
    for noted in expected("otel-evaluation-result")["evaluations"]:
        found = Score.objects.get(name=noted["name"], value=noted.get("value"), label=noted.get("label", ""))
        assert found.error_type == noted.get("error", "")
        assert (found.trace and found.trace.trace_id) == noted.get("event_trace")
        if "response_id" in noted:
            assert (found.target_kind, found.target_key) == ("response", noted["response_id"])


@pytest.mark.parametrize("seed", range(4))
def test_twice_and_shuffled_gives_the_same_state(api, project, seed):
    once = api()
    for path in ALL:
        send(once, path)
    chance = random.Random(seed)
    shuffled = Project.objects.create(slug="shuffled", secret=project.secret)
    again = api(of=shuffled)
    story = [*ALL, *ALL]
    chance.shuffle(story)
    for path in story:
        send(again, path)
        if chance.random() < 0.3:
            tasks.read_stale(rest=timedelta(0))
    assert told(again) == told(once)
    assert Superseded.objects.count() == 0
    for rows in (Span.objects, LogRecord.objects):
        assert rows.filter(trace__project=shuffled).count() == rows.filter(trace__project=project).count() > 0


@pytest.mark.server
def test_a_request_in_chunks_over_a_socket_is_read_like_a_whole_one(server):
    _, token = server.manage_each(
        ["create_project", "chunks"], ["create_token", "chunks", "t", "--scope", "admin"]
    )
    bearer = {"Authorization": f"Bearer {token}"}
    for path in ALL:
        address, headers = headers_of(path)
        connection = HTTPConnection("127.0.0.1", server.port, timeout=120)
        body = path.read_bytes()
        pieces = iter([body[:1], body[1:100], body[100:]])
        kept = {name: headers[name] for name in ("content-type", "content-encoding") if name in headers}
        connection.request("POST", address, pieces, bearer | kept, encode_chunked=True)
        assert connection.getresponse().status == 200
        connection.close()
    connection = HTTPConnection("127.0.0.1", server.port, timeout=120)
    spans = 0
    for folder in FOLDERS:
        for trace_id in expected(folder)["trace_ids"]:
            connection.request("GET", f"/api/v1/traces/{trace_id}", headers=bearer)
            trace = json.loads(connection.getresponse().read())
            spans += len(trace["spans"])
    connection.close()
    assert spans == sum(expected(folder)["span_count"] for folder in FOLDERS)


def test_a_capture_belongs_to_the_project_of_its_token_alone(api, other_project):
    send(api(), ALL[0])
    assert api(of=other_project).get("/api/v1/traces").json()["traces"] == []
    assert Trace.objects.filter(project=other_project).count() == 0
