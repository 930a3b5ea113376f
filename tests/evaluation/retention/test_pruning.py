"""After RETENTION_DAYS: what goes, what stays, and what happens when somebody labels it at that moment."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from evaluation.golden.draft import cases
from evaluation.golden.models import GoldenCase
from evaluation.retention import pruning
from ingest.models import Feedback, Score, Span, Trace, TraceRecord
from reviewapp.review import holding, items, labels, leases, snapshots
from reviewapp.review.actors import Actor
from reviewapp.review.models import Flag, Label, ReviewItem, Snapshot
from tests.evaluation.golden.entering import put_values
from tests.reviewapp.review import making as review

OLD = timedelta(days=91)


def age(traces=None, by=OLD):
    rows = Trace.objects.all() if traces is None else Trace.objects.filter(trace_id__in=traces)
    now = datetime.now(UTC)
    rows.update(first_seen=now - by, last_seen=now - by)


def names():
    return sorted(Trace.objects.values_list("trace_id", flat=True))


@pytest.fixture
def traces(project):
    return review.make_traces(project, 5)


def test_the_old_go_with_everything_and_the_young_stay(project, traces, settings):
    Span.objects.create(trace=traces[0], span_id="s", kind=1, start_ns=1, attributes={}, events=[],
                        resource={}, sha256=b"")  # fmt: skip
    Score.objects.create(project=project, trace=traces[0], key="k", name="n", sha256=b"",
                         timestamp=datetime.now(UTC), target_kind="trace", target_key="t")  # fmt: skip
    age(["t-00000", "t-00001", "t-00002"])
    Trace.objects.filter(trace_id="t-00002").update(last_seen=datetime.now(UTC))
    assert pruning.prune(0) == 0 and len(names()) == 5
    assert pruning.prune() == 2
    assert names() == ["t-00002", "t-00003", "t-00004"]
    assert not Span.objects.exists() and not Score.objects.exists() and TraceRecord.objects.count() == 3
    assert pruning.prune() == 0


def test_what_people_worked_on_stays_and_is_held(project, queue, rita, paul, traces):
    items.enqueue(queue, [each.trace_id for each in traces])
    labelled = leases.claim(queue, rita)
    labels.submit(labelled.item, Actor(rita), labelled.token, review.FAIL)
    flagged = leases.claim(queue, paul).item
    leases.release(flagged, paul, flagged.assignments.get().token)
    Flag.objects.create(item=flagged, reviewer=paul)
    free = {each.pk for each in traces} - {labelled.item.trace_id, flagged.trace_id}
    dataset = cases.open_dataset(project, "support", "x")
    put_values(dataset, [{"id": "c", "input": "q"}], "x")
    GoldenCase.objects.update(trace=free.pop())
    age()
    assert pruning.prune() == 2
    assert Trace.objects.filter(held=True).count() == Trace.objects.count() == 3
    assert Label.objects.count() == 1 and ReviewItem.objects.count() == 3


def test_what_is_on_a_screen_waits_and_its_snapshot_goes_after(queue, rita, traces):
    items.enqueue(queue, [traces[0].trace_id])
    lease = leases.claim(queue, rita)
    age()
    assert pruning.prune() == 4 and names() == ["t-00000"]
    assert snapshots.content(lease.item.snapshot)
    leases.release(lease.item, rita, lease.token)
    assert pruning.prune() == 1 and names() == []
    blank = Snapshot.objects.get()
    assert snapshots.content(blank) == {} and blank.erased_at
    # The same trace sent anew is shown again.
    again = snapshots.store(blank.project_id, {"x": 1})
    holding.blank({again.pk})
    snapshots.store(blank.project_id, {"x": 1})
    again.refresh_from_db()
    assert snapshots.content(again) == {"x": 1} and again.erased_at is None


def test_a_label_that_comes_at_this_moment_keeps_its_trace_alone(queue, rita, traces, monkeypatch):
    items.enqueue(queue, [traces[0].trace_id])
    lease = leases.claim(queue, rita)
    labels.submit(lease.item, Actor(rita), lease.token, review.FAIL)
    age()
    looked = []
    monkeypatch.setattr(pruning, "held", lambda batch: looked.append(batch) or set())
    assert pruning.prune() == 4 and names() == ["t-00000"] and Label.objects.exists()


def test_statements_without_a_trace_go_too(project):
    for model, more in ((Score, {"name": "n", "timestamp": datetime.now(UTC)}),
                        (Feedback, {"kind": "copy", "occurred_at": datetime.now(UTC)})):  # fmt: skip
        for key in ("old", "new"):
            model.objects.create(project=project, key=key, sha256=b"", target_kind="trace",
                                 target_key="never", **more)  # fmt: skip
        model.objects.filter(key="old").update(received_at=datetime.now(UTC) - OLD)
    pruning.prune()
    assert list(Score.objects.values_list("key", flat=True)) == ["new"]
    assert list(Feedback.objects.values_list("key", flat=True)) == ["new"]


def test_finding_what_is_due_reads_an_index(project, traces):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM ingest_trace WHERE NOT held AND first_seen < now() - interval '90 days'"
            " ORDER BY first_seen LIMIT 200"
        )
        assert "trace_prunable" in " ".join(row[0] for row in cursor.fetchall())
