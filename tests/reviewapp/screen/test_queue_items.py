"""What stands in a queue, for leads: states, search, pages, whose it is, removal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviewapp.review import items as stand
from reviewapp.review import leases
from reviewapp.review.models import ItemState, ReviewItem
from reviewapp.screen import queue_items
from tests.reviewapp.review.making import filled, make_queue, make_reviewer, make_traces, reload

pytestmark = pytest.mark.django_db
PAGE = "/projects/refunds/queues/review/items"
XSS = "<script>alert(1)</script>"


def told(person, **asked):
    answer = person.client.get(PAGE, asked)
    assert answer.status_code == 200
    return answer.context["told"], answer.content.decode()


def ids(listed):
    return [row.item.pk for row in listed.rows]


def test_leads_open_it_and_others_do_not(
    queue, items, owner, lead, reviewer, stranger, client, other_project
):
    for person, status in ((owner, 200), (lead, 200), (reviewer, 403), (stranger, 404)):
        assert person.client.get(PAGE).status_code == status
    assert client.get(PAGE).status_code == 302
    assert lead.client.get(PAGE.replace("review", "none")).status_code == 404
    make_queue(other_project, "theirs")
    assert lead.client.get("/projects/refunds/queues/theirs/items").status_code == 404
    assert stranger.client.get("/projects/elsewhere/queues/review/items").status_code == 404
    assert f'href="{PAGE}"' in lead.client.get("/projects/refunds/queues").content.decode()
    assert f'href="{PAGE}"' in lead.client.get(f"{PAGE.removesuffix('items')}settings").content.decode()
    assert PAGE not in reviewer.client.get("/projects/refunds/queues").content.decode()


def test_each_state_has_its_tab(rita, lead, items, queue):
    held, hidden = rita.hold()
    rita.submit(held, hidden, verdict="pass")
    held = rita.hold()[0].pk
    waiting = [item for item in items if reload(item).state == ItemState.OPEN and item.pk != held]
    gone, asked, late = waiting
    stand.remove(gone, "leo")
    ReviewItem.objects.filter(pk=asked.pk).update(
        state="adjudication", open_slots=0, adjudication_reason="tie"
    )
    ReviewItem.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(hours=1))
    listed, page = told(lead)
    assert [tab.count for tab in listed.tabs] == [2, 1, 1, 1, 1]
    assert set(ids(listed)) == {late.pk, held}
    assert "was due" in page and "kanarie-7f3a reason" in page
    listed, page = told(lead, show="held")
    assert (ids(listed), listed.rows[0].holders, listed.rows[0].labels) == ([held], (rita.person.user,), 0)
    listed, page = told(lead, show="resolved")
    assert "1 of 1" in page and listed.rows[0].labels == 1
    listed, page = told(lead, show="decide")
    assert ids(listed) == [asked.pk] and listed.rows[0].why_undecided in page
    listed, page = told(lead, show="removed")
    assert ids(listed) == [gone.pk] and "removed by leo" in page and "For good" not in page
    assert told(lead, show="nonsense")[0].show == "open"


def test_leads_see_what_is_given_out_next_and_by_what(lead, items, queue, rita):
    """Items whose slots are taken are not given out; what has no rank is in the audit lane alone."""
    for number, item in enumerate(items):
        terms = {"p_fail": 0.81, "severity": 2.0, "uncertainty": 0.18, "novelty": 1.0}
        ReviewItem.objects.filter(pk=item.pk).update(rank=number, priority=number + 0.5, terms=terms)
    held = rita.hold()[0]
    listed, page = told(lead, order="served")
    ranked = [item.pk for item in reversed(items) if item.pk != held.pk]
    assert held.pk == items[-1].pk and ids(listed) == ranked
    assert "P(fail) .81, severity 2" in page and "as it is given out next" in page
    assert ids(told(lead, show="resolved", order="served")[0]) == []


def test_a_trace_is_found_in_any_state_and_nowhere_else(lead, items, queue, project, other_project):
    stand.remove(items[2], "leo")
    name = items[2].trace.trace_id
    assert ids(told(lead, trace=f" {name} ")[0]) == [items[2].pk]
    (elsewhere,) = filled(make_queue(project, "second"), 1)
    (theirs,) = filled(make_queue(other_project, "theirs"), 1)
    for other in (elsewhere.trace.trace_id, theirs.trace.trace_id, "no such", name[:-1], "\0", "x" * 5000):
        listed = told(lead, trace=other)[0]
        assert listed.rows == [] or not listed.searched
    pairs = make_queue(project, "pairs", kind="pair")
    left, right = make_traces(project, 2, "side")
    stand.enqueue_pairs(pairs, [(left.trace_id, right.trace_id)])
    found = lead.client.get("/projects/refunds/queues/pairs/items", {"trace": right.trace_id})
    assert len(found.context["told"].rows) == 1


def test_pages_follow_each_other_and_lead_back(lead, items, queue, monkeypatch):
    monkeypatch.setattr(queue_items, "ITEMS_A_PAGE", 2)
    # Two that came at once are kept apart.
    ReviewItem.objects.filter(pk__in=[items[1].pk, items[2].pk]).update(enqueued_at=items[1].enqueued_at)
    every = list(ReviewItem.objects.order_by("enqueued_at", "pk").values_list("pk", flat=True))
    first, _ = told(lead)
    second, _ = told(lead, after=first.following)
    third, _ = told(lead, after=second.following)
    assert ids(first) + ids(second) + ids(third) == every
    assert (first.preceding, third.following) == (None, None)
    back, _ = told(lead, before=third.preceding)
    assert ids(back) == ids(second)
    begin, _ = told(lead, before=back.preceding)
    assert (ids(begin), begin.preceding) == (ids(first), None)
    for odd in ("x", "-1", "9" * 40, "0", "\0"):
        assert ids(told(lead, after=odd, before=odd)[0]) == ids(first)
    for item in items:
        stand.remove(item, "leo")
    assert ids(told(lead, show="removed")[0]) == every[:-3:-1]


def test_what_a_lead_removes_here_stays_out(lead, reviewer, items, queue):
    remove = f"/projects/refunds/adjudication/{items[0].pk}/remove"
    assert remove in told(lead)[1]
    assert reviewer.client.post(remove).status_code == 403
    done = lead.client.post(remove, {"next": f"{PAGE}?show=open"})
    assert (done.status_code, done["Location"]) == (302, f"{PAGE}?show=open")
    assert lead.client.post(remove, {"next": "https://elsewhere.example/"})["Location"].startswith(
        "/projects/"
    )
    assert stand.enqueue(queue, [items[0].trace.trace_id]).added == []
    assert items[0].pk not in ids(told(lead)[0])


def test_of_what_the_lead_judges_now_nothing_is_told(lead, items, queue):
    pk = leases.claim(queue, lead.user).item.pk
    listed, page = told(lead, show="held")
    assert listed.rows[0].is_blind and "judging it blind" in page
    assert "kanarie-7f3a" not in page and f"adjudication/{pk}" not in page


def test_more_items_cost_no_more_questions(project, queue, lead):
    def asked():
        told(lead)  # reads what has come in
        with CaptureQueriesContext(connection) as queries:
            told(lead)
        return len(queries)

    filled(queue, 2)
    leases.claim(queue, make_reviewer(project, "ben"))
    few = asked()
    stand.enqueue(queue, [trace.trace_id for trace in make_traces(project, 12, "more")])
    leases.claim(queue, make_reviewer(project, "sam"))
    assert asked() == few <= 16


def test_text_of_others_is_shown_as_text(lead, project, queue):
    (trace,) = make_traces(project, 1, "odd", input=XSS)
    stand.enqueue(queue, [trace.trace_id])
    ReviewItem.objects.update(reasons=[{"code": "x", "detail": XSS}, "odd", None])
    page = told(lead)[1]
    assert XSS not in page and "&lt;script&gt;" in page


def test_empty_tabs_say_so_and_counting_has_an_end(lead, items, queue, monkeypatch):
    for show, words in (
        ("held", "Nobody holds"),
        ("decide", "Nothing to decide"),
        ("removed", "was removed"),
    ):
        assert words in told(lead, show=show)[1]
    monkeypatch.setattr(queue_items, "MOST", 3)
    assert "3+" in told(lead)[1]
