"""The page of one reviewer: who may open it, what it says, and what it keeps back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from ingest import tokens
from ingest.models import Scope
from reviewapp.models import Membership
from reviewapp.review import items as stand
from reviewapp.review import labels, leases, repeats, resolutions, reviewers
from reviewapp.review.actors import Actor
from reviewapp.review.models import Assignment, ReviewItem, SkipReason
from reviewapp.screen import person
from tests.reviewapp.review.making import FAIL, PASS, filled, make_queue, make_reviewer, make_traces

pytestmark = pytest.mark.django_db


@pytest.fixture
def double(project):
    """Two answer each item; three wait."""
    queue = make_queue(project, "double", overlap=2, name="Refunds")
    filled(queue, 3)
    return queue


def label(queue, user, answer=PASS):
    lease = leases.claim(queue, user)
    labels.submit(lease.item, Actor(user), lease.token, answer)
    return lease.item


def opened(reader, user, project, **params):
    return reader.client.get(reverse("reviewer", args=[project.slug, user.pk]), params)


def told(reader, user, project):
    answer = opened(reader, user, project)
    assert answer.status_code == 200
    return answer.context["told"]


def test_leads_open_anyones_page_and_reviewers_their_own(project, double, lead, owner, reviewer, stranger):
    peer = make_reviewer(project, "paul")
    for reader, user, status in (
        (lead, peer, 200), (owner, reviewer.user, 200), (lead, lead.user, 200),
        (reviewer, reviewer.user, 200),
        (reviewer, peer, 404), (reviewer, lead.user, 404), (stranger, peer, 404), (lead, stranger.user, 404),
    ):  # fmt: skip
        assert opened(reader, user, project).status_code == status, (reader.user, user)


def test_it_says_pace_agreement_and_what_was_given(project, double, lead, reviewer):
    peer = make_reviewer(project, "paul")
    for _ in range(2):
        label(double, peer)
        item = label(double, reviewer.user, FAIL)
    story = told(lead, reviewer.user, project)
    assert [pace.labels for _, pace in story.spans] == [2, 2, 2]
    assert [(each.said, each.outcome) for each in story.given] == [("fail", "a lead decides")] * 2
    page = opened(lead, reviewer.user, project).content.decode()
    assert "too few, 30 more" in page and "double-00001" in page
    resolutions.adjudicate(item, lead.user, verdict="pass")
    assert {each.outcome for each in told(lead, reviewer.user, project).given} == {"pass", "a lead decides"}
    assert reverse("decide", args=[project.slug, item.pk]) in page


def test_a_label_on_what_was_revealed_with_another_item_tells_no_outcome_by_itself(
    project, double, lead, reviewer
):
    peer = make_reviewer(project, "paul")
    item = label(double, reviewer.user)
    labels.reveal(item, Actor(reviewer.user))
    second = make_queue(project, "second", overlap=2)
    stand.enqueue(second, [item.trace.trace_id])
    for user in (peer, reviewer.user):
        label(second, user, FAIL)
    assert not Assignment.objects.get(item__queue=second, reviewer=reviewer.user).current.blind
    outcomes = {each.item.queue.slug: each.outcome for each in told(reviewer, reviewer.user, project).given}
    assert outcomes["second"] == ""


def test_each_span_counts_its_own_part_of_what_one_statement_reads(project, double, lead, reviewer):
    label(double, reviewer.user)
    label(double, reviewer.user, FAIL)
    lease = leases.claim(double, reviewer.user)
    leases.skip(lease.item, reviewer.user, lease.token, next(iter(SkipReason)))
    ages = zip(Assignment.objects.order_by("pk"), (60, 20, 1), strict=True)
    for assignment, days in ages:
        before = timezone.now() - timedelta(days=days)
        Assignment.objects.filter(pk=assignment.pk).update(claimed_at=before)
    with CaptureQueriesContext(connection) as asked:
        story = told(lead, reviewer.user, project)
    counted = [(words, pace.labels, pace.fails, pace.skipped) for words, pace in story.spans]
    assert counted == [("7 days", 0, 0, 1), ("30 days", 1, 1, 1), ("90 days", 2, 1, 1)]
    assert sum("percentile_cont" in each["sql"] for each in asked) == 1
    Assignment.objects.update(claimed_at=timezone.now() - timedelta(days=60))
    assert [pace is None for _, pace in told(lead, reviewer.user, project).spans] == [True, True, False]


def test_what_a_lead_is_judging_just_now_is_told_after_the_own_submit(project, double, lead, reviewer):
    item = label(double, reviewer.user, FAIL)
    lease = leases.reclaim(stand.find(project, item.pk), lead.user)
    page = opened(lead, reviewer.user, project).content.decode()
    (given,) = told(lead, reviewer.user, project).given
    assert (given.said, given.outcome) == ("", "")
    assert (
        "told after your own submit" in page and reverse("decide", args=[project.slug, item.pk]) not in page
    )
    labels.submit(lease.item, Actor(lead.user), lease.token, FAIL)
    (given,) = told(lead, reviewer.user, project).given
    assert (given.said, given.outcome) == ("fail", "fail")


def test_what_a_lead_is_judging_in_another_queue_or_in_a_pair_is_not_told_either(project, lead, reviewer):
    one, two = make_traces(project, 2, prefix="both")
    queue, pairs = make_queue(project, "one"), make_queue(project, "pairs", kind="pair")
    stand.enqueue(queue, [two.trace_id])
    label(queue, reviewer.user, FAIL)
    stand.enqueue_pairs(pairs, [(one.trace_id, two.trace_id)])
    assert told(lead, reviewer.user, project).given[0].said == "fail"
    leases.claim(pairs, lead.user)
    assert told(lead, reviewer.user, project).given[0].said == ""


def test_a_reviewer_learns_an_outcome_only_where_the_item_was_opened(project, double, reviewer):
    item = label(double, reviewer.user, FAIL)
    label(double, make_reviewer(project, "paul"), FAIL)
    (given,) = told(reviewer, reviewer.user, project).given
    assert (given.said, given.outcome) == ("fail", "")
    assert "not told yet" in opened(reviewer, reviewer.user, project).content.decode()
    labels.reveal(item, Actor(reviewer.user))
    (given,) = told(reviewer, reviewer.user, project).given
    assert (given.said, given.outcome) == ("fail", "fail")
    stand.enqueue(make_queue(project, "again"), [item.trace.trace_id])
    assert told(reviewer, reviewer.user, project).given[0].outcome == ""


def test_ones_own_preference_has_the_letter_that_was_seen(project, lead, reviewer):
    traces = make_traces(project, 2, prefix="pair")
    queue = make_queue(project, "pairs", kind="pair")
    stand.enqueue_pairs(queue, [tuple(trace.trace_id for trace in traces)])
    item = label(queue, reviewer.user, labels.Answer(preference="b"))
    resolutions.adjudicate(item, lead.user, preference="b")
    Assignment.objects.update(display_order="ba")
    labels.reveal(item, Actor(reviewer.user))
    own, seen = (told(reader, reviewer.user, project).given[0] for reader in (reviewer, lead))
    assert (own.said, own.outcome) == ("A is better", "A is better")
    assert (seen.said, seen.outcome) == ("B is better", "B is better")


def test_older_labels_follow_page_by_page_at_the_same_cost(project, lead, reviewer, monkeypatch):
    monkeypatch.setattr(person, "LABELS_A_PAGE", 2)
    queue = make_queue(project)
    filled(queue, 5)
    label(queue, reviewer.user)
    with CaptureQueriesContext(connection) as few:
        opened(lead, reviewer.user, project)
    given = [label(queue, reviewer.user).pk for _ in range(4)]
    found, before = [], ""
    for _ in range(3):
        with CaptureQueriesContext(connection) as many:
            story = opened(lead, reviewer.user, project, before=before).context["told"]
        assert len(many) <= len(few) + 1
        found += [each.item.pk for each in story.given]
        before = story.following or ""
    assert before == "" and len(found) == 5 and found[:4] == given[::-1]


def test_an_odd_address_shows_the_first_page(project, double, lead, reviewer):
    label(double, reviewer.user)
    for before in ("x", "-1", "9" * 30, "\0"):
        assert len(opened(lead, reviewer.user, project, before=before).context["told"].given) == 1


def test_a_token_that_reviews_and_who_has_left_have_a_page_too(project, double, lead, reviewer):
    robot = reviewers.of_token(tokens.issue(project, "robot", [Scope.LABELS_WRITE]).token)
    for user in (robot, reviewer.user):
        label(double, user)
    Membership.objects.filter(user=reviewer.user).delete()
    assert told(lead, robot, project).role == "token"
    assert "not a member now" in opened(lead, reviewer.user, project).content.decode()


def test_pages_about_people_lead_there(project, double, lead, reviewer):
    label(double, reviewer.user)
    leases.claim(double, reviewer.user)
    address = f'href="{reverse("reviewer", args=[project.slug, reviewer.user.pk])}"'
    pages = [reverse(name, args=[project.slug]) for name in ("reviewers", "queues")]
    items = reverse("queue_items", args=[project.slug, "double"])
    for page in [*pages, f"{items}?show=held"]:
        assert address in lead.client.get(page).content.decode(), page
    for page in pages:
        assert address in reviewer.client.get(page).content.decode(), page


def test_of_a_hidden_item_nobody_else_is_said_to_be_wanted(project, double, lead, reviewer, monkeypatch):
    monkeypatch.setattr(repeats, "SHARE", 1.0)
    first = label(double, reviewer.user)
    resolutions.adjudicate(first, lead.user, verdict="pass")
    Assignment.objects.update(submitted_at=timezone.now() - timedelta(days=8))
    assert repeats.plan() == 1
    again = ReviewItem.objects.get(purpose="repeat")
    labels.submit(again, Actor(reviewer.user), leases.reclaim(again, reviewer.user).token, PASS)
    given = {each.item.pk: each.outcome for each in told(lead, reviewer.user, project).given}
    assert given == {first.pk: "pass", again.pk: "kept"}
