"""Spans that are all new take a short road; it must leave what the long one leaves."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from ingest import intake, new_spans
from ingest.models import Span, Superseded, Trace
from ingest.otlp import protobuf
from ingest.otlp.decoding import Decoder
from ingest.redaction.masking import OFF
from tests.ingest import otlp

ODD = {
    "text": 'quote " back \\ slash \\u0000 \x01 ünïcode 🦦',
    "numbers": [2**63 - 1, -1, 0.1, 1e300],
    "nested": {"b": {"a": []}, "a": True},
}


def spans(*given):
    decoder = Decoder(OFF)
    protobuf.decode_traces(otlp.traces_body(given), decoder)
    return decoder.batch()


def story():
    """Batches of new spans: of one trace and many, of known and new ones, open, failed, with events."""
    first = [otlp.Span(trace_id=f"{n:032x}", span_id=f"{n:016x}", attributes=ODD) for n in range(1, 9)]
    more = [
        otlp.Span(trace_id=f"{n:032x}", span_id=f"{n + 100:016x}", parent_id="11" * 8, end_ns=0, status=2)
        for n in range(5, 12)
    ]
    told = otlp.Span(
        span_id="ab" * 8,
        message="it broke",
        attributes={"gen_ai.response.id": "r1"},
        events=[("exception", otlp.START + 5, {"exception.message": "it broke"})],
    )
    return [spans(*first), spans(*more), spans(told), spans(otlp.Span(kind=0, name="ö"))]


def rows(project):
    columns = [field.name for field in Span._meta.fields if field.name not in ("id", "trace")]
    found = Span.objects.filter(trace__project=project).order_by("trace__trace_id", "span_id")
    traces = Trace.objects.filter(project=project).order_by("trace_id")
    return (
        [{**row, "sha256": bytes(row["sha256"])} for row in found.values("trace__trace_id", *columns)],
        list(traces.values("trace_id", "revision", "started_at", "flags")),
        traces.filter(stale_since=None).count(),
        traces.filter(unsettled=None).count(),
    )


@pytest.mark.django_db
def test_both_roads_leave_the_same_rows(project, other_project, monkeypatch):
    for batch in story():
        assert new_spans.store(project.pk, batch, intake._first_times(batch))
    monkeypatch.setattr(new_spans, "MOST", 0)
    for batch in story():
        intake.store(other_project, batch)
    assert rows(project) == rows(other_project)
    assert len(rows(project)[0]) == 17


@pytest.mark.django_db(transaction=True)
def test_new_spans_are_stored_and_committed_by_one_statement(project):
    with CaptureQueriesContext(connection) as captured:
        for batch in story():
            intake.store(project, batch)
    assert len(captured) == len(story())


@pytest.mark.django_db
@pytest.mark.parametrize("limit", ["MOST", "MOST_CHARACTERS"])
def test_what_is_long_goes_by_copy(project, monkeypatch, limit):
    monkeypatch.setattr(new_spans, limit, 1)
    batch = story()[0]
    assert not new_spans.store(project.pk, batch, intake._first_times(batch))
    assert not Trace.objects.exists()
    intake.store(project, batch)
    assert Span.objects.count() == 8


@pytest.mark.django_db
def test_a_batch_with_one_known_span_is_left_to_the_long_road_untouched(project):
    intake.store(project, spans(otlp.Span()))
    before = list(Trace.objects.values())
    batch = spans(otlp.Span(name="other"), otlp.Span(span_id="22" * 8), otlp.Span(trace_id="bb" * 16))
    assert not new_spans.store(project.pk, batch, intake._first_times(batch))
    assert list(Trace.objects.values()) == before
    intake.store(project, batch)
    assert (Span.objects.count(), Superseded.objects.count()) == (3, 1)
    assert Trace.objects.get(trace_id="aa" * 16).flags == ["conflict"]


@pytest.mark.django_db(transaction=True)
def test_a_span_that_another_request_is_just_storing_is_stored_once(project):
    """The other one has not committed when this one looks, and has when this one writes."""
    is_written, may_commit = Event(), Event()
    mine, others = otlp.Span(span_id="22" * 8), otlp.Span()

    def slowly():
        with transaction.atomic():
            intake.store(project, spans(others))
            is_written.set()
            may_commit.wait(60)
        connection.close()

    def at_once():
        is_written.wait(60)
        batch = spans(mine, otlp.Span(name="other"))
        try:
            assert not new_spans.store(project.pk, batch, intake._first_times(batch))
            intake.store(project, batch)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        slow, fast = pool.submit(slowly), pool.submit(at_once)
        wait_for_a_lock()
        may_commit.set()
        slow.result(), fast.result()
    assert (Span.objects.count(), Superseded.objects.count()) == (2, 1)
    assert Trace.objects.get().flags == ["conflict"]


def wait_for_a_lock():
    with connection.cursor() as cursor:
        for _ in range(3000):
            cursor.execute(
                "SELECT count(*), pg_sleep(0.02) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                "WHERE NOT l.granted AND a.datname = current_database()"
            )
            if cursor.fetchone()[0]:
                return
    pytest.fail("nobody waited for the other")


@pytest.mark.django_db(transaction=True)
def test_writers_on_both_roads_never_wait_for_each_other_in_a_ring(project):
    """Every batch is stored whole or raises; overlapping ones in any order leave each span once."""
    chance = random.Random(11)
    every = [
        otlp.Span(trace_id=f"{n % 12 + 1:032x}", span_id=f"{n + 1:016x}", attributes={"n": n})
        for n in range(240)
    ]
    shares = [spans(*chance.sample(every, chance.choice((3, 12, 90)))) for _ in range(60)]
    shares += [spans(*every[start : start + 40]) for start in range(0, 240, 40)]

    def send(share):
        try:
            intake.store(project, share)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, shares))
    assert sorted(Span.objects.values_list("span_id", flat=True)) == [f"{n + 1:016x}" for n in range(240)]
    assert set(Trace.objects.values_list("flags__len", flat=True)) <= {0, None}
    assert not Superseded.objects.exists()
