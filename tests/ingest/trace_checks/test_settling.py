"""A trace is checked once, when it settles: from whatever has come till then, in whatever order."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ingest import settling, tasks
from ingest.models import Scope, Score, Trace

START = "2026-08-06T12:00:00Z"
BODIES = (
    {"id": "t", "started_at": START, "input": "Where is my order?", "ended_at": "2026-08-06T12:00:02Z"},
    {"id": "t", "started_at": START, "output": "I'm sorry, but I can't help with that."},
    {"id": "t", "started_at": START, "latency_ms": 45_000, "cost_usd": 0.01},
)


def send(api, *bodies):
    for body in bodies:
        answer = api(Scope.INGEST).post("/api/v1/traces", body, content_type="application/json")
        assert answer.status_code == 200, answer.content


def settle():
    past = timezone.now() - timedelta(hours=1)
    Trace.objects.update(first_seen=past, last_seen=past)
    tasks.read_stale(timedelta(0))
    return settling.settle_some()


def checked():
    rows = Score.objects.filter(name__startswith="check.").order_by("key")
    return list(rows.values("key", "value", "label", "explanation", "timestamp", "sha256", "metadata"))


@pytest.mark.django_db
def test_any_order_gives_the_same_scores(api):
    found = []
    for bodies in (BODIES, BODIES[::-1], (*BODIES, *BODIES)):
        send(api, *bodies)
        assert settle() == 1
        found.append([{**row, "sha256": bytes(row["sha256"])} for row in checked()])
        Trace.objects.all().delete()
    assert found[0] == found[1] == found[2]
    failing = [row["key"] for row in found[0] if row["value"] == 0]
    assert failing == ["touchstone:check:refusal:t", "touchstone:check:slow:t"]


@pytest.mark.django_db
def test_what_comes_later_flags_the_trace_and_changes_no_check(api):
    send(api, *BODIES)
    settle()
    before = checked()
    send(api, {"id": "t", "started_at": START, "status": "error", "error": "late news", "latency_ms": 1})
    assert settle() == 0
    assert checked() == before
    assert "late" in Trace.objects.get().flags
