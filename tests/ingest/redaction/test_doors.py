"""No seeded secret is stored, logged or shown, through whatever door it came; ids, numbers and times stay."""

import json
import logging
import re

import pytest
from django.db import connection

from ingest.models import Feedback, RedactionCount, Scope, Score, Span, Superseded, Trace
from ingest.redaction import policies
from ingest.redaction.policy import Kind, Policy, own_patterns
from tests.ingest import otlp
from tests.ingest.redaction.labelled import AWS, JWT, OPENAI, OURS, PEM

pytestmark = pytest.mark.django_db

SEEDS = {
    "email": "ada.lovelace@seeded.example",
    "phone": "+49 170 1234567",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
    "ip": "203.0.113.77",
    "secret": OPENAI,
    "customer": "KD-654321",
}
MORE = [AWS, JWT, OURS, PEM, "hunter2-seeded"]
ALL = " ; ".join([*SEEDS.values(), AWS, JWT, OURS]) + f' "password": "hunter2-seeded" ; {PEM}'
NESTED = json.dumps({"inner": json.dumps({"text": f"line\n{ALL}\nline", SEEDS["email"]: 1})})
# A part of each is enough to find it again, however it was escaped.
NEEDLES = ["lovelace@seeded", "1234567", "1111 1111", "0532 0130", "203.0.113.77", OPENAI[-20:], "654321"]
NEEDLES += [AWS[-10:], JWT[-20:], OURS[-20:], "MIIE", "hunter2-seeded"]


@pytest.fixture
def policy(project):
    policies.save(
        project,
        Policy(kinds=frozenset(Kind), regions=("DE",), patterns=own_patterns([("customer", r"KD-\d{6}")])),
    )


def send(client, path, body, content_type="application/json"):
    data = body if isinstance(body, bytes) else json.dumps(body)
    response = client.post(path, data, content_type=content_type)
    assert response.status_code in (200, 202, 207), response.content
    return response


def send_everything(client):
    """Through every door and field that holds text."""
    evaluation = {
        "gen_ai.evaluation.name": "tone",
        "gen_ai.evaluation.score.value": 0.5,
        "gen_ai.evaluation.explanation": ALL,
        "note": NESTED,
    }
    attributes = {
        "gen_ai.input.messages": NESTED,
        "list": [ALL, [ALL]],
        "map": {"deep": {"deeper": ALL, ALL[:27]: "x"}},
        "user.id": SEEDS["email"],
        "http.request.header.authorization": ["Bearer " + OURS],
        "gen_ai.operation.name": "chat",
    }
    span = otlp.Span(
        name=f"GET /{SEEDS['email']}",
        message=ALL,
        status=2,
        attributes=attributes,
        events=[
            ("exception", otlp.START, {"exception.message": ALL, "exception.stacktrace": NESTED}),
            ("gen_ai.evaluation.result", otlp.START, evaluation),
        ],
    )
    resource = {"service.name": "shop", "host.ip": [SEEDS["ip"]], "owner": ALL}
    send(client, "/v1/traces", otlp.traces_body([span], resource), "application/x-protobuf")
    other = otlp.Span(trace_id="bb" * 16, attributes=attributes, message=ALL, events=span.events)
    send(client, "/v1/traces", otlp.traces_json([other], resource, f"library of {SEEDS['email']}"))
    logs = [
        otlp.Log(name=f"said to {SEEDS['email']}", body={"content": ALL}, attributes={"x": NESTED}),
        otlp.Log(name="gen_ai.evaluation.result", attributes=evaluation),
    ]
    send(client, "/v1/logs", otlp.logs_body(logs), "application/x-protobuf")
    send(client, "/api/v1/traces", NATIVE)
    send(client, "/api/v1/traces", NATIVE | {"output": "another " + ALL, "id": "n"})
    # Without ids of their own, and of nothing that is here.
    send(client, "/api/v1/traces", {"input": ALL})
    send(client, "/api/v1/scores", {"scores": [SCORE, SCORE | {"explanation": "other " + ALL, "id": "s"}]})
    send(client, "/api/v1/scores", SCORE | {"target": {"trace_id": "never"}})
    send(client, "/api/v1/feedback", [FEEDBACK, FEEDBACK | {"comment": "other " + ALL, "id": "f"}])


SCORE = {
    "id": "s",
    "target": {"trace_id": "n"},
    "name": "tone",
    "value": 0.5,
    "label": SEEDS["email"],
    "explanation": ALL,
    "evaluator": {"name": SEEDS["email"], "version": ALL},
    "error_type": ALL,
    "metadata": {"raw": NESTED, "list": [ALL]},
    "unknown": ALL,
}
FEEDBACK = {
    "id": "f",
    "target": {"trace_id": "n"},
    "kind": "comment",
    "dimension": SEEDS["email"],
    "value": ALL,
    "comment": ALL,
    "user": SEEDS["email"],
    "session": SEEDS["phone"],
    "payload": {"edited_output": ALL, "raw": NESTED},
    "unknown": {"a": [ALL]},
}
NATIVE = {
    "id": "n",
    "started_at": "2026-09-01T12:00:00Z",
    "name": ALL,
    "input": ALL,
    "output": {"messages": [{"role": "assistant", "content": ALL}, {"role": "tool", "content": NESTED}]},
    "context": [{"id": "d", "text": ALL, "title": ALL}],
    "user_id": SEEDS["email"],
    "session_id": SEEDS["email"],
    "route": SEEDS["email"],
    "error": ALL,
    "tags": {"mail": SEEDS["email"], SEEDS["email"]: "x", "zendesk": SEEDS["customer"]},
    "something_else": {"deep": [NESTED]},
    # Ids of spans, and times, in the place of which something else was written.
    "span_id": SEEDS["email"],
    "response_id": ALL,
    "timestamp": ALL,
    "time": SEEDS["phone"],
    "signature": ALL,
    "spans": [
        {
            "id": "sp",
            "name": ALL,
            "op": "execute_tool",
            "input": {"arguments": ALL},
            "output": NESTED,
            "error": ALL,
            "attributes": {"x": ALL},
            "events": [{"name": "exception", "attributes": {"exception.message": ALL}}],
        }
    ],
    "scores": [{"name": "nested", "value": 1, "explanation": ALL}],
    "feedback": [{"kind": "comment", "comment": ALL, "user": SEEDS["email"]}],
}


def dump():
    """Every text and JSON column of every table of the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND (data_type IN ('text', 'character varying', 'jsonb', 'json', 'ARRAY', 'tsvector', 'bytea'))"
        )
        columns = cursor.fetchall()
        assert len(columns) > 100
        for table, column in columns:
            cursor.execute(f'SELECT "{column}"::text FROM "{table}" WHERE "{column}" IS NOT NULL')
            for (value,) in cursor.fetchall():
                yield f"{table}.{column}", value


# Settings hold what they are told to look for.
SETTINGS = re.compile(r"redactionpolicy")


def test_no_seed_is_in_any_table_log_or_page(project, policy, api, lead, caplog):
    caplog.set_level(logging.DEBUG)
    client = api(Scope.INGEST, Scope.TRACES_READ)
    send_everything(client)
    send_everything(client)
    for trace in Trace.objects.all():
        told = client.get(f"/api/v1/traces/{trace.trace_id}").content.decode()
        page = lead.client.get(f"/projects/refunds/traces/{trace.trace_id}").content.decode()
        for needle in NEEDLES:
            assert needle not in told and needle not in page, needle
    lost = [(where, needle) for where, value in dump() for needle in NEEDLES if needle in value]
    assert [found for found in lost if not SETTINGS.search(found[0])] == []
    assert [needle for needle in NEEDLES if needle in caplog.text] == []
    assert Superseded.objects.exists() and Span.objects.count() == 3
    assert Score.objects.count() >= 4 and Feedback.objects.count() == 2
    assert Trace.objects.get(trace_id="n").input.count("[EMAIL:") == 1


def test_the_checker_finds_what_is_stored(project, api):
    """The same without a policy: else the test above could not fail."""
    policies.save(project, Policy(kinds=frozenset()))
    send_everything(api())
    stored = " ".join(value for _, value in dump())
    assert [needle for needle in NEEDLES if needle not in stored] == []


def test_the_same_twice_is_one(project, policy, api):
    client = api()
    send_everything(client)
    before = [model.objects.count() for model in (Trace, Span, Score, Feedback, Superseded)]
    send_everything(client)
    assert before == [model.objects.count() for model in (Trace, Span, Score, Feedback, Superseded)]


def test_equal_people_stay_equal_and_findable(project, policy, api):
    client = api()
    for name, mail in (("a", "Ada@seeded.example"), ("b", "ada@seeded.example"), ("c", "bob@seeded.example")):
        send(client, "/api/v1/traces", {"id": name, "user_id": mail, "input": "x"})
    users = dict(Trace.objects.order_by("trace_id").values_list("trace_id", "user_id"))
    if not any(users.values()):
        users = {each: client.get(f"/api/v1/traces/{each}").json()["user_id"] for each in "abc"}
    assert users["a"] == users["b"] != users["c"]
    found = client.get("/api/v1/traces", {"user_id": users["a"]}).json()["traces"]
    assert sorted(trace["trace_id"] for trace in found) == ["a", "b"]


def test_a_masked_tag_is_found_by_the_foreign_id_it_was(project, policy, api):
    client = api()
    send(client, "/api/v1/traces", {"id": "t", "input": "x", "tags": {"crm": SEEDS["customer"]}})
    client.get("/api/v1/traces/t")
    target = {"external": {"system": "crm", "id": SEEDS["customer"]}}
    answer = send(client, "/api/v1/scores", {"target": target, "name": "n", "value": 1})
    assert answer.json()["pending"] == 0


def test_counters_say_how_much_and_belong_to_one_project(project, policy, other_project, api):
    client = api()
    send(client, "/api/v1/traces", {"id": "t", "input": f"{SEEDS['email']} {SEEDS['email']} {SEEDS['ip']}"})
    score = {"target": {"trace_id": "t"}, "name": "n", "value": 1, "explanation": SEEDS["email"]}
    send(client, "/api/v1/scores", score)
    counted = RedactionCount.objects.filter(project=project)
    totals = {kind: sum(row.count for row in counted if row.kind == kind) for kind in ("email", "ip")}
    assert totals == {"email": 3, "ip": 1}
    assert not RedactionCount.objects.filter(project=other_project).exists()


def test_what_was_refused_is_not_counted(project, policy, api):
    api().post("/api/v1/scores", json.dumps({"name": SEEDS["email"]}), content_type="application/json")
    assert not RedactionCount.objects.exists()


def test_the_default_masks_secrets_and_money_only(project, api):
    send(api(), "/api/v1/traces", {"id": "t", "input": ALL})
    text = api().get("/api/v1/traces/t").json()["input"]
    assert OPENAI not in text and "4111" not in text and "DE89" not in text
    assert SEEDS["email"] in text and SEEDS["phone"] in text and SEEDS["ip"] in text


def test_a_new_policy_counts_at_once_here_and_soon_elsewhere(project, api, monkeypatch):
    policies.redactor_of(project)
    policies.save(project, Policy(kinds=frozenset({"email"})))
    assert policies.redactor_of(project).policy.kinds == {"email"}
    # Another process has changed it: seen when the kept one is too old.
    policies.RedactionPolicy.objects.update(kinds=["ip"])
    assert policies.redactor_of(project).policy.kinds == {"email"}
    now = policies.time.monotonic() + policies.CACHE_SECONDS
    monkeypatch.setattr(policies.time, "monotonic", lambda: now)
    assert policies.redactor_of(project).policy.kinds == {"ip"}


def test_a_kept_redactor_asks_nothing(project, django_assert_num_queries):
    policies.redactor_of(project)
    with django_assert_num_queries(0):
        policies.redactor_of(project)


def broken(text):
    raise ValueError(text)


def test_what_a_hook_could_not_look_at_is_not_stored(project, api, settings, caplog):
    settings.REDACTION_HOOKS = [f"{__name__}.broken"]
    policies._made.clear()
    for path, body, kind in (
        ("/api/v1/traces", json.dumps({"id": "t", "input": "Ada"}), "application/json"),
        ("/v1/traces", otlp.traces_body([otlp.Span(attributes={"x": "Ada"})]), "application/x-protobuf"),
    ):
        response = api().post(path, body, content_type=kind)
        assert response.status_code == 503 and response["Retry-After"] == "5"
    assert not Trace.objects.exists()
    assert "Ada" not in caplog.text and "ValueError" in caplog.text
    policies._made.clear()
