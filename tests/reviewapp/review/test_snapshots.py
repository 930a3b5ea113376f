"""What is made ahead of the reviewers: by the hundred, and never in the way of a claim."""

import pytest
from django.db import connection, transaction

from reviewapp.review import items, leases, snapshots
from reviewapp.review.models import ItemKind, ReviewItem, Snapshot
from tests.reviewapp.review.making import filled, make_queue, make_traces, together


@pytest.fixture
def far(monkeypatch):
    """As if nobody were near."""
    monkeypatch.setattr(snapshots, "NEAR", 0)


def kept(item):
    item.refresh_from_db()
    return item.snapshot and (snapshots.content(item.snapshot), item.seen_revision, item.seen_other_revision)


@pytest.mark.django_db
def test_many_are_made_as_each_alone_is(queue, far):
    alone, *ahead = filled(queue, 4)
    assert snapshots.prepare() == 4
    for item in ahead:
        shown = snapshots.content(snapshots.of_trace(item.trace))
        assert kept(item) == (shown, 1, None)
    before = kept(alone)
    ReviewItem.objects.filter(pk=alone.pk).update(snapshot=None, seen_revision=None)
    alone.refresh_from_db()
    assert snapshots.look(alone) is False
    assert kept(alone) == before
    assert Snapshot.objects.count() == 4


@pytest.mark.django_db
def test_many_pairs_are_made_as_pairs(project, far):
    pairs = make_queue(project, "pairs", kind=ItemKind.PAIR)
    make_traces(project, 3, "v")
    added = items.enqueue_pairs(pairs, [("v-00000", "v-00001"), ("v-00001", "v-00002")]).added
    snapshots.prepare()
    for item in added:
        shown, *revisions = kept(item)
        assert (shown["a"]["trace_id"], shown["b"]["trace_id"]) == (
            item.trace.trace_id,
            item.other_trace.trace_id,
        )
        assert revisions == [1, 1]


@pytest.mark.django_db
def test_of_many_each_is_stored_once_and_an_erased_one_has_its_bytes_again(project, other_project):
    known = snapshots.store(project.pk, {"x": 1})
    Snapshot.objects.filter(pk=known.pk).update(bytes=b"", erased_at="2026-09-01T00:00Z")
    shown = [
        (project.pk, {"x": 1}),
        (project.pk, {"x": 2}),
        (project.pk, {"x": 2}),
        (other_project.pk, {"x": 1}),
    ]
    stored = snapshots.store_many(shown)
    assert [each.pk == known.pk for each in stored] == [True, False, False, False]
    assert stored[1].pk == stored[2].pk != stored[3].pk
    for each in stored:
        found = Snapshot.objects.get(pk=each.pk)
        assert bytes(found.bytes) == bytes(each.bytes) and found.erased_at is None
        assert (found.project_id, bytes(found.sha256), found.created_at) == (
            each.project_id, each.sha256, each.created_at,
        )  # fmt: skip
    assert snapshots.store_many([]) == []


@pytest.mark.django_db(transaction=True)
def test_what_someone_holds_is_passed_over(queue, far):
    held, free = filled(queue, 2)

    def prepare_while_held():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT FROM reviewapp_reviewitem WHERE id = %s FOR NO KEY UPDATE", [held.pk])
            together([snapshots.prepare])

    together([prepare_while_held])
    assert kept(held) is None and kept(free) is not None
    snapshots.prepare()
    assert kept(held) is not None


@pytest.mark.django_db
def test_where_a_reviewer_may_be_just_now_each_is_written_alone(queue, rita, monkeypatch):
    filled(queue, 3)
    written = []
    monkeypatch.setattr(snapshots, "_keep_firsts", lambda items, stored: written.extend(items))
    monkeypatch.setattr(snapshots, "NEAR", 2)
    snapshots.prepare()
    assert [item.trace.trace_id for item in written] == ["review-00002"]
    assert leases.claim(queue, rita).item.snapshot_id is not None
