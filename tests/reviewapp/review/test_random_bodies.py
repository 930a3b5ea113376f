"""Odd values in every field of every review operation, on items that exist: no 5xx, counters stay right."""

import json
import random

import pytest

from ingest.models import Scope
from reviewapp.review.models import ReviewItem
from tests.reviewapp.review.making import assert_sound, filled, make_queue

pytestmark = pytest.mark.django_db

ODD = [
    None, True, 0, -1, 2**31, 2**63, 10**30, 1.5, -0.0, 1e308, "", "x", "\x00", "\ud800", "pass", "fail",
    "a" * 70_000, "🦦" * 300, [], [[]], [None], ["tone", "tone"], {}, {"": ""}, {"tone": 3}, {"tone": [1]},
    {"verdict": "pass"}, "2026-01-01", "00000000-0000-0000-0000-000000000000", "rosa", "tokens",
]  # fmt: skip
FIELDS = {
    "claim": ["as_reviewer", "item"],
    "label": ["lease_token", "idempotency_key", "rubric_version", "verdict", "preference", "confidence",
              "answers", "failure_modes", "note", "corrected_output", "as_reviewer"],
    "skip": ["lease_token", "reason", "as_reviewer"],
    "release": ["lease_token", "as_reviewer"],
    "heartbeat": ["lease_token", "as_reviewer"],
    "undo": ["as_reviewer"],
    "items": ["trace_ids", "pairs"],
    "queues": ["slug", "name", "kind", "overlap", "lease_seconds", "blind", "paused", "rules", "audit_every",
               "assignment", "assignees", "due_days", "rubric", "rubric_version", "archived"],
    "versions": ["name", "guidelines", "criteria", "failure_modes", "changelog", "new_meaning"],
}  # fmt: skip


@pytest.mark.parametrize("operation", FIELDS)
def test_no_value_in_any_field_breaks_an_operation(project, api, rita, operation):
    chance = random.Random(operation)
    queue = make_queue(project, overlap=2)
    made = filled(queue, 6)
    client = api(Scope.ADMIN, Scope.IMPERSONATE)
    lease = None
    for _ in range(60):
        if lease is None or chance.random() < 0.2:
            told = client.post("/api/v1/queues/review/claim", {}, content_type="application/json")
            lease = told.json() if told.status_code == 200 else lease
        body = {name: chance.choice(ODD) for name in FIELDS[operation] if chance.random() < 0.6}
        if lease and "lease_token" in FIELDS[operation] and chance.random() < 0.6:
            body["lease_token"] = lease["lease"]["token"]
        item = lease["item"]["id"] if lease and chance.random() < 0.7 else made[0].pk
        address = {
            "claim": "queues/review/claim", "items": "queues/review/items", "queues": "queues",
            "versions": "rubrics/answer-quality/versions",
        }.get(operation, f"items/{item}/{operation}")  # fmt: skip
        send = client.patch if operation == "queues" and chance.random() < 0.5 else client.post
        address += "/review" if send == client.patch else ""
        answer = send(f"/api/v1/{address}", json.dumps(body), content_type="application/json")
        assert answer.status_code < 500, (address, body, answer.content[:300])
    assert_sound(project)
    assert ReviewItem.objects.filter(queue=queue).count() >= 6
