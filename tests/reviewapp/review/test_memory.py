"""What a process remembers of token, queue and item between requests: it saves a look, and allows nothing."""

import gzip
import io
import json
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache

import pytest
from django.core.signals import request_finished, request_started
from django.db import OperationalError, close_old_connections, connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ingest import tokens
from ingest.api import api
from ingest.models import ApiToken, Scope
from reviewapp.models import User
from reviewapp.review import items, labels, leases, snapshots
from reviewapp.review.actors import Actor
from reviewapp.review.api import at_once, memory
from reviewapp.review.api import items as operations
from reviewapp.review.models import (
    AssignedTo,
    Assignee,
    Assignment,
    Draft,
    ItemState,
    Label,
    Queue,
    ReviewItem,
    Seat,
)
from reviewapp.serving.api_handler import ApiHandler
from tests.reviewapp.review.making import PASS, filled, late_span, make_queue, make_traces

pytestmark = pytest.mark.django_db
JSON = "application/json"


@cache
def handler():
    """What answers the API on the server."""
    return ApiHandler(at_once.answer)


@dataclass
class Answer:
    status_code: int
    headers: dict[str, str]
    content: bytes

    def json(self):
        return json.loads(self.content)


class Robot:
    """One that reviews with a token of its own."""

    def __init__(self, project, *scopes):
        self.issued = tokens.issue(project, "robot", scopes or [Scope.LABELS_WRITE])
        self.text = self.issued.text

    def post(self, address, **body):
        return self.send(address, json.dumps(body).encode())

    def environ(self, address, content, **changed):
        """As the body's reader (reviewapp.wsgi) hands it on."""
        return {
            **RequestFactory().post(f"/api/v1/{address}", content, JSON).environ,
            "wsgi.input": io.BytesIO(content),
            "HTTP_HOST": "testserver",
            "HTTP_AUTHORIZATION": f"Bearer {self.text}",
            **changed,
        }

    def send(self, address, content, **changed):
        environ, head = self.environ(address, content, **changed), []
        told = b"".join(handler()(environ, lambda status, headers: head.append((status, headers))))
        ((status, headers),) = head
        assert len(dict(headers)) == len(headers), "a header is said twice"
        return Answer(int(status.split()[0]), dict(headers), told)

    def claim(self, **body):
        return self.post("queues/review/claim", **body)

    def label(self, claimed, **body):
        said = {"lease_token": claimed["lease"]["token"], "verdict": "pass", **body}
        return self.post(f"items/{claimed['item']['id']}/label", **said)

    def change(self, **columns):
        ApiToken.objects.filter(pk=self.issued.token.pk).update(**columns)


@pytest.fixture(autouse=True)
def its_connection():
    """Requests on the server leave theirs to the turns that they take (serving.admission)."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def robot(queue):
    """It has just labelled an item, holds the next, and its process remembers both."""
    memory._kept.clear()
    filled(queue, 8)
    snapshots.prepare()
    found = Robot(queue.project)
    for _ in range(2):
        assert found.label(found.claim().json()).status_code == 201
    found.held = found.claim().json()
    return found


def looked_up(act):
    """What `act` returns, and whether it asked for the token in a statement of its own."""
    with CaptureQueriesContext(connection) as seen:
        result = act()
    return result, any("token.public_id = " in query["sql"] for query in seen)


def test_a_claim_and_its_label_take_one_statement_each(robot, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert robot.label(robot.held).status_code == 201
    with django_assert_num_queries(1):
        held = robot.claim()
    assert held.status_code == 200
    with django_assert_num_queries(2):
        onward = robot.label(held.json(), next=True)
    assert onward.status_code == 201
    with django_assert_num_queries(1):
        assert robot.label(onward.json()["next"]).status_code == 201


def test_what_is_remembered_is_told_as_what_is_looked_up(robot):
    remembered, was_looked_up = looked_up(lambda: robot.label(robot.held, note="seen"))
    assert not was_looked_up
    held = robot.claim().json()
    memory._kept.clear()
    anew, was_looked_up = looked_up(lambda: robot.label(held, note="seen"))
    assert was_looked_up
    varying = ("id", "item_id", "trace_id", "seconds", "created_at", "snapshot", "u")
    told = [{k: v for k, v in r.json()["label"].items() if k not in varying} for r in (remembered, anew)]
    assert told[0] == told[1]
    lengths = [answer.headers.pop("Content-Length") for answer in (remembered, anew)]
    assert lengths == [str(len(answer.content)) for answer in (remembered, anew)]
    assert remembered.headers == anew.headers and "Content-Security-Policy" in anew.headers
    first = remembered.json()["label"]
    item = ReviewItem.objects.select_related("trace", "snapshot").get(pk=first["item_id"])
    assert first["trace_id"] == item.trace.trace_id == robot.held["item"]["trace_id"]
    assert first["snapshot"] == bytes(item.snapshot.sha256).hex()


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        ({"revoked_at": timezone.now()}, 401),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, 401),
        ({"scopes": [Scope.LABELS_READ]}, 403),
        ({"secret_sha256": tokens.digest("another")}, 401),
    ],
)
def test_a_token_that_was_changed_counts_as_it_is_now(robot, columns, status):
    robot.change(**columns)
    assert robot.claim().status_code == status
    assert robot.label(robot.held).status_code == status
    assert robot.label(robot.held, verdict="nonsense").status_code == status
    assert robot.label(robot.held, lease_token="nonsense").status_code == status
    assert robot.claim(item=robot.held["item"]["id"]).status_code == status
    assert Label.objects.count() == 2 and Assignment.objects.count() == 3


def test_a_token_whose_time_runs_out_is_refused_though_nobody_has_written_it(robot):
    with connection.cursor() as cursor:
        # Ends between two requests: the row is that of the look-up, and stays as it is.
        cursor.execute("UPDATE ingest_apitoken SET expires_at = now() + interval '1 hour'")
    assert robot.label(robot.held).status_code == 201
    held = robot.claim().json()
    _, was_looked_up = looked_up(robot.claim)
    assert not was_looked_up
    with pytest.MonkeyPatch.context() as patch:
        # Statements of its own, which go with it.
        patch.setattr(leases, "taking", leases.taking.__wrapped__)
        patch.setattr(leases, "simply_taking", leases.simply_taking.__wrapped__)
        patch.setattr(labels, "handing_in", labels.handing_in.__wrapped__)
        late = leases.standing.DOOR_STANDS.replace("> now()", "> now() + interval '2 hours'")
        patch.setattr(leases.standing, "DOOR_STANDS", late)
        _, claim_looked_up = looked_up(robot.claim)
        _, label_looked_up = looked_up(lambda: robot.label(held))
    assert claim_looked_up and label_looked_up


def test_the_secret_is_compared_each_time(robot):
    public_id, end = robot.issued.token.public_id, robot.issued.text[-1]
    guess = robot.issued.text[:-1] + ("0" if end != "0" else "1")
    robot.text = guess
    assert public_id in guess
    assert robot.claim().status_code == robot.label(robot.held).status_code == 401


def test_another_token_finds_nothing_of_it(robot, queue, other_project):
    stranger, other = Robot(other_project), Robot(queue.project, Scope.LABELS_READ)
    assert stranger.claim().status_code == stranger.label(robot.held).status_code == 404
    assert other.claim().status_code == other.label(robot.held).status_code == 403
    beside = Robot(queue.project)
    assert beside.label(robot.held).status_code == 409
    assert robot.label(robot.held).status_code == 201


@pytest.mark.parametrize("setting", [{"paused": True}, {"archived_at": timezone.now()}])
def test_a_queue_that_hands_out_nothing_any_more(robot, queue, setting):
    Queue.objects.filter(pk=queue.pk).update(**setting)
    assert robot.claim().status_code == 204
    assert robot.label(robot.held).status_code == 201


def test_a_queue_for_named_reviewers(robot, queue):
    Queue.objects.filter(pk=queue.pk).update(assignment=AssignedTo.NAMED)
    assert not Assignee.objects.exists()
    assert robot.claim().status_code == 403


def test_a_queue_that_is_no_longer_blind(robot, queue):
    Queue.objects.filter(pk=queue.pk).update(blind=False)
    assert robot.label(robot.held).json()["label"]["blind"] is False


def test_an_item_that_two_are_to_label_now(robot):
    ReviewItem.objects.filter(pk=robot.held["item"]["id"]).update(required=2, open_slots=1)
    told = robot.label(robot.held).json()
    assert told["item"]["state"] == ItemState.OPEN
    assert not Label.objects.get(pk=told["label"]["id"]).assignment.item.resolution_id


def test_an_item_that_became_a_known_one_gets_no_resolution(robot):
    original = ReviewItem.objects.filter(state="resolved").first()
    ReviewItem.objects.filter(pk=robot.held["item"]["id"]).update(
        purpose="known", original=original, subject=original.subject, round=2
    )
    told = robot.label(robot.held).json()
    assert told["label"]["purpose"] == "known"
    assert ReviewItem.objects.get(pk=robot.held["item"]["id"]).resolution_id is None


def test_an_item_whose_trace_has_grown(robot):
    item = ReviewItem.objects.select_related("trace").get(pk=robot.held["item"]["id"])
    late_span(item.trace)
    assert robot.label(robot.held).status_code == 409
    again = robot.claim(item=item.pk).json()
    assert "another answer" in json.dumps(again["item"]["traces"])
    assert robot.label(again).status_code == 201


def test_an_item_that_was_labelled_and_taken_back(robot, queue):
    first = robot.label(robot.held)
    assert robot.label(robot.held).json()["label"]["id"] == first.json()["label"]["id"]
    again = robot.post(f"items/{robot.held['item']['id']}/undo").json()
    second = robot.label(again, verdict="fail")
    assert second.status_code == 201 and second.json()["label"]["revision"] > 1


def test_a_key_that_was_used_gives_the_first_label_again(robot):
    first = robot.label(robot.held, idempotency_key="k")
    held = robot.claim().json()
    assert robot.label(robot.held, idempotency_key="k").json() == first.json()
    assert robot.label(held, idempotency_key="k").status_code == 422
    assert robot.label(held, idempotency_key="l").status_code == 201


def test_answers_that_do_not_fit_are_told_and_nothing_is_lost(robot):
    refused = robot.label(robot.held, verdict="maybe")
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "verdict"
    assert robot.label(robot.held).status_code == 201


def test_an_end_of_the_queue_is_looked_for_once(robot):
    while (claimed := robot.claim()).status_code == 200:
        pass
    assert claimed.status_code == 204
    _, was_looked_up = looked_up(robot.claim)
    assert was_looked_up
    with CaptureQueriesContext(connection) as seen:
        assert robot.claim().status_code == 204
    assert sum("WITH picked" in query["sql"] for query in seen) == 4


def test_one_item_is_asked_for_by_its_number(robot):
    held, was_looked_up = looked_up(lambda: robot.claim(item=robot.held["item"]["id"]))
    assert was_looked_up and held.json()["lease"]["token"] == robot.held["lease"]["token"]


def test_the_use_of_a_token_is_still_written(robot):
    robot.change(last_used_at=timezone.now() - timedelta(hours=1))
    assert robot.claim().status_code == 200
    assert ApiToken.objects.get(pk=robot.issued.token.pk).last_used_at > timezone.now() - timedelta(minutes=1)


def test_audit_items_come_in_their_turn(robot, queue):
    waiting = ReviewItem.objects.filter(queue=queue, open_slots=1).order_by("-pk").first()
    ReviewItem.objects.filter(pk=waiting.pk).update(
        lane="audit", rank=None, audit_rank=1.0, u=0.5, day=timezone.now().date()
    )
    lanes = []
    for _ in range(4):
        claimed = robot.claim().json()
        lanes.append(ReviewItem.objects.get(pk=claimed["item"]["id"]).lane)
    assert lanes.count("audit") == 1


def test_a_pair_is_told_with_both_its_names(project):
    queue = make_queue(project, kind="pair")
    names = [trace.trace_id for trace in make_traces(project, 4)]
    items.enqueue_pairs(queue, [(names[0], names[1]), (names[2], names[3])])
    robot = Robot(project)
    for _ in range(2):
        claimed = robot.claim().json()
        said = {"lease_token": claimed["lease"]["token"], "preference": "a"}
        told = robot.post(f"items/{claimed['item']['id']}/label", **said).json()["label"]
        assert told["trace_id"] == claimed["item"]["trace_id"]
        assert told["other_trace_id"] == claimed["item"]["other_trace_id"] in names


def test_no_more_is_kept_than_that_and_no_texts(robot, monkeypatch):
    monkeypatch.setattr(memory, "MOST", 3)
    for _ in range(4):
        robot.claim()
    assert len(memory._kept) == 3
    kept = [recollection.item for recollection in memory._kept.values() if recollection.item]
    assert kept and all("bytes" not in item.snapshot.__dict__ for item in kept)


def test_only_claim_and_label_are_answered_from_memory():
    names = {"slug": "review", "pk": 7}
    answered = set()
    for _, router in api._routers:
        for path, view in router.path_operations.items():
            address = re.sub(r"{(?:\w+:)?(\w+)}", lambda place: str(names.get(place[1], "x")), path)
            if at_once.ADDRESS.fullmatch(f"/api/v1{address}"):
                answered |= {operation.view_func for operation in view.operations}
    assert answered == {operations.claim, operations.label}


def test_a_reviewer_of_the_page_is_not_in_the_way(robot, rita):
    item = ReviewItem.objects.get(pk=robot.held["item"]["id"])
    leases.release(item, Assignment.objects.get(item=item).reviewer, robot.held["lease"]["token"])
    lease = leases.reclaim(item, rita)
    labels.submit(lease.item, Actor(rita), lease.token, PASS)
    assert robot.label(robot.held).status_code == 409


@pytest.mark.parametrize("setting", [{"paused": True}, {"archived_at": timezone.now()}])
def test_a_queue_that_was_read_when_it_handed_out_nothing_is_no_open_one(robot, queue, setting):
    robot.label(robot.held, idempotency_key="k", next=True)
    Queue.objects.filter(pk=queue.pk).update(**setting)
    again = robot.label(robot.held, idempotency_key="k", next=True).json()
    assert again["next"] is not None, "what it holds it goes on holding"
    if "paused" in setting:
        assert robot.claim(item=again["next"]["item"]["id"]).status_code == 200
    assert robot.claim().status_code == 204


def test_a_revoked_token_does_not_become_a_reviewer(queue, rita):
    filled(queue, 4)
    snapshots.prepare()
    robot = Robot(queue.project, Scope.LABELS_WRITE, Scope.IMPERSONATE)
    for _ in range(2):
        assert robot.claim(as_reviewer=rita.username).status_code == 200
    ApiToken.objects.filter(pk=robot.issued.token.pk).delete()
    assert robot.claim().status_code == 401
    assert not User.objects.filter(username__startswith="token-").exists()


HOW = {
    "another host": {"HTTP_HOST": "elsewhere.test"},
    "a parameter": {"QUERY_STRING": "as_reviewer=rita"},
    "another method": {"REQUEST_METHOD": "PUT"},
    "packed": {"HTTP_CONTENT_ENCODING": "gzip"},
    "another form": {"CONTENT_TYPE": "text/plain"},
    "no token": {"HTTP_AUTHORIZATION": ""},
    "a body that was not read beforehand": {"wsgi.input": io.BufferedReader(io.BytesIO(b"{}"))},
}


@pytest.mark.parametrize("environ", HOW.values(), ids=HOW)
def test_what_is_asked_in_any_other_way_is_for_the_operation(robot, environ):
    _, was_looked_up = looked_up(robot.claim)
    assert not was_looked_up
    kept = dict(memory._kept)
    with CaptureQueriesContext(connection) as seen:
        told = at_once.answer(robot.environ("queues/review/claim", b"{}", **environ))
    if "HTTP_HOST" in environ:
        # Which hosts are served is Django's to say, and asked before.
        assert robot.send("queues/review/claim", b"{}", **environ).status_code == 400
    else:
        assert told is None and not seen and memory._kept == kept


def test_a_body_is_still_there_for_the_operation(robot):
    said = {"lease_token": robot.held["lease"]["token"], "verdict": "fail", "note": "read twice"}
    ReviewItem.objects.filter(pk=robot.held["item"]["id"]).update(priority=1)
    told, was_looked_up = looked_up(lambda: robot.post(f"items/{robot.held['item']['id']}/label", **said))
    assert was_looked_up and told.json()["label"]["note"] == "read twice"
    held = robot.claim().json()
    packed = gzip.compress(json.dumps({**said, "lease_token": held["lease"]["token"]}).encode())
    sent = robot.send(f"items/{held['item']['id']}/label", packed, HTTP_CONTENT_ENCODING="gzip")
    assert sent.status_code == 201 and sent.json()["label"]["note"] == "read twice"


def test_a_claim_needs_no_body(robot):
    for content in (b"", b"{}", b" {} "):
        claimed, was_looked_up = looked_up(lambda sent=content: robot.send("queues/review/claim", sent))
        assert claimed.status_code == 200 and not was_looked_up, content


def test_a_draft_that_was_typed_meanwhile_goes_with_the_label(robot):
    (mine,) = Assignment.objects.filter(token=robot.held["lease"]["token"])
    Draft.objects.create(assignment=mine, body={"note": "typed"}, version=1)
    assert robot.label(robot.held).status_code == 201
    assert not Draft.objects.exists()


def test_a_reviewer_without_a_seat_is_given_one(robot, queue):
    Seat.objects.all().delete()
    assert robot.claim().status_code == 200
    assert Seat.objects.get().claims == 1


@pytest.mark.parametrize(("error", "status"), [(OperationalError, 503), (RuntimeError, 500)])
def test_what_fails_is_told_as_when_the_operation_fails(robot, monkeypatch, error, status):
    def fails(*_):
        raise error("in between")

    with monkeypatch.context() as patch:
        patch.setattr(operations.telling, "claimed", fails)
        remembered, was_looked_up = looked_up(robot.claim)
        assert not was_looked_up, "it may have a lease by now: another claim would take a second one"
        memory._kept.clear()
        anew = robot.claim()
    assert remembered.status_code == anew.status_code == status
    assert (remembered.headers, remembered.content) == (anew.headers, anew.content)
    assert anew.json()["detail"] and anew.headers["Content-Security-Policy"]
    assert robot.label(robot.held).status_code == 201


def test_a_label_is_in_though_the_next_claim_fails(robot, monkeypatch):
    def fails(*_):
        raise OperationalError("in between")

    with monkeypatch.context() as patch:
        patch.setattr(leases, "claim", fails)
        assert robot.label(robot.held, next=True).status_code == 503
    again = robot.label(robot.held, next=True)
    assert again.status_code == 200 and again.json()["next"] is not None
    assert Label.objects.count() == 3


def test_a_person_named_by_a_token_needs_no_seat_beforehand(queue, rita, paul):
    filled(queue, 8)
    snapshots.prepare()
    robot = Robot(queue.project, Scope.IMPERSONATE, Scope.LABELS_WRITE)
    for _ in range(2):
        robot.label(robot.claim().json())
    for person in (rita, paul):
        claimed, was_looked_up = looked_up(lambda name=person.username: robot.claim(as_reviewer=name))
        assert claimed.status_code == 200 and not was_looked_up
        assert robot.label(claimed.json(), as_reviewer=person.username).status_code == 201
    seats = Seat.objects.filter(reviewer__in=[rita, paul])
    assert {seat.reviewer: seat.claims for seat in seats} == {rita: 1, paul: 1}


def test_what_was_kept_since_is_not_taken_for_what_was_recalled(robot):
    key = (robot.issued.token.public_id, robot.held["item"]["id"])
    old = memory._kept[key]
    assert memory.take(old) and not memory.take(old)
    new = memory._kept[key] = replace(old)
    assert not memory.take(old) and memory._kept[key] is new
    assert memory.take(new) and key not in memory._kept


@pytest.mark.parametrize("key", ["a\0b", "\ud800"])
def test_a_key_that_no_database_keeps_is_refused(robot, key):
    for _ in range(2):
        refused = robot.label(robot.held, idempotency_key=key)
        assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "idempotency_key"
    assert robot.label(robot.held).status_code == 201
