"""The review API as an integration uses it: scopes, statuses, provenance, lines."""

import json

import pytest

from ingest import tokens
from ingest.models import ApiToken, Scope
from ingest.routing.models import RoutingRule
from reviewapp.review import items, labels, leases, resolutions, snapshots
from reviewapp.review.actors import Actor
from reviewapp.review.api import memory
from reviewapp.review.models import Assignment, Label, Queue, ReviewItem, Rubric, RubricVersion
from reviewapp.review.refusals import Archived
from tests.reviewapp.review.making import FAIL, PASS, filled, in_figures, make_queue, make_traces

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def send(api):
    """`send("POST", "queues/review/claim", {...})` with a token of these scopes, by default admin."""
    clients = {}

    def call(method, address, body=None, scopes=(Scope.ADMIN,)):
        if scopes not in clients:
            clients[scopes] = api(*scopes)
        client = clients[scopes]
        more = {} if body is None else {"data": json.dumps(body)}
        return client.generic(method, f"/api/v1/{address}", content_type=JSON, **more)

    return call


def claimed(send, slug="review", scopes=(Scope.ADMIN,), **body):
    response = send("POST", f"queues/{slug}/claim", body or None, scopes)
    assert response.status_code == 200, response.content
    return response.json()


def lines(response):
    assert response.status_code == 200
    return [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]


def test_a_claim_and_a_label_take_two_statements_each(queue, send, django_assert_num_queries):
    """Token and what the address names come together; then one statement does it all."""
    filled(queue, 3)
    for _ in range(2):  # what a process keeps of reviewer and rubric is there after the first
        got = claimed(send)
        send(
            "POST",
            f"items/{got['item']['id']}/label",
            {"lease_token": got["lease"]["token"], "verdict": "pass"},
        )
    snapshots.prepare()
    memory._kept.clear()
    with django_assert_num_queries(2):
        got = claimed(send)
    memory._kept.clear()
    with django_assert_num_queries(2):
        said = {"lease_token": got["lease"]["token"], "verdict": "pass"}
        assert send("POST", f"items/{got['item']['id']}/label", said).status_code == 201


def test_what_an_address_names_is_looked_for_in_the_tokens_own_project(queue, send, other_project):
    theirs, their_item = make_queue(other_project, "theirs"), filled(make_queue(other_project, "more"), 1)[0]
    said = {"lease_token": "6b3c7a9e-0000-4000-8000-000000000000", "verdict": "pass"}
    assert send("POST", f"queues/{theirs.slug}/claim").status_code == 404
    assert send("POST", f"items/{their_item.pk}/label", said).status_code == 404
    assert send("POST", f"queues/{queue.slug}/claim", {"item": their_item.pk}).status_code == 404
    for huge in (2**31, 2**63, 10**30):
        assert send("POST", f"items/{huge}/label", said).status_code == 404


def test_claim_label_and_the_end_of_the_queue(queue, send):
    filled(queue, 1)
    got = claimed(send)
    item, lease = got["item"], got["lease"]
    assert item["trace_id"] == "review-00000" and item["rubric_version"] == 1
    assert item["traces"][0]["output"] == "answer review-00000"
    assert item["rubric"]["criteria"][0]["key"] == "verdict"
    assert set(lease) == {"token", "expires_at"}
    assert send("POST", "queues/review/claim").status_code == 204
    body = {
        "lease_token": lease["token"], "idempotency_key": "k", "rubric_version": item["rubric_version"],
        "verdict": "fail", "confidence": "sure", "answers": {"tone": 2}, "failure_modes": ["tone"],
        "note": "rude", "corrected_output": "kind",
    }  # fmt: skip
    first = send("POST", f"items/{item['id']}/label", body)
    assert first.status_code == 201
    again = send("POST", f"items/{item['id']}/label", body)
    assert again.status_code == 200
    assert again.json()["label"]["id"] == first.json()["label"]["id"]
    assert first.json()["item"] == {"id": item["id"], "state": "resolved"}


def test_a_lost_lease_is_409_and_a_bad_field_422(queue, send):
    filled(queue, 1)
    got = claimed(send)
    address = f"items/{got['item']['id']}/label"
    lost = send("POST", address, {"lease_token": "0" * 32, "verdict": "pass"})
    assert lost.status_code == 409 and lost.headers["Content-Type"] == "application/problem+json"
    token = got["lease"]["token"]
    for body, field in (
        ({"lease_token": token}, "verdict"),
        ({"lease_token": token, "verdict": "good"}, "verdict"),
        ({"lease_token": token, "verdict": "pass", "rubric_version": 9}, "rubric_version"),
        ({"lease_token": token, "verdict": "pass", "answers": {"no": 1}}, "answers.no"),
        ({"verdict": "pass"}, "lease_token"),
    ):
        refused = send("POST", address, body)
        assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("address", "body", "named"),
    [
        ("claim", {"as_reviwer": "rosa"}, {"as_reviwer": "is not a field here; did you mean as_reviewer?"}),
        ("label", {"verdit": "pass"}, {"verdit": "is not a field here; did you mean verdict?"}),
        ("label", {"verdict": "pass", "corrected_ouput": "Better.", "remark": ""},
         {"corrected_ouput": "is not a field here; did you mean corrected_output?"}),
        ("skip", {"reasons": "context"}, {"reasons": "is not a field here; did you mean reason?"}),
        ("items", {"trace_id": ["t"]}, {"trace_id": "is not a field here; did you mean trace_ids?"}),
        ("change", {"overlp": 2}, {"overlp": "is not a field here; did you mean overlap?"}),
        ("create", {"slug": "s", "kinds": "pair"}, {"kinds": "is not a field here; did you mean kind?"}),
    ],
)  # fmt: skip
def test_a_misspelt_field_is_named_and_nothing_is_written(queue, send, address, body, named):
    """What it holds would be lost unseen."""
    filled(queue, 2)
    got = claimed(send)
    if address in ("label", "skip"):
        body = body | {"lease_token": got["lease"]["token"]}
    method, where = {
        "claim": ("POST", "queues/review/claim"), "items": ("POST", "queues/review/items"),
        "change": ("PATCH", "queues/review"), "create": ("POST", "queues"),
    }.get(address, ("POST", f"items/{got['item']['id']}/{address}"))  # fmt: skip
    refused = send(method, where, body)
    assert refused.status_code == 422
    assert {error["field"]: error["error"] for error in refused.json()["errors"]} == named
    assert (Label.objects.count(), Queue.objects.count(), ReviewItem.objects.count()) == (0, 1, 2)
    assert Assignment.objects.get().state == "leased"


@pytest.mark.parametrize(
    ("method", "address", "meant"),
    [
        ("GET", "labels?sinc=1", "since"),
        ("GET", "labels/export?verdit=pass", "verdict"),
        ("GET", "labels/export?formt=preference", "format"),
        ("POST", "queues/review/claim?as_reviwer=rosa", "as_reviewer"),
    ],
)
def test_a_misspelt_parameter_is_named(queue, send, method, address, meant):
    """Without it there was more than was asked for, such as answers that failed among those to train on."""
    filled(queue, 1)
    refused = send(method, address)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["error"] == f"is not a parameter here; did you mean {meant}?"
    assert not Assignment.objects.exists()
    assert send("GET", "labels/export?verdict=pass&trace=7").status_code == 200


def test_a_queue_keeps_its_slug_and_its_kind(queue, send):
    """It answered with success, and all was as before."""
    for other in ({"slug": "renamed"}, {"kind": "pair"}, {"slug": "renamed", "overlap": 2}):
        refused = send("PATCH", "queues/review", other)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["error"] == "cannot be changed; create another queue"
    told = send("GET", "queues").json()["queues"][0]
    assert (told["slug"], told["kind"], told["overlap"]) == ("review", "trace", 1)
    again = send("PATCH", "queues/review", told | {"overlap": 2, "rubric": told["rubric"]["slug"]})
    assert again.status_code == 200 and again.json()["overlap"] == 2


def test_what_a_client_sends_of_its_own_is_passed_over(queue, send):
    filled(queue, 1)
    got = send("POST", "queues/review/claim", {"client": "sheet 1.2"}).json()
    said = {"lease_token": got["lease"]["token"], "verdict": "pass", "client": "sheet 1.2", "trace_id": "t"}
    assert send("POST", f"items/{got['item']['id']}/label", said).status_code == 201


def test_a_label_brings_the_next_item_along_and_a_repeat_the_same_one(queue, send):
    filled(queue, 2)
    got = claimed(send)
    address = f"items/{got['item']['id']}/label"
    said = {"lease_token": got["lease"]["token"], "verdict": "pass", "idempotency_key": "k", "next": True}
    first, again = send("POST", address, said), send("POST", address, said)
    assert (first.status_code, again.status_code) == (201, 200)
    following = first.json()["next"]
    assert following["item"]["id"] != got["item"]["id"] and following["lease"]["token"]
    assert again.json()["next"]["lease"] == following["lease"]
    assert Assignment.objects.filter(state="leased").count() == 1
    said = {"lease_token": following["lease"]["token"], "verdict": "fail", "next": True}
    last = send("POST", f"items/{following['item']['id']}/label", said)
    assert (last.status_code, last.json()["next"]) == (201, None)
    assert Label.objects.count() == 2


def test_what_keeps_from_claiming_the_next_does_not_refuse_the_label(queue, send):
    filled(queue, 2)
    got = claimed(send)
    Queue.objects.update(assignment="named")
    said = {"lease_token": got["lease"]["token"], "verdict": "pass", "next": True}
    answer = send("POST", f"items/{got['item']['id']}/label", said)
    assert (answer.status_code, answer.json()["next"]) == (201, None)
    assert Label.objects.count() == 1 and not Assignment.objects.filter(state="leased").exists()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_label_of_another_content_type_is_415(queue, api, send, kind):
    filled(queue, 1)
    got = claimed(send)
    said = json.dumps({"lease_token": got["lease"]["token"], "verdict": "pass"})
    address = f"/api/v1/items/{got['item']['id']}/label"
    refused = api(Scope.ADMIN).generic("POST", address, said, content_type=kind)
    assert refused.status_code == 415 and refused.headers["Content-Type"] == "application/problem+json"
    assert not Label.objects.exists()


def test_an_archived_queue_takes_nothing_in_by_hand(queue, send):
    (item,) = filled(queue, 1)
    make_traces(queue.project, 2)
    got = claimed(send)
    said = {"lease_token": got["lease"]["token"], "verdict": "pass"}
    assert send("PATCH", "queues/review", {"archived": True}).status_code == 200
    for body in ({"trace_ids": ["t-00000"]}, {"pairs": [["t-00000", "t-00001"]]}):
        refused = send("POST", "queues/review/items", body)
        assert refused.status_code == 409 and "archived" in refused.json()["detail"]
    assert send("POST", f"items/{item.pk}/label", said).status_code == 201, "what is held is handed in"
    with pytest.raises(Archived):
        items.open_round(item, "leo")
    assert list(queue.items.all()) == [item]
    assert send("PATCH", "queues/review", {"archived": False}).status_code == 200
    assert send("POST", "queues/review/items", {"trace_ids": ["t-00000"]}).status_code == 201


def test_skip_release_heartbeat_and_undo(queue, send):
    filled(queue, 2)
    first = claimed(send)
    token = {"lease_token": first["lease"]["token"]}
    address = f"items/{first['item']['id']}"
    assert send("POST", f"{address}/heartbeat", token).json()["lease"]["token"] == token["lease_token"]
    assert send("POST", f"{address}/skip", token | {"reason": "bored"}).status_code == 422
    assert send("POST", f"{address}/skip", token | {"reason": "expertise"}).json()["item"]["state"] == "open"
    assert send("POST", f"{address}/release", token).status_code == 409
    second = claimed(send)
    assert second["item"]["id"] != first["item"]["id"]
    again = f"items/{second['item']['id']}"
    said = {"lease_token": second["lease"]["token"], "verdict": "pass", "note": "fine"}
    assert send("POST", f"{again}/label", said).status_code == 201
    undone = send("POST", f"{again}/undo")
    assert undone.status_code == 200 and undone.json()["draft"]["note"] == "fine"
    said["lease_token"] = undone.json()["lease"]["token"]
    assert send("POST", f"{again}/label", said).status_code == 201
    assert send("POST", "items/999999/undo").status_code == 404


def test_impersonation_is_recorded_and_left_out_of_figures(queue, send, rita, lead_user):
    filled(queue, 2)
    scopes = (Scope.IMPERSONATE,)
    got = claimed(send, scopes=scopes, as_reviewer="rosa")
    said = {"lease_token": got["lease"]["token"], "verdict": "fail", "as_reviewer": "rosa"}
    assert send("POST", f"items/{got['item']['id']}/label", said, scopes).status_code == 201
    label = Label.objects.get()
    assert (label.reviewer, label.via, label.impersonated) == (rita, "api", True)
    assert label.token is not None
    assert in_figures(queue.project) == []
    ApiToken.objects.update(trusted_for_reviews=True)
    assert len(in_figures(queue.project)) == 1
    address = "queues/review/claim"
    assert send("POST", address, {"as_reviewer": "leonie"}, scopes).status_code == 422
    assert send("POST", address, {"as_reviewer": "nobody"}, scopes).status_code == 422
    assert send("POST", address, {}, scopes).status_code == 403
    assert send("POST", address, {"as_reviewer": "rosa"}).status_code == 403


def test_the_reviewer_may_be_named_in_the_address(queue, send, rita):
    filled(queue, 1)
    scopes = (Scope.LABELS_WRITE, Scope.IMPERSONATE)
    got = send("POST", "queues/review/claim?as_reviewer=rosa", None, scopes).json()
    assert Assignment.objects.get().reviewer == rita
    said = {"lease_token": got["lease"]["token"], "verdict": "fail"}
    answer = send("POST", f"items/{got['item']['id']}/label?as_reviewer=rosa", said, scopes)
    told = answer.json()["label"]
    assert (told["reviewer"], told["impersonated"], told["trusted"]) == ("rosa", True, False)
    assert told["standing"] is True and told["in_figures"] is False


DRAWN = {"lane": "audit", "rank": None, "audit_rank": 0.5, "u": 0.25, "day": "2026-09-01"}


@pytest.mark.parametrize("columns", [{"lane": "risk"}, DRAWN], ids=["risk", "audit"])
def test_a_label_is_told_at_once_as_among_the_lines(queue, send, columns):
    filled(queue, 1)
    ReviewItem.objects.update(**columns)
    got = claimed(send)
    said = {"lease_token": got["lease"]["token"], "verdict": "fail", "note": "rude", "answers": {"tone": 2}}
    told = send("POST", f"items/{got['item']['id']}/label", said).json()["label"]
    assert (told["lane"], told["purpose"]) == (columns["lane"], "review")
    assert (told["u"], told["day"]) == (columns.get("u"), columns.get("day"))
    assert (told["trusted"], told["impersonated"], told["blind"]) == (False, False, True)
    assert told["standing"] is True and told["in_figures"] is True
    assert [told] == lines(send("GET", "labels"))


@pytest.fixture
def give_cost(project, send):
    """Gives a label with a number as it is written, on an item of a queue that asks for one; the same again
    with the same key."""
    asked = {"key": "cost", "title": "Cost", "type": "number"}
    send("POST", "rubrics/costs/versions", {"name": "Costs", "criteria": [asked]})
    send("POST", "queues", {"slug": "costs", "name": "Costs", "rubric": "costs"})
    filled(Queue.objects.get(slug="costs"), 1)
    got = claimed(send, "costs")
    said = {"lease_token": got["lease"]["token"], "verdict": "pass", "idempotency_key": "k"}

    def give(cost):
        body = {**said, "answers": {"cost": json.loads(cost)}}
        return send("POST", f"items/{got['item']['id']}/label", body)

    return give


@pytest.mark.parametrize("cost", ["1e16", "9.2e18", "-1.5e17", "0.1", "1e-7", "5.0", "12"])
def test_a_number_is_told_alike_whenever_it_is_told(give_cost, cost):
    told = [give_cost(cost), give_cost(cost)]
    assert [answer.status_code for answer in told] == [201, 200]
    first, again = (answer.content.partition(b'"answers":')[2].partition(b"}")[0] for answer in told)
    assert first == again
    assert told[1].json()["label"]["answers"]["cost"] == float(cost)


@pytest.mark.parametrize("cost", ["1e308", "-1e19", f"{2**63}", f"-{2**63}", f"1{'0' * 308}"])
def test_a_number_of_more_digits_than_an_integer_has_is_refused(give_cost, cost):
    refused = give_cost(cost)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["error"].startswith("must lie between")


def test_each_token_is_a_reviewer_of_its_own(project, send):
    queue = make_queue(project, overlap=2)
    filled(queue, 1)
    one, two = claimed(send), claimed(send, scopes=(Scope.LABELS_WRITE,))
    assert one["item"]["id"] == two["item"]["id"]
    assert send("POST", "queues/review/claim").status_code == 204


def test_labels_as_lines_with_every_revision(queue, send, rita):
    filled(queue, 2)
    for _ in range(2):
        lease = leases.claim(queue, rita)
        labels.submit(lease.item, Actor(rita), lease.token, FAIL)
    labels.undo(lease.item, Actor(rita))
    told = lines(send("GET", "labels"))
    assert [(line["kind"], line["standing"]) for line in told] == [
        ("answer", True), ("answer", False), ("undo", False),
    ]  # fmt: skip
    assert told[0]["verdict"] == "fail" and told[2]["verdict"] is None
    assert told[0]["reviewer"] == "rosa" and told[0]["via"] == "page" and told[0]["in_figures"]
    assert len(told[0]["snapshot"]) == 64
    assert len(lines(send("GET", f"labels?since={told[0]['id']}"))) == 2
    assert len(lines(send("GET", f"labels?since={told[0]['created_at']}"))) == 3
    assert lines(send("GET", "labels?since=2099-01-01T00:00:00Z")) == []
    assert send("GET", "labels?since=yesterday").status_code == 400


def test_training_data(queue, send, rita):
    filled(queue, 2)
    good, bad = ({"verdict": "pass"}, {"verdict": "fail", "corrected_output": "better"})
    for said in (good, bad):
        lease = leases.claim(queue, rita)
        labels.submit(lease.item, Actor(rita), lease.token, labels.Answer(**said))
    (example,) = lines(send("GET", "labels/export?verdict=pass&format=openai"))
    assert [message["role"] for message in example["messages"]] == ["user", "assistant"]
    assert example["messages"][1]["content"].startswith("answer")
    (mended,) = lines(send("GET", "labels/export?verdict=fail&format=openai"))
    assert mended["messages"][-1]["content"] == "better"
    (pair,) = lines(send("GET", "labels/export?format=preference"))
    assert pair["preferred_output"][0]["content"] == "better"
    assert send("GET", "labels/export?format=parquet").status_code == 400


def test_an_answer_that_failed_is_no_training_answer_unless_corrected(queue, send, rita, lead_user):
    filled(queue, 4)
    better = labels.Answer(verdict="fail", corrected_output="better")
    for said in (PASS, better, FAIL, PASS):
        lease = leases.claim(queue, rita)
        labels.submit(lease.item, Actor(rita), lease.token, said)
    resolutions.adjudicate(lease.item, lead_user, verdict="fail")

    def answers(asked):
        return [
            example["messages"][-1]["content"] for example in lines(send("GET", f"labels/export?{asked}"))
        ]

    assert answers("format=openai") == ["answer review-00000", "better"]
    assert answers("format=openai&verdict=pass") == ["answer review-00000"]
    assert answers("format=openai&verdict=fail") == ["better"]
    assert len(lines(send("GET", "labels/export?format=preference"))) == 1


def test_the_winner_of_a_pair_is_training_data_that_passed(project, send, rita):
    duel = make_queue(project, "duel", kind="pair")
    left, right = (trace.trace_id for trace in make_traces(project, 2))
    items.enqueue_pairs(duel, [(left, right)])
    lease = leases.claim(duel, rita)
    labels.submit(lease.item, Actor(rita), lease.token, labels.Answer(preference="b"))
    for asked in ("format=preference", "format=preference&verdict=pass"):
        (pair,) = lines(send("GET", f"labels/export?{asked}"))
        assert pair["preferred_output"][0]["content"] == f"answer {right}"
        assert pair["non_preferred_output"][0]["content"] == f"answer {left}"
    for asked in ("format=preference&verdict=fail", "format=openai&verdict=pass"):
        assert lines(send("GET", f"labels/export?{asked}")) == []


def test_queues_are_made_changed_and_counted(project, send, rita):
    make_traces(project, 3)
    made = send("POST", "queues", {"slug": "second", "overlap": 2, "lease_seconds": 60, "blind": False})
    assert made.status_code == 201, made.content
    assert made.json()["rubric"] == {"slug": "answer-quality", "version": 1}
    assert send("POST", "queues", {"slug": "second"}).status_code == 422
    added = send("POST", "queues/second/items", {"trace_ids": ["t-00000", "t-00001", "t-00000", "nope"]})
    assert added.status_code == 201
    assert (added.json()["added"], added.json()["unknown"]) == (2, ["nope"])
    assert send("POST", "queues/second/items", {"trace_ids": ["t-00000"]}).json()["known"] == ["t-00000"]
    rules = [{"name": "Low", "conditions": [{"condition": "score_below", "threshold": 0.4}]}]
    change = {"overlap": 3, "paused": True, "rules": rules, "assignment": "named", "assignees": ["rosa"]}
    changed = send("PATCH", "queues/second", change)
    assert changed.status_code == 200 and changed.json()["paused"]
    assert Queue.objects.get(slug="second").items.get(trace__trace_id="t-00000").required == 3
    assert RoutingRule.objects.get(queue="second").name == "Low"
    for bad in ({"overlap": 6}, {"lease_seconds": 0}, {"rules": [{"name": ""}]}, {"assignees": ["x"]},
                {"rubric_version": 7}):  # fmt: skip
        assert send("PATCH", "queues/second", bad).status_code == 422, bad
    half = {"overlap": 1, "paused": False, "rubric_version": 1, "rules": [{"name": ""}]}
    assert send("PATCH", "queues/second", half).status_code == 422
    assert (Queue.objects.get(slug="second").overlap, Queue.objects.get(slug="second").paused) == (3, True)
    assert send("POST", "queues", {"slug": "third", "rules": [{"name": ""}]}).status_code == 422
    (told,) = send("GET", "queues").json()["queues"]
    assert told["counts"]["waiting"] == 2 and told["oldest_age_seconds"] >= 0


@pytest.mark.parametrize("odd", ["a\0b", "\ud800"])
def test_a_text_that_no_row_can_hold_is_kept_without_what_it_cannot_hold(queue, send, odd):
    for name in ("name", "description"):
        assert send("PATCH", "queues/review", {name: odd}).status_code == 200
        assert send("POST", "queues", {"slug": name, name: odd}).status_code == 201
        assert "\ufffd" in getattr(Queue.objects.get(slug=name), name)
    assert send("POST", "rubrics/odd/versions", {"name": odd}).status_code == 201
    assert send("PATCH", "queues/review", {"name": "  "}).status_code == 422


def test_pairs_are_enqueued_and_judged(project, send):
    make_traces(project, 3)
    send("POST", "queues", {"slug": "pairs", "kind": "pair"})
    added = send("POST", "queues/pairs/items", {"pairs": [["t-00000", "t-00001"], ["t-00000", "t-00000"]]})
    assert added.json()["added"] == 1 and len(added.json()["unknown"]) == 1
    assert send("POST", "queues/pairs/items", {"trace_ids": ["t-00002"]}).status_code == 422
    got = claimed(send, "pairs")
    assert [view["trace_id"] for view in got["item"]["traces"]] == ["t-00000", "t-00001"]
    said = {"lease_token": got["lease"]["token"], "preference": "both_bad"}
    assert send("POST", f"items/{got['item']['id']}/label", said).status_code == 201


def test_rubric_versions_are_frozen_and_queues_move_to_them(queue, send):
    filled(queue, 1)
    criteria = [
        {"key": "polite", "title": "Polite", "type": "choice", "options": ["yes", "no"], "required": True}
    ]
    made = send("POST", "rubrics/answer-quality/versions", {"criteria": criteria})
    assert made.status_code == 201, made.content
    assert [each["key"] for each in made.json()["criteria"]] == ["verdict", "polite"]
    assert made.json()["criteria"][0]["meaning"] == 1
    moved = send("PATCH", "queues/review", {"rubric_version": 2, "open_items": "move"})
    assert moved.json()["rubric"]["version"] == 2
    got = claimed(send)
    said = {"lease_token": got["lease"]["token"], "verdict": "pass"}
    refused = send("POST", f"items/{got['item']['id']}/label", said)
    assert refused.json()["errors"] == [{"field": "answers.polite", "error": "is required"}]
    assert send("POST", "rubrics/fresh/versions", {"failure_modes": ["Too long"]}).status_code == 201
    assert RubricVersion.objects.get(rubric__slug="fresh").failure_modes[0]["key"] == "too_long"
    bad = send("POST", "rubrics/fresh/versions", {"criteria": [{"key": "A b", "type": "poem"}]})
    assert {error["field"] for error in bad.json()["errors"]} == {"criteria[0].key", "criteria[0].type"}
    assert send("POST", "rubrics/never/versions", {"criteria": [{"key": "A b"}]}).status_code == 422
    assert not Rubric.objects.filter(slug="never").exists()


OPERATIONS = [
    ("GET", "queues", {Scope.LABELS_READ, Scope.LABELS_WRITE, Scope.IMPERSONATE, Scope.ADMIN}),
    ("POST", "queues", {Scope.ADMIN}),
    ("PATCH", "queues/review", {Scope.ADMIN}),
    ("POST", "rubrics/x/versions", {Scope.ADMIN}),
    ("POST", "queues/review/items", {Scope.LABELS_WRITE, Scope.ADMIN}),
    ("POST", "queues/review/claim", {Scope.LABELS_WRITE, Scope.IMPERSONATE, Scope.ADMIN}),
    ("POST", "items/1/label", {Scope.LABELS_WRITE, Scope.IMPERSONATE, Scope.ADMIN}),
    ("GET", "labels", {Scope.LABELS_READ, Scope.ADMIN}),
    ("GET", "labels/export", {Scope.LABELS_READ, Scope.ADMIN}),
    ("GET", "audit/counters", {Scope.ADMIN}),
]


@pytest.mark.parametrize(("method", "address", "allowed"), OPERATIONS)
def test_each_scope_opens_what_it_should(project, send, method, address, allowed):
    for scope in Scope:
        status = send(method, address, {} if method != "GET" else None, (scope,)).status_code
        if scope not in allowed:
            assert status == 403, (scope, status)
        elif scope is not Scope.IMPERSONATE:
            assert status != 403, (scope, status)


def test_each_counter_stands_beside_its_recount(project, send, rita, paul, lead_user):
    queue = make_queue(project, overlap=2, due_days=1)
    made = filled(queue, 6)
    for item, verdicts in zip(made, (("pass", "pass"), ("fail", "pass"), ("fail",), ("pass",)), strict=False):
        for who, verdict in zip((rita, paul), verdicts, strict=False):
            lease = leases.reclaim(items.find(project, item.pk), who)
            labels.submit(lease.item, Actor(who), lease.token, labels.Answer(verdict=verdict))
    labels.undo(items.find(project, made[3].pk), Actor(rita))
    resolutions.adjudicate(items.find(project, made[2].pk), lead_user, verdict="fail")
    items.remove(items.find(project, made[5].pk), "a lead")
    ReviewItem.objects.filter(pk=made[4].pk).update(due_at="2026-01-01T00:00:00Z")
    told = send("GET", "audit/counters").json()
    assert told["equal"] is True
    shown = {each["name"].rpartition(".")[2]: each["shown"] for each in told["counters"]}
    assert shown == {
        "waiting": 2, "held": 1, "adjudication": 1, "resolved": 2, "removed": 1, "overdue": 1, "labels": 5,
    }  # fmt: skip
    ReviewItem.objects.filter(pk=made[4].pk).update(open_slots=0)
    told = send("GET", "audit/counters").json()
    wrong = [each["name"] for each in told["counters"] if each["shown"] != each["recount"]]
    assert told["equal"] is False and wrong == ["queues.review.waiting", "queues.review.overdue"]
    assert send("GET", "audit/counters", None, (Scope.LABELS_READ,)).status_code == 403


def test_a_token_of_another_project_reaches_nothing(queue, other_project, rita):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    label = labels.submit(lease.item, Actor(rita), lease.token, FAIL).label
    from django.test import Client

    issued = tokens.issue(other_project, "theirs", [Scope.ADMIN, Scope.IMPERSONATE])
    theirs = Client(headers={"Authorization": f"Bearer {issued.text}"})
    body = json.dumps({"lease_token": str(lease.token), "verdict": "pass"})
    item = label.assignment.item_id
    for address in (
        f"items/{item}/label",
        f"items/{item}/undo",
        "queues/review/claim",
        "queues/review/items",
    ):
        assert theirs.post(f"/api/v1/{address}", body, content_type=JSON).status_code == 404, address
    make_queue(other_project, "own")
    claim = theirs.post("/api/v1/queues/own/claim", json.dumps({"item": item}), content_type=JSON)
    assert claim.status_code == 404
    named = theirs.post("/api/v1/queues/own/claim", json.dumps({"as_reviewer": "rosa"}), content_type=JSON)
    assert named.status_code == 422
    assert lines(theirs.get("/api/v1/labels")) == []
    assert theirs.get("/api/v1/queues").json()["queues"][0]["slug"] == "own"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"null", b'{"verdict": 1}', b'{"lease_token": "\\u0000", "verdict": "pass"}', b"\xff"],
)
def test_odd_bodies_are_refused_and_never_break(queue, send, api, body):
    filled(queue, 1)
    got = claimed(send)
    client = api()
    for verb in ("label", "skip", "release", "heartbeat"):
        response = client.post(f"/api/v1/items/{got['item']['id']}/{verb}", body, content_type=JSON)
        assert response.status_code in (400, 409, 422), (verb, response.content)


def test_a_huge_id_or_text_is_refused(queue, send):
    filled(queue, 1)
    got = claimed(send)
    assert send("POST", f"items/{10**30}/undo").status_code == 404
    assert send("POST", "queues/review/claim", {"item": 2**63 - 1}).status_code == 404
    said = {"lease_token": got["lease"]["token"], "verdict": "pass", "note": "x" * 300_000}
    assert send("POST", f"items/{got['item']['id']}/label", said).status_code == 422
    said["note"] = "a\0b"
    assert send("POST", f"items/{got['item']['id']}/label", said).status_code == 201
    assert Label.objects.get().note == "a\ufffdb"
