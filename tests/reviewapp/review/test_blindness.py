"""Before one's own submit no page or answer holds what judges, users and peers said of the trace."""

import json

import pytest

from ingest.models import AuditDraw, Feedback, Scope, Score, Span
from ingest.routing.models import Route
from reviewapp.review import labels, leases, telling
from reviewapp.review.actors import Actor
from tests.reviewapp.review.making import PASS, START, filled, make_queue

pytestmark = pytest.mark.django_db
CANARY = "canary-7f3a"


def statement(trace, key):
    return {
        "project": trace.project, "key": key, "trace": trace, "target_kind": "trace",
        "target_key": trace.trace_id, "sha256": b"1" * 32,
    }  # fmt: skip


@pytest.fixture
def item(project):
    queue = make_queue(project)
    (item,) = filled(queue, 1)
    trace = item.trace
    Score.objects.create(
        name=CANARY, value=0.1, explanation=CANARY, evaluator={"name": CANARY}, timestamp=START,
        **statement(trace, "s"),
    )  # fmt: skip
    Feedback.objects.create(
        kind="thumbs", value="down", number=0.0, comment=CANARY, occurred_at=START, **statement(trace, "f")
    )
    Route.objects.create(
        trace=trace, queue="review", priority=0.7, terms={"by": CANARY},
        reasons=[{"code": "score_below", "detail": CANARY, "rule": CANARY}],
    )  # fmt: skip
    AuditDraw.objects.create(trace=trace, u=0.5, stratum=CANARY, audit=1.0, judge=0.1)
    Span.objects.create(
        trace=trace, span_id="root", parent_id="", name="chat", kind=1, start_ns=1, end_ns=2, status="ok",
        error="", scope="", response_id="", attributes={}, resource={}, sha256=b"2" * 32,
        events=[{"name": "gen_ai.evaluation.result", "time": START.isoformat(), "attributes": {"x": CANARY}}],
    )  # fmt: skip
    return item


def addresses(project, item):
    base, name = f"/projects/{project.slug}", item.trace.trace_id
    return [
        f"{base}/traces", f"{base}/traces?trace_id={name}", f"{base}/traces?score={CANARY}",
        f"{base}/traces/{name}", f"{base}/traces/{name}?text=raw", f"{base}/trace-json/{name}",
        f"{base}/trace-span/{name}?span=root", f"{base}/trace-volume", f"{base}/queues",
    ]  # fmt: skip


def told(response):
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return body.decode() + json.dumps(dict(response.headers))


def test_a_reviewer_sees_nothing_of_it_before_the_submit_and_all_after(project, reviewer, item):
    for address in addresses(project, item):
        response = reviewer.client.get(address)
        assert response.status_code == 200, address
        # What one asks for oneself stands in the search field.
        assert CANARY not in told(response) or f"score={CANARY}" in address, address
    lease = leases.claim(item.queue, reviewer.user)
    labels.submit(lease.item, Actor(reviewer.user), lease.token, PASS)
    page = reviewer.client.get(f"/projects/{project.slug}/traces/{item.trace.trace_id}")
    assert CANARY in told(page)


def test_a_filter_by_scores_does_not_find_what_is_judged_blind(project, reviewer, lead, item):
    address = f"/projects/{project.slug}/traces?score={CANARY}:0:0.5"
    found = f"/traces/{item.trace.trace_id}?"
    assert found not in told(reviewer.client.get(address))
    assert found in told(lead.client.get(address))


def test_a_lead_sees_all_but_what_the_lead_holds(project, lead, item):
    address = f"/projects/{project.slug}/traces/{item.trace.trace_id}"
    assert CANARY in told(lead.client.get(address))
    lease = leases.claim(item.queue, lead.user)
    assert CANARY not in told(lead.client.get(address))
    leases.release(lease.item, lead.user, lease.token)
    assert CANARY in told(lead.client.get(address))


@pytest.mark.parametrize("address", ["/api/v1/traces", "/api/v1/traces/{name}"])
def test_a_token_that_holds_it_is_told_nothing_of_it(api, item, address):
    client = api(Scope.LABELS_WRITE, Scope.TRACES_READ)
    address = address.format(name=item.trace.trace_id)
    assert CANARY in told(client.get(address))
    claimed = client.post("/api/v1/queues/review/claim", content_type="application/json").json()
    assert CANARY not in json.dumps(claimed)
    assert CANARY not in told(client.get(address))
    client.post(
        f"/api/v1/items/{claimed['item']['id']}/label",
        {"lease_token": claimed["lease"]["token"], "verdict": "fail"},
        content_type="application/json",
    )
    assert CANARY in told(client.get(address))


def test_an_open_queue_hides_nothing(project, reviewer, item):
    item.queue.blind = False
    item.queue.save()
    page = reviewer.client.get(f"/projects/{project.slug}/traces/{item.trace.trace_id}")
    assert CANARY in told(page)


def test_a_peers_note_is_not_in_the_answer_of_a_claim(project, rita, paul):
    queue = make_queue(project, "two", overlap=2)
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    labels.submit(lease.item, Actor(rita), lease.token, labels.Answer(verdict="fail", note=CANARY))
    theirs = telling.claimed(leases.claim(queue, paul))
    assert CANARY not in repr(theirs)
