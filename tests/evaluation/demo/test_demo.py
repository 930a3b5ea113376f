"""The demo's story is drawn by its seed alone, reads like many conversations, and can be sent twice."""

from __future__ import annotations

import json
import random
import subprocess
import urllib.request
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from itertools import combinations
from types import SimpleNamespace

import psycopg
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from evaluation.demo import judging
from evaluation.management.commands import demo
from ingest import sampling, shapes
from reviewapp.demo import bodies, larkfield, people, reactions, reviewing, sending, stories
from reviewapp.demo.traffic import Plan, conversations
from reviewapp.demo.turns import NATIVE, OPENINFERENCE, OTEL
from reviewapp.models import Membership, Role, User
from reviewapp.review import labels, leases
from reviewapp.review.actors import Actor
from reviewapp.serving import postgres
from tests import servers
from tests.reviewapp.review.making import FAIL, PASS, UNSURE, filled, make_queue, make_reviewer

PLAN = Plan(seed=7, anchor=datetime(2026, 11, 21, 15, 30, tzinfo=UTC), traces=400)


@pytest.fixture(scope="module")
def visits():
    return list(conversations(PLAN))


@pytest.fixture(scope="module")
def turns(visits):
    return [turn for visit in visits for turn in visit]


def signals_of(visits):
    return [
        signal
        for visit in visits
        for turn, following in zip(visit, [*visit[1:], None], strict=True)
        for signal in reactions.signals(turn, following)
    ]


def test_a_plan_follows_from_its_seed(visits):
    assert list(conversations(PLAN)) == visits
    assert next(conversations(replace(PLAN, seed=8))) != visits[0]


def test_a_longer_plan_begins_with_the_shorter_one(turns):
    longer = [turn for visit in conversations(replace(PLAN, traces=800)) for turn in visit]
    assert longer[:380] == turns[:380]
    assert len(longer) == 800


def test_reactions_follow_from_the_trace(turns, visits):
    assert [list(reactions.scores(turn)) for turn in turns] == [
        list(reactions.scores(turn)) for turn in turns
    ]
    assert signals_of(visits) == signals_of(visits)


def test_ids_are_unique(turns, visits):
    assert len({turn.trace_id for turn in turns}) == 400
    for statements in (signals_of(visits), [s for turn in turns for s in reactions.scores(turn)]):
        keys = [statement.key for statement in statements]
        assert len(set(keys)) == len(keys)


def test_twenty_random_conversations_differ(turns):
    for seed in range(5):
        drawn = random.Random(seed).sample(turns, 20)
        likeness = [SequenceMatcher(None, a.question, b.question).ratio() for a, b in combinations(drawn, 2)]
        assert sum(ratio > 0.8 for ratio in likeness) <= 2
        assert len({turn.route for turn in drawn}) >= 5
        assert len({turn.language for turn in drawn}) == 2


def test_the_story_has_all_that_it_should(turns):
    assert {turn.channel for turn in turns} == {OTEL, OPENINFERENCE, NATIVE}
    assert {turn.prompt_version for turn in turns} == {"v6", "v7"}
    assert len({turn.model.snapshot for turn in turns}) == 3
    assert {turn.finish for turn in turns} == {"stop", "length", "error"}
    assert {turn.flaw for turn in turns} >= {"wrong", "invented", "incomplete", "tone", "refusal", "language"}
    assert any(turn.tool for turn in turns)
    assert any(turn.history for turn in turns)
    assert all(PLAN.anchor - timedelta(days=71) < turn.started_at < PLAN.anchor for turn in turns)


def test_no_slot_is_left_open(turns):
    for turn in turns:
        assert "{" not in turn.question + turn.answer
        assert turn.answer or turn.error


def test_every_story_can_be_told(turns):
    """Also the texts that this seed did not draw have only slots that exist."""
    for story in stories.stories():
        words = stories.slots(story.language, random.Random(1), "1 May")
        flawed = [text for texts in story.flaws.values() for text in texts]
        for text in (*story.questions, *story.answers, *flawed):
            stories.fill(text, words)
        stories.fill_all(story.tool.arguments | story.tool.result if story.tool else {}, words)
        assert not story.answer_of or len(story.questions) == len(story.answer_of)
        assert all(place < len(story.answers) for place in story.answer_of)


def test_signals_lean_on_the_hidden_truth(turns, visits):
    flawed = {turn.trace_id for turn in turns if turn.flaw}
    thumbs = Counter(
        (signal.value, signal.trace_id in flawed) for signal in signals_of(visits) if signal.kind == "thumbs"
    )
    assert thumbs["down", True] > 2 * thumbs["down", False]
    assert thumbs["up", False] > 4 * thumbs["up", True]
    judged = [s for turn in turns for s in reactions.scores(turn) if s.name == "answer_quality" and s.label]
    failed = Counter((score.label, score.trace_id in flawed) for score in judged)
    assert failed["fail", True] > failed["pass", True]
    assert failed["pass", False] > 8 * failed["fail", False]


def test_spans_form_one_tree_a_trace(turns):
    chosen = [turn for turn in turns if turn.channel != NATIVE]
    request = ExportTraceServiceRequest.FromString(bodies.trace_request(chosen))
    by_trace = {}
    for resource in request.resource_spans:
        for span in resource.scope_spans[0].spans:
            by_trace.setdefault(span.trace_id.hex(), []).append(span)
    assert set(by_trace) == {turn.trace_id for turn in chosen}
    for spans in by_trace.values():
        ids = {span.span_id for span in spans}
        assert len(ids) == len(spans)
        root, *rest = spans
        assert not root.parent_span_id
        assert all(span.parent_span_id in ids for span in rest)
        assert all(
            root.start_time_unix_nano
            <= s.start_time_unix_nano
            <= s.end_time_unix_nano
            <= root.end_time_unix_nano
            for s in rest
        )


def test_native_bodies_have_the_contracts_shape(turns, visits):
    for turn in turns:
        if turn.channel == NATIVE:
            shapes.checked(bodies.native_trace(turn), shapes.TraceShape)
        for score in reactions.scores(turn):
            shapes.checked(bodies.native_score(score), shapes.ScoreBody)
    for signal in signals_of(visits):
        shapes.checked(bodies.native_feedback(signal), shapes.FeedbackBody)


def test_events_name_their_trace(turns):
    events = [s for turn in turns for s in reactions.scores(turn) if bodies.can_be_event(s, turn)]
    request = ExportLogsServiceRequest.FromString(bodies.evaluation_request(events))
    records = request.resource_logs[0].scope_logs[0].log_records
    assert [record.trace_id.hex() for record in records] == [event.trace_id for event in events]


def test_people_and_token_are_made_once(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    project, keys = larkfield.prepare()
    again, same = larkfield.prepare()
    assert (again, same) == (project, keys)
    assert project.tokens.count() == 1
    roles = dict(Membership.objects.filter(project=project).values_list("user__username", "role"))
    assert roles == {"hanna": Role.ADMIN} | dict.fromkeys(larkfield.REVIEWERS, Role.REVIEWER)
    assert User.objects.get(username="priya").check_password(keys.password)
    assert larkfield.keys_path().stat().st_mode & 0o077 == 0


def test_the_story_is_drawn_by_a_key_that_is_exchanged_after_it(db, settings, tmp_path):
    """Signed links and pseudonyms must not hang on a key that everyone knows."""
    settings.DATA_DIR = tmp_path
    project, _ = larkfield.prepare()
    assert bytes(project.secret) == larkfield.DRAWN_BY
    larkfield.keep_secret(project)
    project.refresh_from_db()
    own = bytes(project.secret)
    assert own != larkfield.DRAWN_BY and len(own) == 32
    larkfield.keep_secret(project)
    again, _ = larkfield.prepare()
    assert bytes(again.secret) == own


@pytest.mark.parametrize("days", [0, 101])
def test_what_is_drawn_says_that_the_assistant_did_not_move(days):
    """On whatever day the story ends, so that chance never blames the system beside the judge."""
    plan = replace(
        PLAN, seed=larkfield.SEED, anchor=PLAN.anchor + timedelta(days=days), traces=larkfield.TRACES
    )
    changed = plan.anchor - judging.CHANGED_BEFORE
    drawn = [
        turn
        for visit in conversations(plan)
        for turn in visit
        if sampling.draw(larkfield.DRAWN_BY, turn.trace_id) < larkfield.AUDIT
    ]
    since = [bool(turn.flaw) for turn in drawn if turn.started_at >= changed]
    before = [bool(turn.flaw) for turn in drawn if changed - timedelta(weeks=4) <= turn.started_at < changed]
    assert min(len(since), len(before)) > 300
    assert abs(sum(since) / len(since) - sum(before) / len(before)) < 0.01


def test_a_stranger_of_the_same_name_keeps_the_password(db, settings, tmp_path, other_project):
    settings.DATA_DIR = tmp_path
    user = User.objects.create_user("dan", password="a password of their own")
    Membership.objects.create(project=other_project, user=user, role=Role.ADMIN)
    larkfield.prepare()
    user.refresh_from_db()
    assert user.check_password("a password of their own")


def test_a_lost_key_file_means_new_keys(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    _, keys = larkfield.prepare()
    larkfield.keys_path().unlink()
    _, fresh = larkfield.prepare()
    assert fresh.token != keys.token
    assert User.objects.get(username="hanna").check_password(fresh.password)


def test_a_rejected_item_is_an_error():
    answer = b'{"accepted": 1, "pending": 0, "rejected": [{"index": 0, "error": "no id"}]}'
    with pytest.raises(sending.Refused, match="no id"):
        sending.result("/api/v1/traces", answer, sending.NDJSON)


def test_of_two_answers_reviewers_prefer_the_one_without_a_flaw(turns):
    flawed, good = ([turn for turn in turns if bool(turn.flaw) is bad][:30] for bad in (True, False))
    said = lambda a, b: Counter(people.preference(*pair, "priya")["preference"] for pair in zip(a, b))  # noqa: B905, E731
    assert said(flawed, good)["b"] > 25 and said(good, flawed)["a"] > 25
    assert said(flawed, flawed[::-1])["both_bad"] > 25
    assert {"tie", "a", "b"} == said(good, good[::-1]).keys()


def test_three_people_on_a_hard_case_differ_and_doubt_more_than_on_any(turns):
    flawed = [turn for turn in turns if turn.flaw]

    def differ(say):
        said = [[say(turn, name)["verdict"] for name in ("priya", "ines", "dan")] for turn in flawed]
        return [len(set(each)) > 1 for each in said], [each.count("cannot_tell") > 0 for each in said]

    usual, hard = differ(people.judgement), differ(people.strained)
    for before, now in zip(usual, hard, strict=True):
        assert sum(now) > 2 * sum(before) and sum(now) > len(flawed) / 4


@pytest.mark.django_db
def test_of_each_reason_some_wait_for_whoever_tries_the_demo(project):
    queue, rita, paul = make_queue(project, overlap=2), *(make_reviewer(project, name) for name in ("r", "p"))
    made = filled(queue, 16)
    for place in range(len(made)):
        for reviewer, answer in ((rita, PASS), (paul, FAIL if place % 2 else UNSURE)):
            lease = leases.claim(queue, reviewer)
            labels.submit(lease.item, Actor(reviewer), lease.token, answer)
    turns = {item.trace.trace_id: SimpleNamespace(flaw="") for item in made}
    reviewing.decide_most(queue.items.all(), turns, make_reviewer(project, "l", Role.LEAD))
    waits = Counter(queue.items.filter(state="adjudication").values_list("adjudication_reason", flat=True))
    assert waits == {"tie": reviewing.LEFT_OF_EACH, "cannot_tell": reviewing.LEFT_OF_EACH}


def test_the_box_is_a_box():
    lines = demo.box("http://127.0.0.1:8000", larkfield.Keys("pass-word", "ts_" + "0" * 81)).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "pass-word" in lines[3]


def everything(server: servers.Server, token: str) -> dict[str, object]:
    """All traces of the project, with their spans, scores and feedback, as the API reads them."""

    def get(path: str) -> dict[str, object]:
        request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    listed = get("/api/v1/traces?limit=200")["traces"]
    traces = {each["trace_id"]: get(f"/api/v1/traces/{each['trace_id']}") for each in listed}
    # The worker settles and routes traces while the test runs.
    left_out = {"audit": None, "reasons": None, "priority": None}
    return {trace_id: {**trace, **left_out} for trace_id, trace in traces.items()}


def go_quiet(server: servers.Server) -> None:
    """Nothing was heard of the traces for thirty seconds: those that the demo waits for."""
    place = postgres.Server(server.data_dir).place
    with psycopg.connect(
        host=str(place.socket), dbname=postgres.DATABASE, user=postgres.DATABASE, autocommit=True
    ) as connection:
        connection.execute(
            "UPDATE ingest_trace SET last_seen = last_seen - interval '30 seconds' "
            "WHERE project_id = (SELECT id FROM ingest_project WHERE slug = %s)",
            [larkfield.SLUG],
        )


def load(server: servers.Server) -> str:
    """What the command prints; what it has sent is made to be quiet at once."""
    command = server.command("demo", "--url", server.url, "--traces", "24")
    told = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=server.environment
    ) as process:
        for line in process.stderr:
            told.append(line)
            if line.startswith("24 traces in "):
                go_quiet(server)
        said = process.stdout.read().strip()
    assert process.returncode == 0, "".join(told)
    return said


@pytest.mark.server
def test_loading_twice_changes_nothing(server):
    said = load(server)
    token = json.loads((server.data_dir / "demo.json").read_text())["token"]
    assert token in said and "hanna" in said
    first = everything(server, token)
    assert load(server) == said
    assert everything(server, token) == first

    asked = urllib.request.Request(
        server.url + "/api/v1/queues", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(asked) as answer:
        overlaps = {told["slug"]: told["overlap"] for told in json.load(answer)["queues"]}
    assert overlaps == {"review": 1, "prompt-versions": 2, "hard-cases": 3}

    assert len(first) == 24
    assert any(score["name"] == judging.NAME for trace in first.values() for score in trace["scores"])
    assert all(trace["input"] and trace["route"] and trace["model"] for trace in first.values())
    assert all(trace["output"] or trace["error"] for trace in first.values())
    assert any(trace["calls"] and trace["context"] for trace in first.values())
    assert sum(len(trace["scores"]) for trace in first.values()) > 10
    assert sum(len(trace["feedback"]) for trace in first.values()) > 2
