"""POST and GET /api/v1/traces: merging, refusals, and what is read back."""

import gzip
import json
from datetime import datetime
from urllib.parse import quote

import msgspec
import pytest

from ingest import answers, tokens
from ingest.models import AuditDraw, Scope, Span, Trace

URL = "/api/v1/traces"
SUPPORT = {
    "id": "order/77?a=b#c é",
    "started_at": "2026-08-06T09:30:00Z",
    "ended_at": "2026-08-06T09:30:02Z",
    "input": {"messages": [{"role": "user", "content": "Where is my order?"}]},
    "output": "It is on its way.",
    "context": [{"id": "d1", "text": "Orders ship in a day.", "score": 0.9}],
    "model": "gpt-x-2026-08-06",
    "provider": "openai",
    "prompt_name": "support",
    "prompt_version": "v3",
    "route": "orders",
    "environment": "production",
    "session_id": "s-1",
    "user_id": "u-1",
    "tokens": {"input": 12, "output": 7},
    "cost_usd": 0.01,
    "latency_ms": 800,
    "status": "ok",
    "tags": {"tier": "gold"},
    "spans": [
        {
            "span_id": "a1",
            "name": "chat",
            "op": "chat",
            "started_at": "2026-08-06T09:30:00Z",
            "ended_at": "2026-08-06T09:30:01Z",
            "model": "gpt-x",
            "input": "Where is my order?",
            "output": "It is on its way.",
        },
    ],
    "scores": [{"name": "faithfulness", "value": 0.25, "label": "fail", "timestamp": "2026-08-06T10:00:00Z"}],
    "feedback": [{"kind": "thumbs", "value": "down", "user": "u-1", "occurred_at": "2026-08-06T10:00:00Z"}],
}


def post(client, body, url=URL, content_type="application/json", **options):
    content = body if isinstance(body, bytes) else json.dumps(body)
    return client.post(url, content, content_type=content_type, **options)


def get(client, trace_id):
    return client.get(f"{URL}/{quote(trace_id)}")


def test_a_trace_is_readable_in_the_very_next_request(api):
    client = api()
    response = post(client, SUPPORT)
    assert response.status_code == 200
    assert response.json() == {"accepted": 1, "pending": 0, "rejected": [], "ids": [SUPPORT["id"]]}
    answer = get(client, SUPPORT["id"])
    assert answer.status_code == 200
    told = answer.json()
    for field in ("model", "provider", "prompt_name", "prompt_version", "route", "environment", "session_id"):
        assert told[field] == SUPPORT[field]
    assert told["trace_id"] == SUPPORT["id"]
    assert told["started_at"] == SUPPORT["started_at"]
    assert told["ended_at"] == SUPPORT["ended_at"]
    assert told["input"] == "Where is my order?"
    assert told["output"] == "It is on its way."
    assert told["context"] == SUPPORT["context"]
    assert told["tokens"] == SUPPORT["tokens"]
    assert told["cost_usd"] == 0.01
    assert told["latency_ms"] == 800
    assert told["status"] == "ok"
    assert told["user_id"] == "u-1"
    assert told["audit"] == {"drawn": None, "pi": None}
    assert told["calls"][0]["input"] == [{"role": "user", "text": "Where is my order?", "tool_calls": []}]
    assert told["spans"][0]["span_id"] == "a1"
    assert told["scores"][0] | {"value": 0.25, "label": "fail", "name": "faithfulness"} == told["scores"][0]
    assert (
        told["feedback"][0] | {"kind": "thumbs", "value": "down", "number": 0.0, "effective": True}
        == (told["feedback"][0])
    )
    assert told["reasons"] == []
    assert told["priority"] is None


def test_answers_have_the_shape_that_the_document_promises(api, project):
    client = api()
    post(client, SUPPORT)
    AuditDraw.objects.create(trace=Trace.objects.get(), u=0.05, stratum="", audit=0.1, judge=0.5)
    for body, struct in [
        (get(client, SUPPORT["id"]).content, answers.TraceDetail),
        (client.get(URL).content, answers.TraceList),
    ]:
        told = msgspec.json.decode(body, type=struct)
        assert msgspec.to_builtins(told).keys() == json.loads(body).keys()
        columns = told if struct is answers.TraceDetail else told.traces[0]
        assert columns.audit == answers.Audit(drawn=True, pi=0.1)


def test_posting_again_changes_nothing(api):
    client = api()
    post(client, SUPPORT)
    before = get(client, SUPPORT["id"]).content
    assert post(client, [SUPPORT, SUPPORT]).status_code == 200
    assert get(client, SUPPORT["id"]).content == before


def test_posting_merges_absent_fields_and_the_latest_content_decides(api):
    first = {"id": "t", "ended_at": "2026-08-06T10:00:00Z", "model": "old", "route": "refund"}
    second = {"id": "t", "ended_at": "2026-08-06T11:00:00Z", "model": "new", "user_id": "u"}
    found = []
    for name, order in (("t1", [first, second]), ("t2", [second, first])):
        client = api()
        for body in order:
            post(client, body | {"id": name})
        told = get(client, name).json()
        found.append((told["model"], told["route"], told["user_id"], told["ended_at"]))
    assert found == [("new", "refund", "u", "2026-08-06T11:00:00Z")] * 2


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (json.dumps([{"id": "a"}, {"id": "b"}]), "application/json"),
        (json.dumps({"traces": [{"id": "a"}, {"id": "b"}]}), "application/json; charset=utf-8"),
        ('{"id": "a"}\n{"id": "b"}\n', "application/x-ndjson"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_bulk_forms(api, content, content_type, zipped):
    client = api()
    body = gzip.compress(content.encode()) if zipped else content.encode()
    headers = {"Content-Encoding": "gzip"} if zipped else {}
    response = post(client, body, content_type=content_type, headers=headers)
    assert response.status_code == 200
    assert response.json()["accepted"] == 2
    assert get(client, "b").status_code == 200


def test_no_turn_of_a_posted_conversation_is_lost(api):
    client = api()
    turns = [("system", "Be kind."), ("user", "Hello?"), ("assistant", "Hi!"), ("user", "My order?")]
    said = [{"role": role, "content": text} for role, text in turns]
    post(client, {"id": "talk", "input": {"messages": said}, "output": "On its way."})
    told = get(client, "talk").json()
    assert (told["input"], told["output"]) == ("My order?", "On its way.")
    assert [(each["role"], each["text"]) for each in told["messages"]] == [
        *turns,
        ("assistant", "On its way."),
    ]


def test_a_bad_item_of_many_is_rejected_alone(api):
    client = api()
    response = post(client, [{"id": "good"}, {"id": 7}, {"id": "x", "spans": [{}]}])
    assert response.status_code == 207
    told = response.json()
    assert (told["accepted"], [each["index"] for each in told["rejected"]]) == (1, [1, 2])
    assert "id" in told["rejected"][0]["error"]
    assert "spans[0].started_at" in told["rejected"][1]["error"]
    assert get(client, "good").status_code == 200
    assert get(client, "x").status_code == 404


def test_only_bad_items_are_400_and_a_bad_object_is_422(api):
    client = api()
    bulk = post(client, [{"id": 7}])
    assert (bulk.status_code, bulk.json()["errors"][0]["field"]) == (400, "id")
    counted = {name: bulk.json()[name] for name in ("accepted", "pending", "rejected")}
    error = "id: Expected `str | null`, got `int`"
    assert counted == {"accepted": 0, "pending": 0, "rejected": [{"index": 0, "error": error}]}
    one = post(client, {"id": "t", "tokens": {"input": -1}})
    assert (one.status_code, one.json()["errors"]) == (
        422,
        [{"field": "tokens.input", "error": "Expected `int` >= 0"}],
    )
    for response in (bulk, one, post(client, b"{"), post(client, b"{}", content_type="text/csv")):
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["status"] == response.status_code
    assert not Trace.objects.exists()


def test_more_spans_than_a_batch_may_hold(api):
    spans = [{"span_id": str(index), "started_at": 1786008600} for index in range(5_001)]
    response = post(api(), [{"id": "a", "spans": spans}, {"id": "b", "spans": spans}])
    assert response.status_code == 413
    assert not Span.objects.exists()


@pytest.mark.parametrize("path", ["nothing", "a%00b", "%2e%2e", "a" * 3000, "x%ff", "a//b", "traces/"])
def test_unknown_traces_are_404(api, path):
    response = api().get(f"{URL}/{path}")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


def test_list_pages_to_its_end(api):
    client = api()
    post(client, [{"id": f"t{index}", "started_at": 1786008600 + index} for index in range(7)])
    seen, query = [], "limit=3"
    while query:
        told = client.get(f"{URL}?{query}").json()
        seen.append([trace["trace_id"] for trace in told["traces"]])
        query = told["next"] and f"limit=3&cursor={told['next']}"
    assert seen == [["t6", "t5", "t4"], ["t3", "t2", "t1"], ["t0"]]
    oldest = client.get(f"{URL}?order=oldest&limit=2").json()
    assert [trace["trace_id"] for trace in oldest["traces"]] == ["t0", "t1"]


def test_list_filters_what_has_only_just_come(api):
    client = api()
    post(client, [SUPPORT, {"id": "other", "model": "m2", "input": "x" * 1000}])
    by_model = client.get(
        f"{URL}?model=gpt-x-2026-08-06&feedback=thumbs_down&score=faithfulness:0:0.5"
    ).json()
    assert [trace["trace_id"] for trace in by_model["traces"]] == [SUPPORT["id"]]
    assert by_model["traces"][0]["scores"] == [{"name": "faithfulness", "value": 0.25, "label": "fail"}]
    assert by_model["traces"][0]["feedback"] == [{"kind": "thumbs", "value": "down"}]
    searched = client.get(f"{URL}?q=order").json()
    assert [trace["trace_id"] for trace in searched["traces"]] == [SUPPORT["id"]]
    cut = client.get(f"{URL}?model=m2").json()["traces"][0]
    assert cut["input"] == "x" * 300


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("colour=red", "colour"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=٣", "limit"),
        ("order=random", "order"),
        ("cursor=abc", "cursor"),
        ("from=never", "from"),
        ("project_id=1", "project_id"),
    ],
)
def test_parameters_that_cannot_be_read(api, query, field):
    response = api().get(f"{URL}?{query}")
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_list_takes_the_same_queries_for_any_page(api, django_assert_max_num_queries, project):
    client = api()
    post(client, [SUPPORT | {"id": f"t{index}"} for index in range(40)])
    client.get(URL)
    counts = []
    for limit in (1, 40):
        with django_assert_max_num_queries(7) as queries:
            client.get(f"{URL}?limit={limit}&model={SUPPORT['model']}")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_detail_takes_few_queries(api, django_assert_max_num_queries):
    client = api()
    post(client, SUPPORT)
    get(client, SUPPORT["id"])
    with django_assert_max_num_queries(12):
        get(client, SUPPORT["id"])


def test_methods(api):
    client = api()
    post(client, {"id": "t"})
    head = client.head(f"{URL}/t")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(client.get(f"{URL}/t").content)
    options = client.options(URL)
    assert (options.status_code, options.headers["Allow"]) == (204, "GET, HEAD, POST, OPTIONS")
    for method, path, allowed in [
        ("delete", URL, "GET, HEAD, POST"),
        ("put", f"{URL}/t", "GET, HEAD"),
        ("get", "/api/v1/scores", "POST"),
        ("post", "/api/v1/openapi.json", "GET, HEAD"),
    ]:
        response = getattr(client, method)(path)
        assert (response.status_code, response.headers["Allow"]) == (405, allowed)
        assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/", "/api/v2/traces", "/api/v1/traces/", "/v1/", "/v1/traces/x"]
)
def test_unknown_addresses_are_problems(api, path):
    response = api().get(path)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


def test_scopes(api, client):
    read, ingest, feedback = api(Scope.TRACES_READ), api(Scope.INGEST), api(Scope.FEEDBACK)
    assert post(read, {"id": "t"}).status_code == 403
    assert post(feedback, {"id": "t"}).status_code == 403
    assert ingest.get(URL).status_code == 403
    assert post(client, {"id": "t"}).status_code == 401
    assert client.get(URL).headers["WWW-Authenticate"].startswith("Bearer")
    assert read.get(URL).status_code == 200


def test_a_token_in_the_address_is_refused(project, client):
    text = tokens.issue(project, "t", [Scope.ADMIN]).text
    assert client.get(f"{URL}?token={text}").status_code == 400


def test_times_are_told_in_utc(api):
    client = api()
    post(client, {"id": "t", "started_at": "2026-08-06T11:30:00.123456+02:00"})
    told = get(client, "t").json()["started_at"]
    assert told == "2026-08-06T09:30:00.123456Z"
    assert datetime.fromisoformat(told)


def test_what_was_changed_to_fit_is_flagged(api):
    client = api()
    post(client, {"id": "t", "input": "a\0b", "output": "x" * 300_000})
    told = get(client, "t").json()
    assert told["input"] == "a\ufffdb"
    assert told["flags"] == ["cut", "sanitised"]


def test_a_trace_id_with_a_line_end_is_read_back(api):
    client = api()
    assert client.post("/api/v1/traces", {"id": "a\nb", "input": "hi"}, "application/json").status_code == 200
    assert client.get("/api/v1/traces/a%0Ab").json()["trace_id"] == "a\nb"


@pytest.mark.django_db
def test_an_id_of_opentelemetry_is_found_in_capitals_but_its_own_spelling_comes_first(api):
    client = api(Scope.INGEST, Scope.TRACES_READ)
    lower, capitals = "4bf92f3577b34da6a3ce929d0e0e4736", "4BF92F3577B34DA6A3CE929D0E0E4736"
    assert post(client, {"id": lower, "output": "small"}).status_code == 200
    assert get(client, capitals).json()["trace_id"] == lower
    assert post(client, {"id": capitals, "output": "great"}).status_code == 200
    assert [get(client, name).json()["output"] for name in (lower, capitals)] == ["small", "great"]
    assert post(client, {"id": "order-a", "output": "x"}).status_code == 200
    assert get(client, "ORDER-A").status_code == 404
