"""The list of queues, and traces put into a queue from the explorer."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from ingest.models import TraceRecord
from reviewapp.models import Membership, Role
from reviewapp.review import items as stand
from reviewapp.review import leases, queues
from reviewapp.review.models import ReviewItem
from reviewapp.screen import mine, queue_list
from reviewapp.traces import explorer
from tests.reviewapp.review.making import filled, make_queue, make_reviewer, make_traces
from tests.reviewapp.screen.conftest import Reviewing

pytestmark = pytest.mark.django_db


def listed(person, project, **params):
    answer = person.client.get(reverse("queues", args=[project.slug]), params)
    assert answer.status_code == 200
    return answer


def test_members_see_the_queues_and_strangers_nothing(queue, owner, lead, reviewer, stranger, client):
    for who in (owner, lead, reviewer):
        assert queue.name in listed(who, queue.project).content.decode()
    address = reverse("queues", args=[queue.project.slug])
    assert stranger.client.get(address).status_code == 404
    assert client.get(address).status_code == 302


def test_a_row_says_what_waits_how_old_and_how_long(rita, items, queue):
    ReviewItem.objects.filter(pk=items[0].pk).update(enqueued_at=timezone.now() - timedelta(days=3, hours=5))
    for _ in range(2):
        held, hidden = rita.hold()
        rita.submit(held, hidden, verdict="pass")
    rita.hold()
    ReviewItem.objects.filter(pk=items[4].pk).update(enqueued_at=timezone.now() - timedelta(days=3, hours=5))
    told = listed(rita.person, queue.project).context["told"]
    row = told.rows[0]
    assert (row.counts.waiting, row.counts.held, row.decided, row.total) == (2, 1, 2, 5)
    assert row.work.people == ("rita",)
    assert row.minutes == 1
    assert row.is_old
    assert row.work.held_by_me == 1
    assert told.first == row
    assert [tab.count for tab in told.tabs] == [1, 1, 0, 0]
    assert "Continue" in listed(rita.person, queue.project).content.decode()
    assert told.chart.total == 2


def test_an_item_that_waits_for_some_and_is_held_by_others_is_one_item(rita, project):
    shared = make_queue(project, "shared", overlap=3)
    filled(shared, 2)
    leases.claim(shared, rita.person.user)
    leases.claim(shared, make_reviewer(project, "sam"))
    (row,) = [row for row in listed(rita.person, project).context["told"].rows if row.queue == shared]
    assert (row.counts.waiting, row.counts.held, row.decided, row.total) == (2, 2, 0, 2)


def test_what_cannot_be_started_says_why(rita, items, queue, project):
    queues.change(queue, assignment="named", assignees=[])
    make_queue(project, "idle", name="Idle")
    paused = make_queue(project, "resting", name="Resting", paused=True)
    shown = listed(rita.person, project)
    assert shown.context["told"].first is None
    assert "named reviewers" in shown.content.decode()
    assert "nothing waits" in shown.content.decode()
    resting = listed(rita.person, project, show="paused").context["told"].rows
    assert [row.queue for row in resting] == [paused]


def test_what_waits_for_others_is_said_before_one_starts(rita, lead, items, queue):
    """And on the screen that ends a sitting, with what to do next."""
    queues.change(queue, assignment="round_robin", assignees=["leo"])
    row = listed(rita.person, queue.project).context["told"].rows[0]
    assert not row.can_start  # not one of the named
    queues.change(queue, assignment="round_robin", assignees=["leo", "rita"])
    page = listed(rita.person, queue.project)
    row = page.context["told"].first
    assert (row.mine.now, row.counts.waiting) == (2, 5) or (row.mine.now, row.counts.waiting) == (3, 5)
    assert f"{row.mine.now} of them for you" in page.content.decode()
    for _ in range(row.mine.now):
        rita.submit(*rita.hold(), verdict="pass")
    page = listed(rita.person, queue.project)
    left = 5 - row.mine.now
    assert page.context["told"].first is None
    assert f"None for you now: {left} wait for leo." in page.content.decode()
    assert "nothing for you" in page.content.decode()
    ended = rita.person.client.get(reverse("finish", args=[queue.project.slug, queue.slug]))
    assert f"{left} wait for leo." in ended.content.decode()
    assert listed(lead, queue.project).context["told"].first.mine.now == left


def test_what_one_has_labelled_or_skipped_is_no_work_to_start(rita, lead, project):
    queue = make_queue(project, "twice", overlap=2)
    filled(queue, 2)
    mine = Reviewing(rita.person, queue)
    mine.submit(*mine.hold(), verdict="pass")
    held, hidden = mine.hold()
    mine.post("skip", held, **hidden, reason="context")
    page = listed(rita.person, project)
    row = page.context["told"].rows[0]
    assert (row.mine.now, row.mine.labelled, row.mine.skipped, row.can_start) == (0, 1, 1, False)
    words = page.content.decode()
    assert "1 that you have labelled waits for someone else; 1 you have skipped" in words
    assert f"{queue.slug}/review?skipped=1" in words
    ended = mine.open()
    assert ended.status_code == 302
    words = rita.person.client.get(ended["Location"]).content.decode()
    assert "waits for someone else" in words and "Look at 1 skipped again" in words
    assert listed(lead, project).context["told"].first.mine.now == 2


def test_what_others_hold_is_said_where_nothing_else_is_left(rita, lead, project):
    queue = make_queue(project, "one")
    filled(queue, 1)
    Reviewing(lead, queue).hold()
    ended = rita.person.client.get(reverse("finish", args=[project.slug, queue.slug])).content.decode()
    assert "1 is held by others just now." in ended
    assert Reviewing(rita.person, queue).open().status_code == 302


def test_hidden_items_of_others_are_named_to_nobody(rita, lead, items, queue):
    ReviewItem.objects.filter(queue=queue).update(
        purpose="known", original=items[0], reserved_for=[lead.user.pk]
    )
    row = listed(rita.person, queue.project).context["told"].rows[0]
    assert (row.mine.others, row.can_start) == ((), False)


def headline(person, project, **params):
    page = listed(person, project, **params).content.decode()
    return re.search(r'<h1>Queues</h1>\s*<span class="second">(.*?)</span>', page)[1]


def test_the_minutes_are_those_of_queues_with_a_known_pace(rita, items, queue, project):
    """A queue that nobody has worked yet is no queue without work. What follows a submit is held."""
    assert headline(rita.person, project) == "5 waiting"
    rita.submit(*rita.hold(), verdict="pass")
    assert headline(rita.person, project) == "3 waiting, about 1 minute for one reviewer"
    filled(make_queue(project, "fresh"), 7)
    assert headline(rita.person, project) == "10 waiting, 3 of them about 1 minute for one reviewer"
    filled(make_queue(project, "resting", paused=True), 3)
    assert headline(rita.person, project) == "10 waiting, 3 of them about 1 minute for one reviewer"
    assert headline(rita.person, project, show="paused") == "0 waiting"


def test_what_waits_is_not_all_for_the_reader(rita, lead, items, queue, project, monkeypatch):
    named = make_queue(project, "named", assignment="named", assignees=["leo"])
    filled(named, 3)
    assert headline(rita.person, project) == "8 waiting; 5 for you now"
    assert headline(lead, project) == "8 waiting"
    monkeypatch.setattr(mine, "MOST", 4)
    assert headline(rita.person, project) == "8 waiting; at least 4 for you now"
    assert headline(rita.person, project, show="archived") == "0 waiting"


def test_no_queue_yet_is_explained_to_each_role(project, reviewer, lead):
    assert "A lead creates one" in listed(reviewer, project).content.decode()
    assert "most important first" in listed(lead, project).content.decode()
    assert (
        "No queue in this tab" in listed(lead, make_queue(project).project, show="archived").content.decode()
    )


def test_reviewers_see_their_own_figures_and_leads_all(rita, lead, items, queue):
    leo = Reviewing(lead, queue)
    for who in (rita, leo):
        who.submit(*who.hold(), verdict="pass")
    assert [pace.username for pace in listed(rita.person, queue.project).context["told"].paces] == ["rita"]
    assert len(listed(lead, queue.project).context["told"].paces) == 2


def test_figures_of_what_one_was_told_are_named_so(rita, lead, items, queue):
    """A lead's are over all answers: other figures do not stand under the same words."""
    rita.submit(*rita.hold(), verdict="pass")
    for address in ("queues", "reviewers", f"reviewers/{rita.person.user.pk}"):
        own = rita.person.client.get(f"/projects/{queue.project.slug}/{address}").content.decode()
        leads = lead.client.get(f"/projects/{queue.project.slug}/{address}").content.decode()
        assert "With consensus, as told" in own and "only answers count whose outcome you may know" in own
        assert "With consensus<" in leads and "as told" not in leads.lower()


def test_how_many_wait_in_the_audit_lane_is_for_leads(rita, lead, items, queue):
    """To a reviewer it would tell, before and after a claim, from which lane the item at hand comes."""
    drawn = {"lane": "audit", "audit_rank": -1.0, "u": 0.5, "day": "2026-11-01"}
    ReviewItem.objects.filter(pk=items[1].pk).update(**drawn)
    assert "1 of them audit" in listed(lead, queue.project).content.decode()
    before = listed(rita.person, queue.project).context["told"].rows[0].audit_waiting
    leases.reclaim(stand.find(queue.project, items[1].pk), rita.person.user)
    page = listed(rita.person, queue.project)
    assert page.context["told"].rows[0].audit_waiting == before
    assert "of them audit" not in page.content.decode()


def test_more_queues_cost_no_more_questions(project, reviewer):
    filled(make_queue(project, "first"), 1)
    with CaptureQueriesContext(connection) as few:
        listed(reviewer, project)
    for number in range(4):
        filled(make_queue(project, f"more-{number}"), 1)
    with CaptureQueriesContext(connection) as many:
        listed(reviewer, project)
    assert len(many) == len(few)
    assert len(few) <= 14


def test_another_project_counts_for_nothing(queue, items, other_project, stranger):
    theirs = make_queue(other_project, "theirs")
    assert [row.queue for row in listed(stranger, other_project).context["told"].rows] == [theirs]
    membership = Membership.objects.get(user=stranger.user)
    assert queue_list.rows_of(membership)[0].counts.waiting == 0


@pytest.fixture
def put(queue, lead):
    def put(*names, who=lead, **fields):
        address = reverse("enqueue", args=[queue.project.slug])
        return who.client.post(address, {"queue": queue.slug, "trace": names, **fields}, follow=True)

    return put


def test_leads_put_chosen_traces_into_a_queue(project, queue, put, lead, reviewer, stranger):
    one, two = make_traces(project, 2, prefix="chosen")
    done = put(one.trace_id, two.trace_id, "unknown", next="/projects/refunds/traces?route=x")
    assert "2 traces added to Refunds and returns." in done.content.decode()
    assert done.redirect_chain[0][0] == "/projects/refunds/traces?route=x"
    assert {item.trace for item in queue.items.all()} == {one, two}
    assert {item.added_by for item in queue.items.all()} == {"leo"}
    assert "1 were already there" in put(one.trace_id).content.decode()
    assert put(who=reviewer).status_code == 403
    assert put(who=stranger).status_code == 404
    assert "No trace was chosen" in put().content.decode()


def test_a_queue_that_was_archived_meanwhile_takes_none_and_says_so(project, queue, put):
    (one,) = make_traces(project, 1, prefix="chosen")
    queues.archive(queue)
    page = put(one.trace_id).content.decode()
    assert "Refunds and returns: This queue is archived: it takes nothing in." in page
    assert not queue.items.exists()


def test_a_whole_list_goes_in_but_for_what_a_person_removed(project, other_project, queue, put):
    wanted = make_traces(project, 120, prefix="wanted")
    make_traces(project, 3, prefix="others")
    theirs = make_traces(other_project, 3, prefix="theirs")
    TraceRecord.objects.filter(trace__in=[*wanted, *theirs]).update(body={"input": "?", "route": "refund"})
    (gone,) = stand.enqueue(queue, [wanted[7].trace_id]).added
    stand.remove(gone, "leonie")
    address = reverse("traces", args=[project.slug]) + "?route=refund&older=x"
    done = put(all="1", next=address)
    assert "119 traces added to Refunds and returns. 1 were already there or had been removed." in (
        done.content.decode()
    )
    waiting = queue.items.filter(state="open")
    assert {item.trace for item in waiting} == {*wanted} - {gone.trace}
    assert "No trace was chosen" in put(all="1", next=address.replace("=refund", "=none")).content.decode()
    assert "No trace was chosen" in put(all="1", next=f"{address}&from=never").content.decode()
    assert queue.items.count() == 120


def test_of_a_list_that_is_too_long_the_newest_go_in_and_it_is_said(project, queue, put, lead, monkeypatch):
    make_traces(project, 5, input="a question")
    address = reverse("traces", args=[project.slug])
    shown = lead.client.get(address).content.decode()
    assert f"the newest {explorer.MOST_TO_ADD:,} at most" in shown
    monkeypatch.setattr(explorer, "MOST_TO_ADD", 3)
    done = put(all="1").content.decode()
    assert "3 traces added" in done and "only the newest 3 were taken" in done
    assert "2 traces added" not in put(all="1").content.decode()


def test_a_trace_or_queue_of_another_project_is_out_of_reach(queue, put, other_project):
    (theirs,) = make_traces(other_project, 1, prefix="theirs")
    assert "0 traces added" in put(theirs.trace_id).content.decode()
    other = make_queue(other_project, "other")
    assert put("x", queue=other.slug).status_code == 404
    assert put("x", queue="\0").status_code == 404


@pytest.mark.parametrize(
    "where", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", "nan", "-1", "\0"]
)
def test_the_way_back_stays_on_this_site(put, project, where):
    assert put(next=where).redirect_chain[0][0] == reverse("traces", args=[project.slug])


def test_the_explorer_offers_the_choice_to_leads_only(project, queue, lead, reviewer):
    make_traces(project, 1, input="a question")
    address = reverse("traces", args=[project.slug])
    assert 'form="enqueue"' in lead.client.get(address).content.decode()
    assert 'form="enqueue"' not in reviewer.client.get(address).content.decode()
    Membership.objects.filter(user=lead.user).update(role=Role.REVIEWER)
    assert 'form="enqueue"' not in lead.client.get(address).content.decode()
