"""Near-duplicates: few at the top, shown after the own submit, one verdict proposed for the rest."""

import pytest
from django.urls import reverse

from evaluation.ranking import alike, tasks
from evaluation.ranking.models import Alike
from ingest.models import Trace
from reviewapp.review import items, labels, leases, proposals
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import Draft, Label, ReviewItem
from tests.reviewapp.review.making import assert_sound, make_queue, make_traces

pytestmark = pytest.mark.django_db
LATE = "My parcel with the blue shoes has been lost for {} days, where is it now?"
OTHERS = ("How do I change my password?", "Cancel the subscription please", "Refund for a broken lamp")


@pytest.fixture
def queue(project):
    queue = make_queue(project)
    traces = make_traces(project, 10, "near")
    for number, trace in enumerate(traces):
        text = LATE.format(number) if number < 7 else OTHERS[number - 7]
        Trace.objects.filter(pk=trace.pk).update(input=text, output=f"Answer to {text}")
    items.enqueue(queue, [trace.trace_id for trace in traces])
    # Those that are alike came first, so they would all be served first.
    return queue


def served(queue):
    return [each.trace.input for each in queue.items.order_by("-rank", "pk").select_related("trace")]


def test_at_most_three_of_a_group_stand_at_the_top(queue):
    assert [text in OTHERS for text in served(queue)] == [False] * 7 + [True] * 3
    tasks.group()
    assert [text in OTHERS for text in served(queue)] == [False] * 3 + [True] * 3 + [False] * 4
    assert Alike.objects.values("leader").distinct().count() == 4
    before = served(queue)
    assert tasks.group() == 0 and served(queue) == before


def test_what_comes_later_joins_the_group_it_is_like(project, queue):
    tasks.group()
    fresh = make_traces(project, 2, "later")
    texts = (
        "My parcel with blue shoes is lost since 9 days, where is it?",
        "Do you sell gift cards in euros?",
    )
    for trace, text in zip(fresh, texts, strict=True):
        Trace.objects.filter(pk=trace.pk).update(input=text, output=f"Answer to {text}")
    items.enqueue(queue, [trace.trace_id for trace in fresh])
    tasks.group()
    first = queue.items.get(trace__input=LATE.format(0))
    near, far = (queue.items.get(trace=trace) for trace in fresh)
    assert near.alike.leader_id == first.pk and near.alike.place == 7
    assert far.alike.leader_id == far.pk


def test_the_audit_lane_keeps_its_order(queue):
    last = queue.items.get(trace__input=LATE.format(6))
    ReviewItem.objects.filter(pk=last.pk).update(
        lane="audit", audit_rank=5.0, u=0.5, day="2026-09-01", rank=None
    )
    tasks.group()
    last.refresh_from_db()
    assert (last.audit_rank, last.rank) == (5.0, None)


def labelled(queue, user):
    tasks.group()
    lease = leases.claim(queue, user)
    answer = Answer(verdict="fail", note="only for this one", failure_modes=[])
    labels.submit(lease.item, Actor(user), lease.token, answer)
    return lease.item


def test_the_group_is_shown_after_the_submit_only(queue, reviewer, lead, stranger):
    tasks.group()
    lease = leases.claim(queue, reviewer.user)
    address = reverse("items_alike", args=["refunds", lease.item.pk])
    propose = reverse("propose_alike", args=["refunds", lease.item.pk])
    assert reviewer.client.get(address).content == b""
    assert reviewer.client.post(propose).status_code == 404
    assert stranger.client.get(address).status_code == stranger.client.post(propose).status_code == 404
    labels.submit(lease.item, Actor(reviewer.user), lease.token, Answer(verdict="fail"))
    page = reviewer.client.get(address).content.decode()
    assert "7 like this" in page and "Propose fail for the 6 that wait" in page
    seen_by_lead = lead.client.get(address).content.decode()
    assert "7 like this" in seen_by_lead and "Propose" not in seen_by_lead
    assert lead.client.post(propose).status_code == 404


def test_a_proposal_for_one_is_told_of_one(queue, reviewer):
    item = labelled(queue, reviewer.user)
    ReviewItem.objects.exclude(pk__in=[item.pk, queue.items.exclude(pk=item.pk).earliest("pk").pk]).update(
        open_slots=0
    )
    address = reverse("propose_alike", args=["refunds", item.pk])
    page = reviewer.client.post(address, HTTP_HX_REQUEST="true").content.decode()
    assert "stands on 1 of them as a draft; it comes next." in page


def test_one_verdict_is_proposed_for_the_group_and_labels_nothing(queue, reviewer):
    item = labelled(queue, reviewer.user)
    drawn = queue.items.get(trace__input=LATE.format(6))
    ReviewItem.objects.filter(pk=drawn.pk).update(lane="audit", audit_rank=5.0, u=0.5, day="2026-09-01")
    address = reverse("propose_alike", args=["refunds", item.pk])
    page = reviewer.client.post(address, HTTP_HX_REQUEST="true").content.decode()
    assert "stands on 5 of them as a draft; they come next." in page
    assert Label.objects.count() == 1 and Draft.objects.count() == 5
    again = reviewer.client.post(address, HTTP_HX_REQUEST="true").content.decode()
    assert "You have begun all of them" in again and Draft.objects.count() == 5
    held = leases.held(queue, reviewer.user)
    assert {each.item.alike.leader_id for each in held} == {item.alike.leader_id} and len(held) == 5
    lease = held[0]
    body = Draft.objects.get(assignment=lease.assignment_id).body
    assert body["verdict"] == "fail" and "note" not in body
    form = reviewer.client.get(reverse("review", args=["refunds", queue.slug])).content.decode()
    assert 'value="fail" checked' in form or 'checked value="fail"' in form
    labels.submit(lease.item, Actor(reviewer.user), lease.token, Answer(verdict="pass"))
    assert Label.objects.filter(verdict="pass").count() == 1
    # Whoever ends the sitting gives the rest back, and keeps the drafts.
    reviewer.client.post(reverse("finish", args=["refunds", queue.slug]))
    assert leases.held(queue, reviewer.user) == [] and Draft.objects.count() == 4
    assert_sound(queue.project)


def test_of_a_large_group_only_the_first_are_held(queue, reviewer, monkeypatch):
    monkeypatch.setattr(proposals, "MOST_HELD", 2)
    item = labelled(queue, reviewer.user)
    address = reverse("propose_alike", args=["refunds", item.pk])
    page = reviewer.client.post(address, HTTP_HX_REQUEST="true").content.decode()
    assert "stands on 6 of them as a draft; the first 2 come next." in page
    assert len(leases.held(queue, reviewer.user)) == 2
    # The others wait with their drafts: there is nothing left to propose.
    shown = reviewer.client.get(reverse("items_alike", args=["refunds", item.pk])).content.decode()
    assert "like this" in shown and "Propose fail" not in shown


def test_what_stands_alone_shows_no_group(queue, reviewer):
    tasks.group()
    alone = queue.items.get(trace__input=OTHERS[0])
    assert alike.group_of(alone) is None
