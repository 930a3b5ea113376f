"""Every route of the resolver, as a reviewer: what others said of a trace that this reviewer has still to
judge is in no answer, no header and no redirect. Somewhere a lead or who has answered is told all of it, or
the canaries would prove nothing."""

import itertools
import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.test import Client

from evaluation.golden.draft import candidates, cases
from evaluation.golden.models import Candidate, GoldenVersion
from evaluation.golden.published import versions
from evaluation.judges.making import versions as judge_versions
from evaluation.judges.models import Judgment
from evaluation.judges.models import Kind as JudgeKind
from ingest import tokens
from ingest.access import Door
from ingest.models import AuditDraw, Feedback, Scope, Score, Span, Trace
from ingest.routing.models import Route, Unsettled
from reviewapp import route_table
from reviewapp.models import Role
from reviewapp.review import items, labels, leases, reviewers
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, Draft, Flag, ReviewItem
from tests.evaluation.golden.entering import put_values
from tests.evaluation.runs.reporting import report, results
from tests.reviewapp.review.making import START, make_queue, make_reviewer, make_traces

pytestmark = pytest.mark.django_db

# In every way in which a trace may still have to be judged by this reviewer.
STANDINGS = ("held", "waiting", "decided elsewhere", "left", "right", "drawn", "arriving")
PAGES = [route for route in route_table.routes() if route.access.door is Door.SESSION]
MINE = [route for route in PAGES if route.access.role in (None, "", Role.REVIEWER)]
# Another's account, or nothing of a project.
NOT_THEIRS = ("accounts/", "account")


class Canaries:
    """Words that stand nowhere else, each with the trace and the place where it was planted."""

    def __init__(self):
        self.places = {}

    def plant(self, trace, place):
        word = f"kanarie{len(self.places):04d}x"
        self.places[word] = (trace, place)
        return word

    def seen(self, response):
        body = b"".join(response.streaming_content) if response.streaming else response.content
        whole = body.decode(errors="replace") + json.dumps(dict(response.headers)) + str(response.cookies)
        return set(re.findall(r"kanarie\d{4}x", whole))


@pytest.fixture
def canaries():
    return Canaries()


def say(trace, standing, canary, version):
    """What judges, checks, users and rules say of it."""
    of = {"project": trace.project, "trace": trace, "target_kind": "trace", "target_key": trace.trace_id}
    Score.objects.create(
        **of, key=f"llm-{standing}", sha256=b"1" * 32, source="llm", name=canary("score name"), value=0.0123,
        label=canary("score label"), explanation=canary("rationale of a score"), timestamp=START,
        evaluator={"name": canary("evaluator"), "version": "1"},
    )  # fmt: skip
    Score.objects.create(
        **of, key=f"check-{standing}", sha256=b"1" * 32, source="code", name="check.empty", value=0,
        label="fail", explanation=canary("check finding"), timestamp=START,
    )  # fmt: skip
    Feedback.objects.create(
        **of, key=f"f-{standing}", sha256=b"1" * 32, kind="comment", comment=canary("comment of a user"),
        occurred_at=START,
    )  # fmt: skip
    Span.objects.create(
        trace=trace, span_id="root", parent_id="", name="chat", kind=1, start_ns=1, end_ns=2, status="ok",
        error="", scope="", response_id="", attributes={}, resource={}, sha256=b"2" * 32,
        events=[{"name": "gen_ai.evaluation.result", "time": START.isoformat(),
                 "attributes": {"gen_ai.evaluation.explanation": canary("evaluation of a span")}}],
    )  # fmt: skip
    Judgment.objects.create(
        version=version, trace=trace, origin="sample", progress="done", verdict="fail", score=0.91,
        confidence=0.8, rationale=canary("rationale of a judge"),
    )  # fmt: skip


def route(trace, canary, **more):
    reason = {"code": "score_below", "detail": canary("detail of a reason"), "rule": canary("rule")}
    Route.objects.create(
        trace=trace, queue="review", priority=0.7, reasons=[reason],
        terms={"p_fail": 0.0123, "by": canary("who ranked")}, **more,
    )  # fmt: skip


def answer(canary, verdict="fail"):
    return labels.Answer(
        verdict=verdict,
        note=canary("note of a peer"),
        corrected_output=canary("corrected output of a peer"),
        failure_modes=["tone"],
    )


@pytest.fixture
def house(project, reviewer, lead, api, canaries):
    """One trace in each standing; what is planted in it, and the real values of every part of an address."""
    traces = dict(zip(STANDINGS, make_traces(project, len(STANDINGS)), strict=True))
    Trace.objects.filter(project=project).update(started_at=datetime.now(UTC))
    version = judge_versions.create(project, "helpful", JudgeKind.RULES, parameters={"rules": []})
    words = {name: lambda place, name=name: canaries.plant(name, place) for name in STANDINGS}
    for name, trace in traces.items():
        say(trace, name, words[name], version)
    review, other = (make_queue(project, slug, overlap=2) for slug in ("review", "other"))
    pairs = make_queue(project, "pairs", kind="pair", overlap=2)
    peers = [make_reviewer(project, name) for name in ("peer", "second")]
    made = {}
    for name in ("held", "waiting", "decided elsewhere"):
        (made[name],) = items.enqueue(review, [traces[name].trace_id]).added
        ReviewItem.objects.filter(pk=made[name].pk).update(
            terms={"p_fail": 0.0123, "by": words[name]("who ranked the item")},
            reasons=[{"code": "score_below", "detail": words[name]("reason of the item")}],
        )
        route(traces[name], words[name], changed=False)
    ends = [traces[side].trace_id for side in ("left", "right")]
    (made["pair"],) = items.enqueue_pairs(pairs, [tuple(ends)]).added
    for name in ("held", "waiting"):
        label(made[name], peers[0], answer(words[name]))
        Flag.objects.create(item=made[name], reviewer=peers[0], note=words[name]("flag of a peer"))
        held = leases.reclaim(items.find(project, made[name].pk), peers[1])
        Draft.objects.create(assignment_id=held.assignment_id, body={"note": words[name]("draft of a peer")})
        leases.release(held.item, peers[1], held.token)
    said = labels.Answer(preference="a", note=words["left"]("note on a pair"))
    label(made["pair"], peers[0], said)
    # Confirmed in another queue, proposed for the golden set, and a case of a version by now.
    (elsewhere,) = items.enqueue(other, [traces["decided elsewhere"].trace_id]).added
    for peer in peers:
        label(elsewhere, peer, answer(words["decided elsewhere"]))
    candidate = candidates.propose(project, elsewhere.pk, "peer")
    Candidate.objects.filter(pk=candidate.pk).update(title=words["decided elsewhere"]("title of a candidate"))
    # Drawn, and its route not yet pulled; and one that has not settled.
    AuditDraw.objects.create(trace=traces["drawn"], u=0.01, stratum="", audit=0.5, judge=0.1)
    route(traces["drawn"], words["drawn"], changed=True, audit=True)
    Unsettled.objects.create(trace=traces["arriving"])
    lease = leases.reclaim(items.find(project, made["held"].pk), reviewer.user)
    dataset = cases.open_dataset(project, "support", "leo")
    values = [{"id": f"c{n}", "input": "q", "expected": str(n)} for n in range(3)]
    put_values(dataset, values, "leo")
    versions.publish(dataset, "leo", "first")
    run = report(
        api(Scope.RUNS_WRITE),
        "main",
        results(ids=["c0", "c1", "c2"]),
        to="/api/v1/golden/support/versions/1/runs",
    ).json()
    values = {
        "slug": [project.slug],
        "queue": ["review", "other", "pairs"],
        "trace_id": [trace.trace_id for trace in traces.values()],
        "pk": sorted({1, *(item.pk for item in made.values()), elsewhere.pk, candidate.pk, version.pk,
                      GoldenVersion.objects.get().pk}),
        "rubric": ["answer-quality"], "name": ["empty", "support", "helpful"], "case_id": ["c0"],
        "run_id": [run["run_id"]], "kind": ["report.md", "junit.xml"],
        "format": ["native.jsonl", "flat.csv"], "provider_id": ["oidc"], "number": ["1"],
    }  # fmt: skip
    return SimpleNamespace(traces=traces, items=made, lease=lease, values=values, elsewhere=elsewhere)


def label(item, user, said):
    lease = leases.reclaim(items.find(item.queue.project, item.pk), user)
    return labels.submit(lease.item, Actor(user), lease.token, said)


def addresses(route, values):
    """The route with every combination of real values. A part of an address that is not known fails here:
    plant something that this route could tell, and name its values above."""
    names = re.findall(r"<(?:\w+:)?(\w+)>", route.path)
    assert set(names) <= set(values), f"{route}: {names}"
    for chosen in itertools.product(*(values[name] for name in names)):
        filled = iter(chosen)
        yield "/" + re.sub(r"<(?:\w+:)?\w+>", lambda _, filled=filled: str(next(filled)), route.path)


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
