"""The one write: order and repetition change nothing, and conflicts are decided by content."""

import random
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.db import connection
from django.db.models import RestrictedError
from django.test.utils import CaptureQueriesContext

from ingest import intake, reading, readings, sampling, settling, tasks
from ingest.models import (
    AuditDraw,
    Feedback,
    LogRecord,
    Project,
    Route,
    SamplingRate,
    Score,
    Span,
    Superseded,
    Trace,
    TraceRecord,
)
from ingest.otlp import protobuf
from ingest.otlp.decoding import Decoder
from ingest.records import Batch, FeedbackRecord, ScoreRecord, Target, TraceBody, content_hash
from ingest.redaction.masking import OFF
from ingest.routing import rules
from ingest.trace_checks.vocabulary import KEY_PREFIX
from tests.ingest import otlp
from tests.ingest.otlp import Log, logs_body, traces_body

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
TRACE = "aa" * 16
ABOUT_TRACE = Target("trace", TRACE)


def spans(*given):
    decoder = Decoder(OFF)
    protobuf.decode_traces(traces_body(given), decoder)
    return decoder.batch()


def logs(*given):
    decoder = Decoder(OFF)
    protobuf.decode_logs(logs_body(given), decoder)
    return decoder.batch()


def score(key="s1", target=ABOUT_TRACE, value=0.5, at=NOON, name="tone"):
    digest = content_hash(key, target.kind, target.key, value, at.isoformat(), name)
    return ScoreRecord(key, target, name, value, "", None, "", "llm", {}, "", at, {}, digest)


def thumb(key="f1", target=ABOUT_TRACE, value="down", at=NOON):
    number = float(value == "up")
    digest = content_hash(key, target.key, value, at.isoformat())
    return FeedbackRecord(key, target, "thumbs", "", value, number, "", "ann", "", at, {}, digest)


def posted(trace_id=TRACE, at=NOON, **fields):
    return TraceBody(trace_id, at, None, at, fields, content_hash(trace_id, at.isoformat(), fields))


def state(project):
    """Everything that must not depend on the order of arrival, as plain values."""
    statement = ("key", "trace__trace_id", "span_id", "target_kind", "target_key", "sha256")
    columns = [
        field.name
        for field in Trace._meta.fields
        if field.name not in ("id", "project", "first_seen", "last_seen", "revision", "search")
    ]
    return {
        "traces": list(Trace.objects.filter(project=project).order_by("trace_id").values(*columns)),
        "spans": sorted(
            map(
                str,
                Span.objects.filter(trace__project=project).values_list(
                    "trace__trace_id", "span_id", "sha256"
                ),
            )
        ),
        "logs": sorted(
            map(str, LogRecord.objects.filter(trace__project=project).values_list("name", "sha256"))
        ),
        "bodies": sorted(map(str, TraceRecord.objects.filter(trace__project=project).values_list("sha256"))),
        "scores": list(Score.objects.filter(project=project).order_by("key").values(*statement, "value")),
        "feedback": list(
            Feedback.objects.filter(project=project).order_by("key").values(*statement, "value")
        ),
        "superseded": sorted(
            map(str, Superseded.objects.filter(project=project).values_list("kind", "key", "sha256"))
        ),
        "draws": list(
            AuditDraw.objects.filter(trace__project=project)
            .order_by("trace__trace_id")
            .values("u", "stratum", "drawn")
        ),
        "routes": list(
            Route.objects.filter(trace__project=project)
            .order_by("trace__trace_id", "queue")
            .values_list("trace__trace_id", "queue", "reasons", "terms", "priority", "audit")
        ),
    }


def batches():
    """One story in pieces: open and ended spans, a conflict, logs, bodies, statements of every target."""
    other = "bb" * 16
    answer = {"gen_ai.operation.name": "chat", "gen_ai.response.id": "resp-1"}
    return [
        spans(otlp.Span(name="POST /chat")),
        spans(otlp.Span(span_id="22" * 8, parent_id="11" * 8, attributes=answer)),
        spans(otlp.Span(span_id="33" * 8, parent_id="11" * 8, end_ns=0)),
        spans(otlp.Span(span_id="33" * 8, parent_id="11" * 8)),
        spans(otlp.Span(span_id="44" * 8, name="said once"), otlp.Span(span_id="44" * 8, name="said twice")),
        spans(otlp.Span(trace_id=other, span_id="22" * 8), otlp.Span(trace_id=other, span_id="55" * 8)),
        spans(otlp.Span(span_id="66" * 8, parent_id="11" * 8, attributes=answer)),
        spans(otlp.Span(trace_id=other, attributes={"nul": "\x00"})),
        logs(Log(span_id="22" * 8, body={"content": "hello"}), Log(trace_id=other, name="gen_ai.choice")),
        Batch(bodies=[posted(route="refund", input="hi")]),
        Batch(bodies=[posted(route="returns", output="bye", at=NOON + timedelta(minutes=1))]),
        Batch(scores=[score(), score("s2", Target("trace", "unheard of"))]),
        Batch(scores=[score(value=0.7), score(value=0.1, at=NOON + timedelta(minutes=1))]),
        Batch(scores=[score("s3", Target("span", "22" * 8)), score("s4", Target("span", "55" * 8))]),
        Batch(scores=[score("s5", Target("response", "resp-1")), score("s6", Target("response", "none"))]),
        Batch(feedback=[thumb(), thumb("f2", value="up"), thumb("f1", value="up")]),
    ]


def arrive(project, story):
    for batch in story:
        intake.store(project, batch)
    tasks.read_stale(rest=timedelta(0))
    tasks.attach_pending()
    Trace.objects.filter(project=project).update(first_seen=NOON)
    tasks.settle_due()


def test_the_order_and_the_number_of_arrivals_do_not_matter(project):
    rules.create_default_rules(project)
    arrive(project, batches())
    expected = state(project)
    assert len(expected["spans"]) == 8
    sent = [row for row in expected["scores"] if not row["key"].startswith(KEY_PREFIX)]
    assert {row["key"]: row["trace__trace_id"] for row in sent} == {
        "s1": TRACE,
        "s2": None,
        "s3": None,  # two traces have such a span
        "s4": "bb" * 16,
        "s5": TRACE,
        "s6": None,
    }
    assert next(row["value"] for row in expected["scores"] if row["key"] == "s1") == 0.1
    assert len(expected["superseded"]) == 5
    # It was thumbs up in the end; the other trace has a low score, and both were drawn.
    assert [route[0] for route in expected["routes"]] == [TRACE, "bb" * 16]
    assert {reason["code"] for reason in expected["routes"][0][2]} == {"score_below", "audit"}
    assert [row["flags"] for row in expected["traces"]] == [["conflict"], ["sanitised"]]
    for seed in range(12):
        chance = random.Random(seed)
        story = batches() + chance.sample(batches(), 6)
        chance.shuffle(story)
        shuffled = Project.objects.create(slug=f"shuffled-{seed}", secret=project.secret)
        rules.create_default_rules(shuffled)
        for batch in story:
            intake.store(shuffled, batch)
            if chance.random() < 0.3:
                tasks.read_stale(rest=timedelta(0))
        arrive(shuffled, [])
        assert state(shuffled) == expected, f"seed {seed}"


def test_a_batch_stored_again_changes_nothing_and_wakes_nothing(project):
    story = [
        spans(otlp.Span()),
        logs(Log(body="x")),
        Batch(bodies=[posted(input="hi")]),
        Batch(scores=[score()]),
    ]
    arrive(project, story)
    before = list(Trace.objects.values("revision", "last_seen", "stale_since", "flags"))
    for batch in story:
        intake.store(project, batch)
    assert list(Trace.objects.values("revision", "last_seen", "stale_since", "flags")) == before


def test_a_span_after_settling_is_kept_and_flagged(project):
    arrive(project, [spans(otlp.Span())])
    draw = AuditDraw.objects.values().get()
    arrive(project, [spans(otlp.Span(span_id="22" * 8))])
    assert Trace.objects.get().flags == ["late"]
    assert Trace.objects.get().span_count == 2
    assert AuditDraw.objects.values().get() == draw


def test_an_ended_span_beats_an_open_one_whose_hash_is_greater(project):
    story = []
    for number in range(8):
        span_id = f"{number + 1:016x}"
        pair = [spans(otlp.Span(span_id=span_id)), spans(otlp.Span(span_id=span_id, end_ns=0))]
        story += pair if number % 2 else pair[::-1]
    arrive(project, story)
    assert Span.objects.filter(end_ns__isnull=True).count() == 0
    assert Superseded.objects.filter(kind="span").count() == 8
    assert Trace.objects.get().flags == []


def test_a_statement_and_its_trace_committed_unseen_by_each_other_are_brought_together(project):
    intake.store(project, Batch(scores=[score()], feedback=[thumb()]))
    Trace.objects.create(project=project, trace_id=TRACE, started_at=NOON, stale_since=None)
    assert tasks.attach_pending() == 2
    assert Score.objects.get().trace.trace_id == TRACE


def test_a_second_span_takes_a_score_from_the_first_and_a_second_trace_takes_it_back(project):
    carrier = {"gen_ai.response.id": "resp-1"}
    arrive(project, [Batch(scores=[score(target=Target("response", "resp-1"))])])
    arrive(project, [spans(otlp.Span(attributes=carrier))])
    assert Score.objects.get(key="s1").span_id == "11" * 8
    arrive(project, [spans(otlp.Span(span_id="22" * 8, attributes=carrier))])
    assert (Score.objects.get(key="s1").trace.trace_id, Score.objects.get(key="s1").span_id) == (TRACE, "")
    arrive(project, [spans(otlp.Span(trace_id="cc" * 16, attributes=carrier))])
    assert Score.objects.get(key="s1").trace is None


def test_a_foreign_id_finds_the_trace_that_is_tagged_with_it(project):
    arrive(project, [Batch(scores=[score(target=Target("external", "zendesk:17:3"))])])
    assert Score.objects.get().trace is None
    arrive(project, [Batch(bodies=[posted(tags={"zendesk": "17:3"})])])
    assert Score.objects.get().trace.trace_id == TRACE


def test_statements_of_one_project_never_meet_traces_of_another(project, other_project):
    arrive(project, [spans(otlp.Span(attributes={"gen_ai.response.id": "resp-1"}))])
    targets = [Target("trace", TRACE), Target("span", "11" * 8), Target("response", "resp-1")]
    statements = [score(f"s{number}", target) for number, target in enumerate(targets)]
    stored = intake.store(other_project, Batch(scores=statements))
    arrive(other_project, [])
    assert stored.pending_scores == {0, 1, 2}
    assert Score.objects.filter(project=other_project, trace__isnull=False).count() == 0


def test_a_failing_batch_leaves_nothing_behind(project):
    broken = spans(otlp.Span(), otlp.Span(span_id="22" * 8))
    broken.spans[1] = broken.spans[1]._replace(status="longer than its column")
    with pytest.raises(Exception, match="too long"):
        intake.store(project, broken)
    assert not Trace.objects.exists()


def test_a_quiet_ended_trace_settles_once_and_others_wait(project):
    arrive(project, [])
    intake.store(project, spans(otlp.Span()))
    intake.store(project, spans(otlp.Span(trace_id="bb" * 16, parent_id="99" * 8, end_ns=0)))
    tasks.read_stale(rest=timedelta(0))
    assert tasks.settle_due() == 0
    Trace.objects.update(last_seen=datetime.now(UTC) - settling.QUIET)
    assert tasks.settle_due() == 1
    assert tasks.settle_due() == 0
    assert AuditDraw.objects.get().trace.trace_id == TRACE
    Trace.objects.update(first_seen=datetime.now(UTC) - settling.PATIENCE)
    assert tasks.settle_due() == 1
    assert AuditDraw.objects.filter(drawn=True).count() == 2


def test_the_number_of_queries_does_not_grow_with_the_batch(project):
    def queries(count, name):
        names = [(f"{number + 1:016x}", f"{name}{number % 7:030x}") for number in range(count)]
        many = spans(*[otlp.Span(span_id=span_id, trace_id=trace_id) for span_id, trace_id in names])
        with CaptureQueriesContext(connection) as captured:
            intake.store(project, many)
        return len(captured)

    assert queries(1, "d1") == queries(60, "d2") <= 3
    assert queries(100, "d3") == queries(1000, "d4") <= 12


def test_a_trace_is_held_against_the_rate_in_force_when_it_was_first_seen(project, other_project):
    def rate(audit, days, of=project, stratum=""):
        since = NOON + timedelta(days=days)
        return SamplingRate.objects.create(
            project=of, stratum=stratum, audit=audit, judge=0.5, effective_from=since
        )

    for given in ((0.9, -9), (0.3, 1), (0.2, 0, other_project), (0.1, 0, project, "refund")):
        rate(*given)
    in_force = rate(0.0, -1)
    arrive(project, [spans(otlp.Span())])
    draw = AuditDraw.objects.get()
    assert (draw.rate, draw.audit, draw.judge, draw.drawn) == (in_force, 0.0, 0.5, False)
    with pytest.raises(RestrictedError):
        in_force.delete()


def test_settling_takes_as_many_queries_for_many_traces_as_for_one(project):
    def queries(first, last):
        names = [f"{number:032x}" for number in range(first, last)]
        arriving = spans(*[otlp.Span(trace_id=name) for name in names])
        intake.store(project, arriving)
        tasks.read_stale(rest=timedelta(0))
        Trace.objects.update(first_seen=NOON)
        with CaptureQueriesContext(connection) as captured:
            assert tasks.settle_due() == len(names)
        return len(captured)

    # The first trace brings a new slice.
    assert queries(1, 2) >= queries(2, 60)


def test_the_draw_is_the_published_vector():
    assert sampling.draw(b"project-secret", "trace-1") == pytest.approx(0.2030328954946683, abs=1e-16)


def test_draws_fill_the_unit_interval_evenly():
    draws = [sampling.draw(b"x" * 32, f"trace-{number}") for number in range(20_000)]
    assert all(0 <= u < 1 for u in draws)
    # 4 standard deviations of a binomial share at .1 and n = 20,000
    assert abs(sum(u < 0.1 for u in draws) / 20_000 - 0.1) < 4 * (0.1 * 0.9 / 20_000) ** 0.5


def test_the_worker_waits_until_a_trace_has_rested_or_is_out_of_patience(project):
    intake.store(project, spans(otlp.Span()))
    assert tasks.read_stale() == 0
    Trace.objects.update(stale_since=datetime.now(UTC) - tasks.PATIENCE)
    assert tasks.read_stale() == 1
    intake.store(project, spans(otlp.Span(span_id="22" * 8)))
    Trace.objects.update(last_seen=datetime.now(UTC) - tasks.REST)
    assert tasks.read_stale() == 1
    assert Trace.objects.get().span_count == 2


def test_a_trace_that_cannot_be_read_is_flagged_and_holds_up_no_other(project, monkeypatch, caplog):
    def failing(spans, logs, bodies):
        if spans[0].name == "broken":
            raise ValueError("no dialect foresaw this")
        return reading.read(spans, logs, bodies)

    intake.store(project, spans(otlp.Span(name="broken"), otlp.Span(trace_id="bb" * 16)))
    monkeypatch.setattr(readings, "read", failing)
    assert tasks.read_stale(rest=timedelta(0)) == 2
    found = Trace.objects.order_by("trace_id")
    assert [trace.flags for trace in found] == [["unreadable"], []]
    assert [trace.span_count for trace in found] == [1, 1]
    assert "no dialect foresaw this" in caplog.text
    monkeypatch.undo()
    intake.store(project, spans(otlp.Span(span_id="22" * 8)))
    tasks.read_stale(rest=timedelta(0))
    assert Trace.objects.get(trace_id=TRACE).span_count == 2


LONG = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9000))


def test_names_of_any_length_are_cut_in_the_columns_and_hold_up_no_other_project(project, other_project):
    long = {"session.id": LONG, "user.id": LONG, "touchstone.route": LONG, "gen_ai.request.model": LONG}
    intake.store(project, spans(otlp.Span(attributes=long | {"gen_ai.operation.name": "chat"})))
    intake.store(other_project, spans(otlp.Span()))
    assert tasks.read_stale(rest=timedelta(0)) == 2
    Trace.objects.update(first_seen=NOON)
    assert tasks.settle_due() == 2
    trace = Trace.objects.get(project=project)
    assert {len(trace.session_id), len(trace.user_id), len(trace.route)} == {readings.SHORT_CHARACTERS}
    assert trace.flags == []


def test_a_reading_that_the_database_refuses_is_given_up_alone(project, other_project, monkeypatch, caplog):
    monkeypatch.setattr(readings, "SHORT_CHARACTERS", 10_000)
    intake.store(project, spans(otlp.Span(attributes={"session.id": LONG})))
    intake.store(other_project, spans(otlp.Span()))
    tasks.read_stale(rest=timedelta(0))
    assert Trace.objects.get(project=project).flags == ["unreadable"]
    assert not Trace.objects.filter(stale_since__isnull=False).exists()
    assert Trace.objects.get(project=other_project).span_count == 1
    assert "cannot be kept" in caplog.text


def test_a_score_leaves_the_trace_whose_span_no_longer_carries_its_response_id(project):
    early = spans(otlp.Span(end_ns=0, attributes={"gen_ai.response.id": "A"}))
    late = spans(otlp.Span(attributes={"gen_ai.response.id": "B"}))
    said = Batch(scores=[score(target=Target("response", "A"))])
    for number, story in enumerate(permutations([early, late, said])):
        place = Project.objects.create(slug=f"place-{number}")
        for batch in story:
            intake.store(place, batch)
            tasks.read_stale(rest=timedelta(0))
        assert Score.objects.get(project=place).trace is None, f"order {number}"


def test_a_foreign_id_may_be_a_number_in_the_tags(project):
    arrive(project, [Batch(scores=[score(target=Target("external", "crm:4711"))])])
    arrive(project, [Batch(bodies=[posted(tags={"crm": 4711})])])
    assert Score.objects.get().trace.trace_id == TRACE


def test_foreign_ids_that_are_no_numbers_are_looked_for_in_the_index_of_tags(project):
    """The index is asked for all forms of an id at once, whatever stands before them in the condition."""
    others = (
        Trace(project=project, trace_id=str(n), started_at=datetime.now(UTC), tags={"n": n})
        for n in range(1500)
    )
    Trace.objects.bulk_create(others)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ingest_trace")
    other = score("other", target=Target("external", "crm:none-of-these"))
    arrive(project, [Batch(scores=[score("own", target=Target("external", "crm:order-a")), other])])
    arrive(project, [Batch(bodies=[posted(tags={"crm": "order-a", "none": None})])])
    assert Score.objects.get(key="own").trace.trace_id == TRACE
    assert Score.objects.get(key="other").trace is None
    assert tasks.attach_pending() == 0
