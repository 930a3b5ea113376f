"""Every route of the resolver, as a reviewer: what others said of a trace that this reviewer has still to
judge is in no answer, no header and no redirect. Somewhere a lead or who has answered is told all of it, or
the canaries would prove nothing."""

import itertools
import json
import re
from collections import defaultdict

import pytest
from django.test import Client

from ingest import tokens
from ingest.access import Door
from ingest.models import Scope, Score
from reviewapp import route_table
from reviewapp.models import Role
from reviewapp.review import items, labels, leases, reviewers
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, ReviewItem
from tests.reviewapp.review.canaries import STANDINGS, addresses

pytestmark = pytest.mark.django_db

PAGES = [route for route in route_table.routes() if route.access.door is Door.SESSION]
MINE = [route for route in PAGES if route.access.role in (None, "", Role.REVIEWER)]
# Another's account, or nothing of a project.
NOT_THEIRS = ("accounts/", "account")


QUERIES = {
    "traces": ("", "text=raw", "older=x", "has_error=1", "q=kanarie0000x", "q=question"),
    "traces/<any:trace_id>": ("", "text=raw&spans=all"),
    "trace-json/<any:trace_id>": ("", "text=raw"),
    "trace-span/<any:trace_id>": ("span=root",),
    "trace-values": tuple(
        f"field={name}" for name in ("route", "model", "status", "score", "prompt_version")
    ),
    "items/<int:pk>": ("", "text=raw", "change=1"),
    "golden-candidates": ("", "state=decided"),
    "checks/<str:name>": ("", "window=7d"),
}


def walk(client, routes, values, canaries, htmx=False):
    """What each canary was seen at, over every GET; and the statuses by route."""
    found, statuses = defaultdict(set), defaultdict(set)
    headers = {"HX-Request": "true"} if htmx else {}
    for each in routes:
        if each.path.startswith(NOT_THEIRS) or each.path.startswith("^"):
            continue
        queries = QUERIES.get(each.path.removeprefix("projects/<slug:slug>/"), ("",))
        for address, query in itertools.product(addresses(each, values), queries):
            response = client.get(address + (f"?{query}" if query else ""), headers=headers)
            assert response.status_code < 500, address
            statuses[str(each)].add(response.status_code)
            for word in canaries.seen(response) - set(re.findall(r"kanarie\d{4}x", query)):
                found[word].add(f"{address}?{query}")
    return found, statuses


def leaks(canaries, found, standings=STANDINGS):
    return {canaries.places[word]: sorted(at) for word, at in found.items()
            if canaries.places[word][0] in standings}  # fmt: skip


@pytest.mark.parametrize("htmx", [False, True])
def test_no_page_tells_a_reviewer_what_was_said_of_what_is_still_to_judge(house, reviewer, canaries, htmx):
    found, statuses = walk(reviewer.client, MINE, house.values, canaries, htmx)
    assert leaks(canaries, found) == {}
    # The pages were there to be seen: nothing but addresses that only take forms answered otherwise.
    shut = [route for route, codes in statuses.items() if not codes & {200, 302}]
    assert [route for route in shut if statuses[route] - {405}] == [], {r: statuses[r] for r in shut}


def test_it_is_told_after_the_own_submit_and_to_leads(house, reviewer, owner, canaries):
    labels.submit(house.lease.item, Actor(reviewer.user), house.lease.token, labels.Answer(verdict="pass"))
    reviewer.client.get(f"/projects/refunds/items/{house.lease.item.pk}")
    found, _ = walk(reviewer.client, MINE, house.values, canaries)
    told = {place for standing, place in map(canaries.places.get, found) if standing == "held"}
    assert {"rationale of a judge", "note of a peer", "check finding", "comment of a user"} <= told
    assert leaks(canaries, found, [name for name in STANDINGS if name != "held"]) == {}
    some = [house.traces[name].trace_id for name in ("held", "left", "decided elsewhere")]
    led, _ = walk(owner.client, PAGES, house.values | {"trace_id": some}, canaries)
    planted = {place for _, place in canaries.places.values()}
    told = {canaries.places[word][1] for word in (*found, *led)}
    # A peer's unfinished draft is nobody's to read, and who ranked stands in the rows alone.
    assert planted - told <= {"draft of a peer", "who ranked", "who ranked the item"}


def test_a_label_is_revealed_by_the_trace_itself_and_by_no_list(house, reviewer, canaries):
    """Else a label could be taken back after a look into the explorer, and given anew as if blind."""
    labels.submit(house.lease.item, Actor(reviewer.user), house.lease.token, labels.Answer(verdict="pass"))
    name = house.traces["held"].trace_id
    base, mine = "/projects/refunds", Assignment.objects.filter(item=house.items["held"])
    score = Score.objects.get(trace=house.traces["held"], source="llm").name
    lists = [
        "traces",
        f"traces?score={score}:0:1",
        "trace-volume",
        "checks/empty",
        "trace-values?field=score",
    ]
    for address in lists:
        shown = canaries.seen(reviewer.client.get(f"{base}/{address}")) - {score}
        assert not [word for word in shown if canaries.places[word][0] == "held"], address
    assert f"traces/{name}?" not in reviewer.client.get(f"{base}/{lists[1]}").content.decode()
    assert mine.get(reviewer=reviewer.user).revealed_at is None
    assert canaries.seen(reviewer.client.get(f"{base}/traces/{name}"))
    assert mine.get(reviewer=reviewer.user).revealed_at is not None
    assert f"traces/{name}?" in reviewer.client.get(f"{base}/{lists[1]}").content.decode()
    lease = labels.undo(
        items.find(house.items["held"].queue.project, house.items["held"].pk), Actor(reviewer.user)
    )
    done = labels.submit(lease.item, Actor(reviewer.user), lease.token, labels.Answer(verdict="fail"))
    assert done.label.kind == "post_reveal"
    assert mine.get(reviewer=reviewer.user).counted.verdict == "pass"


POSTS = {
    "submit_label": {}, "save_draft": {"note": "mine"}, "heartbeat": {}, "skip": {"reason": "none"},
    "flag": {"flag_note": "look"}, "undo": {}, "retake": {}, "change_mind": {"verdict": "pass"},
    "diff": {"corrected_output": "better"}, "propose_candidate": {}, "propose_alike": {}, "trace_columns": {},
}  # fmt: skip


def test_nothing_that_a_reviewer_sends_is_answered_with_it(house, reviewer, canaries):
    patterns = [
        (pattern.name, each)
        for pattern, whole in route_table.patterns()
        for each in MINE
        if each.path == whole and whole.startswith("projects/")
    ]
    # Everything without what it needs; what review takes with the lease as well, refused and in order.
    found = defaultdict(set)
    lease = {"lease_token": str(house.lease.token), "draft_version": "0"}
    values = house.values | {"pk": [house.items[name].pk for name in ("held", "waiting", "pair")]}
    for name, each in patterns:
        bodies = [{}]
        if name in POSTS:
            bodies += [lease | POSTS[name], lease | POSTS[name] | {"draft_version": "7"}]
        for address, body in itertools.product(addresses(each, values), bodies):
            if name in ("skip", "undo", "finish"):
                body = {key: value for key, value in body.items() if key != "lease_token"}
            for headers in ({}, {"HX-Request": "true"})[: len(bodies)]:
                response = reviewer.client.post(address, body, headers=headers)
                assert response.status_code < 500, address
                for word in canaries.seen(response):
                    found[word].add(address)
    assert leaks(canaries, found) == {}


def searches(house):
    scores = [score.name for score in Score.objects.filter(source="llm")]
    return [
        *(f"score={name}:0:0.5" for name in scores), "score=check.empty:0:0", "feedback=any",
        "drawn=true", "drawn=false", "score=check.empty",
    ]  # fmt: skip


def test_no_search_tells_by_what_it_finds(house, reviewer, lead):
    """Neither by the rows of the list nor by the counts of chart and menus."""
    base = "/projects/refunds"
    ids = [trace.trace_id for trace in house.traces.values()]
    listed = 0
    for query in searches(house):
        page = reviewer.client.get(f"{base}/traces?{query}").content.decode()
        assert [name for name in ids if name in page] == [], query
        told = lead.client.get(f"{base}/traces?{query}").content.decode()
        listed += sum(name in told for name in ids)
        for part in ("trace-volume", "trace-values?field=route", "trace-values?field=status"):
            address = f"{base}/{part}{'&' if '?' in part else '?'}{query}"
            nothing = f"{base}/{part}{'&' if '?' in part else '?'}score=nothing-is-called-so:0:1"
            answers = [reviewer.client.get(each).content.decode() for each in (address, nothing)]
            assert bare(answers[0]) == bare(answers[1]), address
    assert listed > len(ids)


def bare(page):
    """Without what one asked for, which the page repeats."""
    page = re.sub(r"<input type=\"hidden\"[^>]*>", "", page)
    page = re.sub(r"\"[\w-]{64}\"", "", page)
    return re.sub(r"(kanarie\d{4}x|nothing-is-called-so|check\.empty)[^\"& <]*", "", re.sub(
        r"(score|feedback|drawn)=[^\"& <]*", "", page))  # fmt: skip


SCOPES = [Scope.LABELS_WRITE, Scope.LABELS_READ, Scope.TRACES_READ, Scope.QUALITY_READ, Scope.GOLDEN_READ]


def test_a_token_that_reviews_is_told_nothing_of_what_it_holds(house, project, canaries):
    """Each scope alone beside the one for claiming, and all at once, over every GET of the API."""
    held = house.items["held"]
    ReviewItem.objects.filter(pk=held.pk).update(required=5, open_slots=3)
    for scopes in (*([Scope.LABELS_WRITE, each] for each in SCOPES), SCOPES):
        issued = tokens.issue(project, "bot", scopes)
        client = Client(headers={"Authorization": f"Bearer {issued.text}"})
        lease = leases.reclaim(items.find(project, held.pk), reviewers.of_token(issued.token))
        routes = [
            each for each in route_table.routes()
            if each.access.door is Door.TOKEN and each.method in ("GET", "HEAD")
        ]  # fmt: skip
        found, statuses = walk(client, routes, house.values, canaries)
        assert leaks(canaries, found, ["held"]) == {}, scopes
        posts = ["claim", "heartbeat", "release", "skip", "undo", "label"]
        for what in posts:
            address = "queues/review/claim" if what == "claim" else f"items/{held.pk}/{what}"
            for body in ({}, {"lease_token": str(lease.token), "reason": "?", "rubric_version": 99}):
                if what in ("release", "skip") and body:
                    continue
                response = client.post(f"/api/v1/{address}", json.dumps(body), "application/json")
                assert response.status_code < 500
                shown = {canaries.places[word] for word in canaries.seen(response)}
                assert not [each for each in shown if each[0] == "held"], (what, shown)
        assert any(200 in codes for codes in statuses.values())
        if scopes != SCOPES:
            leases.release(lease.item, lease_holder(issued), lease.token)
    # Once it has answered, it may read what the others said.
    labels.submit(lease.item, Actor(lease_holder(issued)), lease.token, labels.Answer(verdict="pass"))
    found, _ = walk(client, routes, house.values, canaries)
    assert ("held", "note of a peer") in leaks(canaries, found, ["held"])


def test_a_token_that_speaks_for_others_is_told_nothing_of_what_they_hold(house, project, canaries):
    issued = tokens.issue(project, "front end", [Scope.IMPERSONATE, Scope.LABELS_READ, Scope.TRACES_READ])
    client = Client(headers={"Authorization": f"Bearer {issued.text}"})
    routes = [
        each for each in route_table.routes() if each.access.door is Door.TOKEN and each.method == "GET"
    ]
    found, _ = walk(client, routes, house.values, canaries)
    assert leaks(canaries, found, ["held"]) == {}
    leases.release(house.lease.item, house.lease.item.assignments.get(token=house.lease.token).reviewer,
                   house.lease.token)  # fmt: skip
    found, _ = walk(client, routes, house.values, canaries)
    assert ("held", "note of a peer") in leaks(canaries, found, ["held"])


def lease_holder(issued):
    return reviewers.of_token(issued.token)
